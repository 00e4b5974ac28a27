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


def _before(start: datetime | None, end: datetime | None) -> bool:
    return start is None or end is None or start < end
