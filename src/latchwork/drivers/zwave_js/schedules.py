"""Validity windows as Schedule Entry Lock stores them: year-day schedules in the lock's own time.

The lock's time is UTC, unless the connection's settings name the time zone that the Z-Wave JS
server gives its locks. In UTC there is no daylight saving time, and every window is exact. Before
the first schedule is read or written, the lock's offset is read and set where it differs (Z-Wave
JS sets it to its host's zone at each interview).

Schedules are kept in minutes: starts are cut down, ends are rounded up. `read_window` gives back
the very window that was written as long as the lock stores its fields; otherwise the fields decide.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.window import Window
from latchwork.drivers.local_time import local_end, local_start
from latchwork.drivers.protocol import DriverClock
from latchwork.drivers.zwave_js.commands import Timezone, YearDay
from latchwork.drivers.zwave_js.node import LockNode

SLOT: Final = 1
"""The only schedule slot of a position that is ever written."""
_MINUTE: Final = timedelta(minutes=1)
_CENTURY: Final = 2000
_NO_START: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - the lock's own time
_NO_END: Final = datetime(2099, 12, 31, 23, 59)  # noqa: DTZ001


def to_fields(window: Window, zone: tzinfo) -> YearDay:
    """The schedule for a window, in the lock's time."""
    start = _NO_START if window.starts_at is None else local_start(window.starts_at, zone, _MINUTE)
    stop = _NO_END if window.ends_at is None else local_end(window.ends_at, zone, _MINUTE)
    return YearDay(
        start_year=start.year - _CENTURY,
        start_month=start.month,
        start_day=start.day,
        start_hour=start.hour,
        start_minute=start.minute,
        stop_year=stop.year - _CENTURY,
        stop_month=stop.month,
        stop_day=stop.day,
        stop_hour=stop.hour,
        stop_minute=stop.minute,
    )


def to_window(fields: YearDay, zone: tzinfo) -> Window:
    """The window that a schedule stands for, in UTC. Raises ValueError for no real dates."""
    start = datetime(  # noqa: DTZ001
        fields.start_year + _CENTURY,
        fields.start_month,
        fields.start_day,
        fields.start_hour,
        fields.start_minute,
    )
    stop = datetime(  # noqa: DTZ001
        fields.stop_year + _CENTURY,
        fields.stop_month,
        fields.stop_day,
        fields.stop_hour,
        fields.stop_minute,
    )
    return Window(
        None if start == _NO_START else start.replace(tzinfo=zone).astimezone(UTC),
        None if stop == _NO_END else stop.replace(tzinfo=zone).astimezone(UTC),
    )


def offsets_of(zone: tzinfo, year: int) -> Timezone:
    """What a lock must be told so that it keeps the time of `zone`."""
    offsets = [
        (datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta()) // _MINUTE
        for month in (1, 7)
    ]
    return Timezone(standard_offset=min(offsets), dst_offset=max(offsets))


class Schedules:
    """Reads and writes the schedules of locks."""

    def __init__(self, zone: ZoneInfo | None, clock: DriverClock) -> None:
        self._zone: tzinfo = UTC if zone is None else zone
        self._clock = clock

    async def read_window(self, lock: LockNode, position: int) -> Window | None:
        """The window stored with a position, None without one. Raises RetryLater."""
        await self.set_clock(lock)
        fields = await self._read(lock, position)
        if fields is None:
            return None
        written = lock.schedules.get(position)
        if written is not None and written[0] == fields:
            return written[1]
        try:
            return to_window(fields, self._zone)
        except (ValueError, OverflowError):
            return None

    async def _read(self, lock: LockNode, position: int) -> YearDay | None:
        """The answer counts when Z-Wave JS has noted the same for this very position: else it was
        another's, or none came."""
        for _ in range(2):
            told = await lock.commands.read_schedule(position, SLOT)
            if told == await lock.commands.cached_schedule(position, SLOT):
                return told
        raise RetryLater("The lock did not tell the schedule of a code.")

    async def write(self, lock: LockNode, position: int, window: Window) -> bool:
        """Stores the window; whether the lock took it."""
        await self.set_clock(lock)
        fields = to_fields(window, self._zone)
        lock.schedules[position] = (fields, window)
        return await lock.commands.set_schedule(position, SLOT, fields)

    async def remove(self, lock: LockNode, position: int) -> None:
        """Makes the position's code valid always; RetryLater when the lock does not take it."""
        lock.schedules.pop(position, None)
        erased = await lock.commands.set_schedule(position, SLOT, None)
        if not (erased and await lock.commands.enable_schedules(position, enabled=False)):
            raise RetryLater("The lock did not remove the schedule of a code.")

    async def erase(self, lock: LockNode, position: int) -> None:
        """Forgets the schedule of an emptied position."""
        lock.schedules.pop(position, None)
        if not await lock.commands.set_schedule(position, SLOT, None):
            raise RetryLater("The lock did not erase the schedule of a removed code.")

    async def set_clock(self, lock: LockNode) -> None:
        """Makes the lock keep the time that its schedules are written in."""
        if lock.clock_is_set:
            return
        wanted = offsets_of(self._zone, self._clock.now().year)
        if await self._timezone(lock) != wanted:
            await lock.commands.set_timezone(wanted)
            if await self._timezone(lock) != wanted:
                raise NeedsAttention(
                    "The lock does not keep the time zone that it was given, so its schedules "
                    "cannot be trusted. Switch native scheduling off for its codes."
                )
        lock.clock_is_set = True

    async def _timezone(self, lock: LockNode) -> Timezone:
        timezone = await lock.commands.read_timezone()
        if timezone is None:
            raise RetryLater("The lock did not tell its time zone.")
        return timezone
