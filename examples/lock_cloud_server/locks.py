"""Locks in memory: what they hold, what they refuse, and what may go wrong with them."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

LENGTHS = range(4, 9)


class Refused(Exception):
    """The contract's error answer."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error_code": code, "message": message}


@dataclass
class Code:
    """`on_lock`: what the lock holds of it; None: nothing. `wished`: what it was last asked to
    hold. They differ while a change is on its way."""

    access_code_id: str
    lock_id: str
    wished: dict[str, Any]
    on_lock: dict[str, Any] | None = None
    leaving: bool = False
    error_code: str | None = None

    @property
    def status(self) -> str:
        if self.error_code is not None:
            return "failed"
        if self.leaving or self.on_lock != self.wished:
            return "pending"
        return "active"

    def shown(self, *, masked: bool) -> dict[str, Any]:
        values = {**self.wished, **({"code": None} if masked else {})}
        return {
            "access_code_id": self.access_code_id,
            "lock_id": self.lock_id,
            **values,
            "status": self.status,
            "error_code": self.error_code,
        }


@dataclass
class Faults:
    offline: bool = False
    delay: float = 0.0
    held: bool = False
    ignore: int = 0
    drop_answer: int = 0
    reject_late: str | None = None
    masked: bool = False


@dataclass
class Lock:
    lock_id: str
    name: str
    model: str = "Example One"
    timezone: str = "Europe/Amsterdam"
    max_codes: int = 30
    schedules: bool = True
    bridge_id: str | None = None
    locked: bool = True
    battery: float = 90.0
    operations: int = 0
    codes: dict[str, Code] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def shown(self) -> dict[str, Any]:
        return {
            "lock_id": self.lock_id,
            "name": self.name,
            "model": self.model,
            "manufacturer": "Example",
            "online": not self.faults.offline,
            "battery_level": self.battery,
            "timezone": self.timezone,
            "bridge_id": self.bridge_id,
            "lock_state": "locked" if self.locked else "unlocked",
            "door_state": None,
            "access_code_rules": {
                "lengths": list(LENGTHS),
                "max_codes": self.max_codes,
                "schedules": self.schedules,
                "name_max_length": 40,
                "readable": not self.faults.masked,
            },
        }

    def held_codes(self) -> list[Code]:
        """Those that the lock holds or is about to."""
        return [code for code in self.codes.values() if code.error_code is None]

    def check(self, wished: dict[str, Any], but: str | None = None) -> None:
        """Raises Refused for a code that the lock would not take."""
        pin = wished.get("code")
        if not isinstance(pin, str) or not pin.isdigit() or len(pin) not in LENGTHS:
            raise Refused(422, "INVALID_PIN_FORMAT", "A PIN has 4 to 8 digits.")
        others = [code for code in self.held_codes() if code.access_code_id != but]
        if any(pin in (c.wished["code"], (c.on_lock or {}).get("code")) for c in others):
            raise Refused(409, "PIN_CONFLICT", "This PIN is already in use on the device.")
        if but is None and len(others) >= self.max_codes:
            raise Refused(409, "DEVICE_FULL", "The device can store no further code.")

    def check_online(self) -> None:
        if self.faults.offline:
            raise Refused(503, "DEVICE_OFFLINE", "The device is currently offline.")

    def opens(self, pin: str, now: datetime) -> Code | None:
        """The code that the PIN opens the lock with now."""
        for code in self.codes.values():
            stored = code.on_lock
            if stored is not None and stored["code"] == pin and _is_open(stored, now):
                return code
        return None

    async def reached(self) -> None:
        """Returns once the lock has what it was sent."""
        if self.faults.delay:
            await asyncio.sleep(self.faults.delay)
        while self.faults.held or self.faults.offline:
            self.released.clear()
            await self.released.wait()
        self.operations += 1


def _is_open(stored: dict[str, Any], now: datetime) -> bool:
    starts, ends = stored.get("starts_at"), stored.get("ends_at")
    return (starts is None or instant(starts) <= now) and (ends is None or now < instant(ends))


def instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)


def kept(locks: dict[str, Lock]) -> str:
    """What a restart must not lose, as text."""
    return json.dumps(
        {
            lock.lock_id: [[c.access_code_id, c.wished, c.on_lock] for c in lock.codes.values()]
            for lock in locks.values()
        }
    )


def restore(locks: dict[str, Lock], text: str) -> None:
    for lock_id, codes in json.loads(text).items():
        locks[lock_id].codes = {
            code_id: Code(code_id, lock_id, wished, on_lock) for code_id, wished, on_lock in codes
        }


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(6)}"


def demo_locks() -> dict[str, Lock]:
    locks = (
        Lock("lock_front", "Front Door", bridge_id="bridge_1", max_codes=12),
        Lock("lock_back", "Back Door", bridge_id="bridge_1", max_codes=6),
    )
    return {lock.lock_id: lock for lock in locks}
