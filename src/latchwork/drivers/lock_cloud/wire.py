"""The contract's objects as they travel, and what they mean here. Unknown members are passed
over; those that the contract makes optional may be missing or null."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Self

import msgspec

from latchwork.domain.device import CodeConstraint, LockCapabilities, Reads
from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.clouds.http import Answer, refusal
from latchwork.drivers.clouds.model import OutOfReach, RemoteCode, State
from latchwork.drivers.protocol import DiscoveredDevice

NAME: Final = "The lock cloud"
DEVICE_TYPE: Final = "lock_cloud_lock"
LARGEST_POSITIONS: Final = 2000


class CodeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock takes; each member is optional."""

    lengths: tuple[int, ...] = (4, 5, 6, 7, 8)
    characters: str = "0123456789"
    constraints: tuple[str, ...] = ()
    max_codes: int = 100
    schedules: bool = True
    name_max_length: int = 64
    readable: bool = True


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    lock_id: str | None = None
    device_id: str | None = None
    device_type: str | None = None
    name: str | None = None
    model: str | None = None
    device_model: str | None = None
    manufacturer: str | None = None
    serial_number: str | None = None
    online: bool | None = None
    battery_level: float | None = None
    timezone: str | None = None
    bridge_id: str | None = None
    lock_state: str | None = None
    door_state: str | None = None
    access_code_rules: CodeRules | None = None

    @property
    def key(self) -> str | None:
        return self.lock_id or self.device_id

    def filled(self, other: Self) -> Self:
        """With what `other` tells of the same lock and this does not."""
        own = {name: getattr(self, name) for name in ("lock_id", "device_id", "name", "model")}
        kept = {name: value for name, value in own.items() if value is not None}
        return msgspec.structs.replace(other, **kept)

    @property
    def is_lock(self) -> bool:
        return self.key is not None and self.device_type in (None, "smart_lock", "lock")

    def discovered(self, *, pushes_changes: bool) -> DiscoveredDevice:
        rules = self.access_code_rules or CodeRules()
        return DiscoveredDevice(
            provider_key=str(self.key),
            device_type=DEVICE_TYPE,
            display_name=self.name or f"Lock {self.key}",
            manufacturer=self.manufacturer or "unknown",
            model=self.model or self.device_model or "unknown",
            serial_number=self.serial_number,
            capabilities=LockCapabilities(
                read_cost=0,
                code_lengths=rules.lengths,
                characters=rules.characters,
                constraints=tuple(CodeConstraint(kind) for kind in rules.constraints),
                positions=max(1, min(rules.max_codes, LARGEST_POSITIONS)),
                native_scheduling=rules.schedules,
                name_max_length=rules.name_max_length or None,
                reads=Reads.PIN if rules.readable else Reads.OCCUPANCY,
                pushes_changes=pushes_changes,
                refuses_duplicates=True,
            ),
            online=self.online is not False,
            locked={"locked": True, "unlocked": False}.get(self.lock_state or ""),
            door_open={"open": True, "ajar": True, "closed": False}.get(self.door_state or ""),
            battery_level=fraction(self.battery_level),
            time_zone=self.timezone,
        )


class LockList(msgspec.Struct, frozen=True, kw_only=True):
    locks: tuple[Lock, ...]
    next_cursor: str | None = None


class Code(msgspec.Struct, frozen=True, kw_only=True):
    access_code_id: str
    name: str | None = None
    code: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    status: str = "active"
    error_code: str | None = None

    def remote(self) -> RemoteCode:
        window = None
        if self.starts_at is not None or self.ends_at is not None:
            window = Window(self.starts_at, self.ends_at)
        failed = self.status == "failed"
        return RemoteCode(
            code_id=self.access_code_id,
            pin=None if self.code is None else Pin(self.code),
            name=self.name,
            window=window,
            # A status that is not known proves nothing.
            state=STATES.get(self.status, State.PENDING),
            error=by_error_code(self.error_code, "the code") if failed else None,
        )


STATES: Final = {"active": State.STORED, "pending": State.PENDING, "failed": State.FAILED}


class CodeList(msgspec.Struct, frozen=True, kw_only=True):
    access_codes: tuple[Code, ...]
    next_cursor: str | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a wish about a code."""

    access_code_id: str


class Action(msgspec.Struct, frozen=True, kw_only=True):
    status: str = "pending"
    error_code: str | None = None


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    webhook_id: str
    secret: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    error_code: str


def fraction(percent: float | None) -> float | None:
    """Of a battery's 0 to 100."""
    return None if percent is None else max(0.0, min(percent / 100, 1.0))


def _offline(code: str, _what: str) -> LatchworkError:
    return OutOfReach(f"{NAME} cannot reach the lock ({code}).")


def _busy(code: str, _what: str) -> LatchworkError:
    return RetryLater(f"The lock cannot do this now ({code}).")


def _conflict(_code: str, _what: str) -> LatchworkError:
    return Conflict("The lock holds this PIN already, says its cloud.")


def _malformed(code: str, _what: str) -> LatchworkError:
    return Rejected(code.lower(), f"The lock does not take this ({code}).")


def _full(_code: str, _what: str) -> LatchworkError:
    return NeedsAttention(
        "The lock's memory for codes is full, says its cloud. Remove codes that are not needed."
    )


def _gone(_code: str, _what: str) -> LatchworkError:
    return NeedsAttention("The lock is no longer part of the account, says its cloud.")


def _unsupported(_code: str, what: str) -> LatchworkError:
    return Unsupported(f"The lock does not support {what}.")


ERROR_CODES: Final[Mapping[str, Callable[[str, str], LatchworkError]]] = {
    "DEVICE_OFFLINE": _offline,
    "BRIDGE_OFFLINE": _offline,
    "DEVICE_BUSY": _busy,
    "DEVICE_OUT_OF_SYNC": _busy,
    "TIMEOUT": _busy,
    "LOCK_JAMMED": _busy,
    "PIN_CONFLICT": _conflict,
    "INVALID_PIN_FORMAT": _malformed,
    "PIN_NOT_ALLOWED": _malformed,
    "INVALID_NAME": _malformed,
    "INVALID_SCHEDULE": _malformed,
    "DEVICE_FULL": _full,
    "LOCK_NOT_FOUND": _gone,
    "NOT_SUPPORTED": _unsupported,
}


def by_error_code(code: str | None, what: str) -> LatchworkError | None:
    """The error for one of the contract's codes; None for any other."""
    made = ERROR_CODES.get(code or "")
    return None if made is None or code is None else made(code, what)


def error_of(answer: Answer, what: str) -> LatchworkError:
    """The error for an answer that is no success."""
    refused = answer.read_or_none(Refused)
    code = None if refused is None else refused.error_code
    known = by_error_code(code, what)
    if known is not None:
        return known
    if code is not None and re.fullmatch(r"[A-Z][A-Z0-9_]{2,40}", code):
        what = f"{what} ({code})"
    if answer.status == 409:
        return Conflict("The lock holds this PIN already, says its cloud.")
    if answer.status in (400, 422):
        return Rejected("provider", f"{NAME} refused {what}.")
    if answer.status in (405, 501):
        return Unsupported(f"{NAME} does not offer {what}.")
    return refusal(answer, NAME, what)


def is_gone(answer: Answer) -> bool:
    """Whether the answer says that the code does not exist."""
    refused = answer.read_or_none(Refused)
    if refused is not None:
        return refused.error_code == "ACCESS_CODE_NOT_FOUND"
    return answer.status in (404, 410)
