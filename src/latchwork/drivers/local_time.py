"""Instants as clocks on walls show them, for locks that keep schedules in their own time.

Where clocks go back, an hour of local time comes twice, and a lock does not know which is meant: a
start in its first pass is moved to the beginning of that hour, which the clock is set back to
during the stay, and an end in its second pass to its end. So a guest is never locked out, and the
PIN opens at most that one hour longer. Every other instant is exact to the grain.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def local_start(instant: datetime, zone: tzinfo, grain: timedelta) -> datetime:
    """The naive local time of a start, cut down to the grain."""
    local = _floor(instant, grain).astimezone(zone)
    if local.fold or not _comes_twice(local):
        return local.replace(tzinfo=None)
    local = earlier = _floor(instant, _MINUTE).astimezone(zone)
    while not earlier.fold and _comes_twice(earlier):
        local, earlier = earlier, (earlier.astimezone(UTC) - _MINUTE).astimezone(zone)
    return local.replace(tzinfo=None)


def local_end(instant: datetime, zone: tzinfo, grain: timedelta) -> datetime:
    """The naive local time of an end, rounded up to the grain."""
    local = _ceiling(instant, grain).astimezone(zone)
    if not local.fold:
        return local.replace(tzinfo=None)
    local = _ceiling(instant, _MINUTE).astimezone(zone)
    while local.fold:
        local = (local.astimezone(UTC) + _MINUTE).astimezone(zone)
    return local.replace(tzinfo=None)


def _floor(instant: datetime, grain: timedelta) -> datetime:
    return instant - (instant - _EPOCH) % grain


def _ceiling(instant: datetime, grain: timedelta) -> datetime:
    floor = _floor(instant, grain)
    return floor if floor == instant else floor + grain


def _comes_twice(local: datetime) -> bool:
    """Of a time that exists: whether clocks show it again after they are set back."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
