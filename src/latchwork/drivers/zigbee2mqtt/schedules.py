"""Validity windows as Zigbee locks store them: seconds of local time since 2000, in minutes here.

Locks take their time from Zigbee2MQTT, which gives its host's local time.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from latchwork.domain.window import Window
from latchwork.drivers.local_time import local_end, local_start

_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(2000, 1, 1)  # noqa: DTZ001 - the lock's own time
NO_START: Final = 0
NO_END: Final = 0xFFFF_FFFE


def to_times(window: Window, zone: tzinfo) -> tuple[int, int]:
    """Start and end for a window, in the lock's time."""
    start, end = NO_START, NO_END
    if window.starts_at is not None:
        start = _seconds(local_start(window.starts_at, zone, _MINUTE))
    if window.ends_at is not None:
        end = _seconds(local_end(window.ends_at, zone, _MINUTE))
    return start, end


def to_window(start: int, end: int, zone: tzinfo) -> Window:
    """The window that a schedule stands for, in UTC."""
    return Window(
        None if start == NO_START else _instant(start, zone),
        None if end >= NO_END else _instant(end, zone),
    )


def _seconds(local: datetime) -> int:
    return min(max(int((local - _EPOCH).total_seconds()), NO_START), NO_END)


def _instant(seconds: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=zone).astimezone(UTC)
