"""Validity windows as Matter locks store them: year-day schedules in the lock's local time.

Times are seconds since 2000 as clocks on walls show them, so they are exact but in the hour that
comes twice (see `local_time`). Only the first schedule of a user is ever written.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.window import Window, same_schedule
from latchwork.drivers.local_time import local_end, local_start
from latchwork.drivers.matter.clusters import TIME_SYNCHRONIZATION, Status, Time
from latchwork.drivers.matter.node import LockEndpoint
from latchwork.drivers.protocol import DriverClock, DriverStore

SLOT: Final = 1
EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
NO_START: Final = 0
NO_END: Final = 0xFFFFFFFF - 1
"""The last second that fits; the number after it means none."""
_SECOND: Final = timedelta(seconds=1)
CLOCK_TOLERANCE: Final = timedelta(minutes=5)


class Times(NamedTuple):
    """Seconds since 2000 in local time."""

    start: int
    end: int


class _Remembered(msgspec.Struct, frozen=True):
    start: int
    end: int
    window: Window


def to_times(window: Window, zone: ZoneInfo) -> Times:
    start, end = window.starts_at, window.ends_at
    return Times(
        NO_START if start is None else _seconds(local_start(start, zone, _SECOND)),
        NO_END if end is None else _seconds(local_end(end, zone, _SECOND)),
    )


def to_window(times: Times, zone: ZoneInfo) -> Window:
    """The window that a schedule stands for, in UTC."""
    return Window(
        None if times.start == NO_START else _instant(times.start, zone),
        None if times.end >= NO_END else _instant(times.end, zone),
    )


def _seconds(local: datetime) -> int:
    return (local - EPOCH) // _SECOND


def _instant(seconds: int, zone: ZoneInfo) -> datetime:
    return (EPOCH + seconds * _SECOND).replace(tzinfo=zone).astimezone(UTC)


class Schedules:
    """Reads and writes the schedules of locks. A window whose times cannot be turned back into it
    (its bounds fall into the hour that comes twice) is remembered in the driver's store, so that
    the lock's schedule is known for ours after a restart too."""

    def __init__(self, clock: DriverClock, store: DriverStore) -> None:
        self._clock = clock
        self._store = store
        self._odd: dict[str, _Remembered] = {}

    async def load(self) -> None:
        stored = await self._store.load_all()
        self._odd = {
            key: msgspec.json.decode(value, type=_Remembered) for key, value in stored.items()
        }

    async def read(self, lock: LockEndpoint, position: int) -> Window | None:
        """The window stored with the position's user, None without one. Raises RetryLater."""
        told = await lock.commands.year_day(SLOT, position)
        if told.status == Status.NOT_FOUND or lock.zone is None:
            return None
        if told.status != Status.OK or told.local_start_time is None or told.local_end_time is None:
            raise RetryLater("The lock did not tell the schedule of a code.")
        times = Times(told.local_start_time, told.local_end_time)
        odd = self._odd.get(_key(lock, position))
        if odd is not None and (odd.start, odd.end) == times:
            return odd.window
        return to_window(times, lock.zone)

    async def write(self, lock: LockEndpoint, position: int, window: Window) -> None:
        """Stores the window with the position's user, which exists."""
        if lock.zone is None:
            raise NeedsAttention(
                "The lock's time zone is not known: give it in the settings of the connection."
            )
        await self._check_clock(lock, lock.zone)
        times = to_times(window, lock.zone)
        key = _key(lock, position)
        if key in self._odd or not same_schedule(to_window(times, lock.zone), window):
            kept = _Remembered(times.start, times.end, window)
            await self._store.save(key, msgspec.json.encode(kept))
            self._odd[key] = kept
        await lock.commands.set_year_day(SLOT, position, times.start, times.end)

    async def remove(self, lock: LockEndpoint, position: int) -> None:
        told = await lock.commands.year_day(SLOT, position)
        if told.status != Status.NOT_FOUND:
            await lock.commands.clear_year_day(SLOT, position)

    async def _check_clock(self, lock: LockEndpoint, zone: ZoneInfo) -> None:
        """A lock that tells its time must keep that of `zone`, or its schedules would be off."""
        if lock.time_is_right or not lock.tells_time:
            return
        path = f"0/{TIME_SYNCHRONIZATION}/{Time.LOCAL}"
        told = (await lock.commands.read(path)).get(path)
        if not isinstance(told, int):
            raise NeedsAttention(
                "The lock does not know what time it is, so it cannot keep schedules. Set its "
                "clock, or switch native scheduling off for its codes."
            )
        expected = self._clock.now().astimezone(zone).replace(tzinfo=None)
        if abs(EPOCH + timedelta(microseconds=told) - expected) > CLOCK_TOLERANCE:
            raise NeedsAttention(
                f"The lock's clock does not show the time of {zone.key}, so its schedules would be "
                "off. Correct its time zone or the one in the settings of the connection."
            )
        lock.time_is_right = True


def _key(lock: LockEndpoint, position: int) -> str:
    return f"{lock.key}/{position}"
