"""Instants as people read them, and as they type them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from latchwork.api.errors import invalid

MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def zone_of(*names: str | None) -> ZoneInfo:
    """The first of these zones that there is; UTC when there is none."""
    for name in names:
        if not name or len(name) > 64:
            continue
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def when(instant: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`Tue 24 Nov, 15:00`; without the day for today, with the year for another one."""
    local, today = instant.astimezone(zone), now.astimezone(zone)
    clock = f"{local:%H:%M}"
    if local.date() == today.date():
        return f"today {clock}"
    day = f"{local:%a} {local.day} {local:%b}"
    return f"{day}, {clock}" if local.year == today.year else f"{day} {local.year}, {clock}"


def ago(instant: datetime, now: datetime) -> str:
    """`3 min ago`, `in 2 h`."""
    span = now - instant
    text = spelt(abs(span))
    if not text:
        return "just now" if span >= timedelta(0) else "in a moment"
    return f"{text} ago" if span >= timedelta(0) else f"in {text}"


def spelt(span: timedelta) -> str:
    """In the largest whole unit; empty for less than a minute."""
    if span < MINUTE:
        return ""
    if span < HOUR:
        return f"{span // MINUTE} min"
    if span < DAY * 2:
        return f"{span // HOUR} h"
    return f"{span // DAY} days"


def typed_instant(name: str, text: str, zone: ZoneInfo) -> datetime | None:
    """A local date and time, such as 2026-11-24T15:00, as its instant; of the two of a time that
    a clock change repeats, the first. Raises 400 for one that the clocks pass over."""
    if not text:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        local = None
    if local is None or local.tzinfo is not None:
        raise invalid("Give a date and a time.", **{name: "Give a date and a time."})
    try:
        instant = local.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise invalid("That is too far off.", **{name: "That is too far off."}) from None
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        wrong = f"The clocks in {zone.key} pass over this time. Choose another."
        raise invalid(wrong, **{name: wrong})
    return instant


def for_input(instant: datetime | None, zone: ZoneInfo) -> str:
    """As a datetime-local field takes it."""
    return "" if instant is None else f"{instant.astimezone(zone):%Y-%m-%dT%H:%M}"
