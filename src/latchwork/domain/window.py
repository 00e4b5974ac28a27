"""Validity windows: half-open intervals [starts_at, ends_at) of UTC instants."""

from datetime import datetime, timedelta

import msgspec

NATIVE_PRELOAD = timedelta(hours=72)
"""A natively scheduled code is written to the lock up to this long before it starts."""

LEAD_TIME = timedelta(minutes=60)
"""A just-in-time code is programmed up to this long before it starts."""


class Window(msgspec.Struct, frozen=True):
    """When a code is valid. None on either side means without that bound. Instants are aware."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no instant at which it is valid."""
        return self.starts_at is not None and self.has_ended(self.starts_at)

    def overlaps(self, other: "Window") -> bool:
        """Whether an instant exists at which both are valid."""
        return _before(self.starts_at, other.ends_at) and _before(other.starts_at, self.ends_at)

    def has_started(self, now: datetime) -> bool:
        return self.starts_at is None or self.starts_at <= now

    def has_ended(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    def contains(self, now: datetime) -> bool:
        return self.has_started(now) and not self.has_ended(now)


ALWAYS = Window()


def same_schedule(one: Window | None, other: Window | None) -> bool:
    """Whether two schedules on a lock are the same at the grain of a minute, which is as fine as
    locks store them: starts are cut down to the minute, ends are rounded up, so that rounding
    never shortens a stay. None (no schedule) equals only None."""
    if one is None or other is None:
        return one is other
    return _floor(one.starts_at) == _floor(other.starts_at) and _ceil(one.ends_at) == _ceil(
        other.ends_at
    )


def _floor(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(second=0, microsecond=0)


def _ceil(instant: datetime | None) -> datetime | None:
    floor = _floor(instant)
    return floor if floor is None or floor == instant else floor + timedelta(minutes=1)


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
