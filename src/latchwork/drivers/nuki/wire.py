"""Nuki's objects as they travel, and what they mean here."""

from datetime import datetime
from typing import Any, Final

import msgspec

from latchwork.domain.device import CodeConstraint, LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.clouds.model import NEVER, RemoteCode, State, Wish
from latchwork.drivers.protocol import DeviceChanged, DiscoveredDevice, LockOperated

DEVICE_TYPE: Final = "nuki_lock"
KEYPAD_CODE: Final = 13
ALL_WEEK: Final = 127
OFFLINE: Final = 4
"""Of `serverState`: 0 is online; 1 to 3 tell of the account, not of the lock."""
MODELS: Final = {
    0: "Smart Lock",
    2: "Opener",
    3: "Smart Door",
    4: "Smart Lock 3.0 or 4",
    5: "Smart Lock 5",
}
OPENER: Final = 2
LOCKED: Final = {1: True, 3: False, 5: False, 6: False}
DOOR: Final = {2: False, 3: True}
NAME_LENGTH: Final = 20
CODES_OF_KEYPAD, CODES_OF_KEYPAD_2 = 100, 200

UNLOCKS: Final = frozenset({1, 3, 4, 5})
LOCK: Final = 2
DONE: Final = 0
KEYPAD: Final = 255
METHODS: Final = {
    0: "unknown",
    1: "manual",
    2: "manual",
    3: "automatic",
    4: "remote",
    5: "remote",
    6: "automatic",
    7: "unknown",
}
TYPED: Final = frozenset({0, 1, None})
"""Sources of an action at the keypad that a code may stand for; 2 is a fingerprint."""


class LockState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    state: int | None = None
    door_state: int | None = None
    battery_charge: float | None = None
    battery_critical: bool | None = None

    @property
    def battery(self) -> float | None:
        if self.battery_charge is not None:
            return max(0.0, min(self.battery_charge / 100, 1.0))
        return 0.1 if self.battery_critical else None


class Config(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    keypad_paired: bool | None = None
    keypad2_paired: bool | None = None

    @property
    def has_keypad(self) -> bool:
        """True where Nuki does not say."""
        told = (self.keypad_paired, self.keypad2_paired)
        return True in told or told == (None, None)


class Smartlock(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    smartlock_id: int
    type: int = 0
    name: str | None = None
    config: Config | None = None
    state: LockState | None = None
    server_state: int | None = None

    @property
    def is_supported(self) -> bool:
        return self.type in MODELS

    @property
    def is_online(self) -> bool:
        return self.server_state != OFFLINE

    def discovered(self, *, pushes_changes: bool) -> DiscoveredDevice:
        config, state = self.config or Config(), self.state or LockState()
        return DiscoveredDevice(
            provider_key=str(self.smartlock_id),
            device_type=DEVICE_TYPE,
            display_name=self.name or f"Nuki {self.smartlock_id}",
            manufacturer="Nuki",
            model=MODELS.get(self.type, "unknown"),
            capabilities=LockCapabilities(
                read_cost=0,
                access_codes=config.has_keypad,
                code_lengths=(6,),
                characters="123456789",
                constraints=(CodeConstraint("no_zeros"), CodeConstraint("cannot_start_with_12")),
                positions=CODES_OF_KEYPAD_2 if config.keypad2_paired else CODES_OF_KEYPAD,
                native_scheduling=True,
                name_max_length=NAME_LENGTH,
                pushes_changes=pushes_changes,
                refuses_duplicates=True,
                can_lock=self.type != OPENER,
                can_unlock=self.type != OPENER,
            ),
            online=self.is_online,
            locked=None if self.type == OPENER else LOCKED.get(state.state or 0),
            door_open=DOOR.get(state.door_state or 0),
            battery_level=state.battery,
        )

    def changed(self) -> DeviceChanged:
        state = self.state or LockState()
        return DeviceChanged(
            provider_key=str(self.smartlock_id),
            online=None if self.server_state is None else self.is_online,
            locked=LOCKED.get(state.state or 0),
            door_open=DOOR.get(state.door_state or 0),
            battery_level=state.battery,
        )


class Auth(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An authorisation: of keypad codes, `code` is the PIN as a number."""

    id: str
    smartlock_id: int | None = None
    type: int = KEYPAD_CODE
    code: int | None = None
    name: str | None = None
    enabled: bool = True
    allowed_from_date: datetime | None = None
    allowed_until_date: datetime | None = None
    allowed_week_days: int | None = None
    allowed_from_time: int | None = None
    allowed_until_time: int | None = None
    operation_id: Any = None

    def remote(self) -> RemoteCode:
        window = None
        if self.allowed_from_date is not None or self.allowed_until_date is not None:
            window = Window(self.allowed_from_date, self.allowed_until_date)
        return RemoteCode(
            code_id=self.id,
            pin=None if self.code is None else Pin(str(self.code)),
            name=self.name,
            window=NEVER if not self.enabled or self._is_by_the_clock() else window,
            # While an operation is under way the server holds the wish, not the lock.
            state=State.STORED if self.operation_id is None else State.PENDING,
        )

    def _is_by_the_clock(self) -> bool:
        """Whether it opens on some days or hours alone: no code of ours does."""
        days = self.allowed_week_days
        hours = (self.allowed_from_time or 0, self.allowed_until_time or 0)
        return days not in (None, 0, ALL_WEEK) or hours != (0, 0)


class Log(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    smartlock_id: int
    auth_id: str | None = None
    action: int = 0
    trigger: int | None = None
    state: int = DONE
    source: int | None = None
    date: datetime | None = None

    @property
    def locked(self) -> bool | None:
        if self.state != DONE:
            return None
        return True if self.action == LOCK else False if self.action in UNLOCKS else None

    @property
    def is_typed(self) -> bool:
        return self.trigger == KEYPAD and self.source in TYPED

    def operated(self, *, locked: bool) -> LockOperated:
        method = "unknown" if self.trigger == KEYPAD else METHODS.get(self.trigger or 0, "unknown")
        return LockOperated(
            provider_key=str(self.smartlock_id),
            locked=locked,
            method=method,
            occurred_at=self.date,
            report_id=self.id,
        )


class Registered(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A decentral webhook; `secret` signs what is delivered."""

    id: int
    secret: str
    webhook_url: str


class Refused(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    detail_message: str = ""


def wrong_pin() -> Rejected:
    return Rejected("code", "A PIN of Nuki has six digits from 1 to 9, not beginning with 12.")


def wished(wish: Wish) -> dict[str, Any]:
    """The members of a keypad code. Nulls lift what stood there."""
    window, pin = wish.window, wish.pin.reveal()
    if not pin.isdecimal() or pin.startswith("0"):
        raise wrong_pin()
    return {
        "name": wish.name or "Latchwork",
        "code": int(pin),
        "enabled": True,
        "allowedFromDate": None if window is None else _text(window.starts_at),
        "allowedUntilDate": None if window is None else _text(window.ends_at),
        "allowedWeekDays": ALL_WEEK,
        "allowedFromTime": 0,
        "allowedUntilTime": 0,
    }


def _text(instant: datetime | None) -> str | None:
    if instant is None:
        return None
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
