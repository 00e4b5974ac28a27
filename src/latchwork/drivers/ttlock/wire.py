"""The platform's objects as they travel, and what they mean here."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from latchwork.domain.device import CodeConstraint, LockCapabilities
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.clouds.model import NEVER, RemoteCode, State
from latchwork.drivers.protocol import DiscoveredDevice

DEVICE_TYPE: Final = "ttlock_lock"
PERMANENT, PERIOD = 2, 3
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
END: Final = datetime(2099, 12, 31, tzinfo=UTC)
"""Stand for no start and no end in a period: the platform wants both."""
MINUTE: Final = timedelta(minutes=1)

CAN_LOCK, CAN_UNLOCK, WIFI = 1 << 8, 1 << 10, 1 << 56
"""Bits of a lock's feature value."""

NORMAL, INVALID, MODIFY_FAILED, DELETE_FAILED, ADD_FAILED = 1, 2, 7, 9, 5
STATES: Final = {
    NORMAL: State.STORED,
    INVALID: State.STORED,
    ADD_FAILED: State.FAILED,
    MODIFY_FAILED: State.STORED,
    DELETE_FAILED: State.STORED,
}
"""Statuses that say where a code is; with all others (3, 4, 6, 8) something is under way."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Any answer: without a code, or with 0, it is a success."""

    errcode: int = 0


class Lock(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    lock_id: int
    lock_name: str | None = None
    lock_alias: str | None = None
    lock_mac: str | None = None
    electric_quantity: float | None = None
    feature_value: str | None = None
    has_gateway: int | None = None

    def _feature(self, bit: int) -> bool | None:
        try:
            return None if self.feature_value is None else bool(int(self.feature_value, 16) & bit)
        except ValueError:
            return None

    def discovered(self) -> DiscoveredDevice:
        return DiscoveredDevice(
            provider_key=str(self.lock_id),
            device_type=DEVICE_TYPE,
            display_name=self.lock_alias or self.lock_name or f"Lock {self.lock_id}",
            manufacturer="TTLock",
            model=(self.lock_name or "unknown").partition("_")[0],
            serial_number=self.lock_mac,
            capabilities=LockCapabilities(
                read_cost=0,
                code_lengths=(4, 5, 6, 7, 8, 9),
                constraints=(
                    CodeConstraint("no_ascending_or_descending_sequence"),
                    CodeConstraint("no_all_same_digits"),
                ),
                positions=250,
                native_scheduling=True,
                name_max_length=50,
                refuses_duplicates=True,
                can_lock=self._feature(CAN_LOCK) is not False,
                can_unlock=self._feature(CAN_UNLOCK) is not False,
            ),
            online=self.has_gateway != 0 or self._feature(WIFI) is True,
            battery_level=fraction(self.electric_quantity),
        )


class LockPage(msgspec.Struct, frozen=True, kw_only=True):
    list: tuple[Lock, ...]
    pages: int = 1


class Passcode(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    keyboard_pwd_id: int
    keyboard_pwd: str | None = None
    keyboard_pwd_name: str | None = None
    keyboard_pwd_type: int = PERIOD
    start_date: int | None = None
    end_date: int | None = None
    is_custom: int | None = None
    status: int = NORMAL

    def remote(self, now: datetime) -> RemoteCode:
        window = self._window()
        is_off = self.status == INVALID and not (window and window.has_ended(now))
        return RemoteCode(
            code_id=str(self.keyboard_pwd_id),
            pin=Pin(self.keyboard_pwd) if self.keyboard_pwd else None,
            name=self.keyboard_pwd_name,
            # After a failed change nobody knows which values the lock has: it is written again.
            window=NEVER if is_off or self.status == MODIFY_FAILED else window,
            state=STATES.get(self.status, State.PENDING),
        )

    def _window(self) -> Window | None:
        if self.keyboard_pwd_type != PERIOD:
            return None
        starts, ends = from_ms(self.start_date), from_ms(self.end_date)
        window = Window(
            None if starts is None or starts <= BEGINNING else starts,
            None if ends is None or ends >= END else ends,
        )
        return None if window == Window() else window


class PasscodePage(msgspec.Struct, frozen=True, kw_only=True):
    list: tuple[Passcode, ...]
    pages: int = 1


class Added(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    keyboard_pwd_id: int


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What happened at a lock; `lock_date` in milliseconds since 1970."""

    record_type: int
    success: int = 1
    keyboard_pwd: str | None = None
    lock_date: int | None = None
    electric_quantity: float | None = None


class RecordPage(msgspec.Struct, frozen=True, kw_only=True):
    list: tuple[Record, ...]
    pages: int = 1


def fraction(percent: float | None) -> float | None:
    return None if percent is None or percent < 0 else min(percent / 100, 1.0)


def to_ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def whole_ms(instant: datetime) -> datetime:
    """The platform's last instant by then: what it tells since that is told since then."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def from_ms(ms: int | None) -> datetime | None:
    """None for 0 too: the platform's word for none."""
    return None if not ms else datetime.fromtimestamp(ms / 1000, UTC)


def dates(window: Window | None) -> tuple[int, int]:
    """Start and end for the platform, which keeps minutes: rounding never shortens a stay."""
    starts = BEGINNING if window is None or window.starts_at is None else window.starts_at
    ends = END if window is None or window.ends_at is None else window.ends_at
    floor = ends.replace(second=0, microsecond=0)
    return (
        to_ms(starts.replace(second=0, microsecond=0)),
        to_ms(ends if floor == ends else floor + MINUTE),
    )
