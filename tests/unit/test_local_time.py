"""Local times for locks, through both changes of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from latchwork.drivers.local_time import local_end, local_start

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[misc]


def wall(*fields: int) -> datetime:
    return utc(*fields).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("instant", "local"),
    [
        (utc(2026, 3, 29, 0, 59, 59), wall(2026, 3, 29, 1, 59, 59)),
        (utc(2026, 3, 29, 1, 0, 0), wall(2026, 3, 29, 3, 0, 0)),
        (utc(2026, 10, 24, 23, 59, 59), wall(2026, 10, 25, 1, 59, 59)),
        (utc(2026, 10, 25, 2, 0, 0), wall(2026, 10, 25, 3, 0, 0)),
    ],
)
def test_instants_around_both_changes_are_exact_to_the_second(
    instant: datetime, local: datetime
) -> None:
    assert local_start(instant, AMSTERDAM, SECOND) == local
    assert local_end(instant, AMSTERDAM, SECOND) == local


def test_a_start_in_the_first_pass_is_moved_to_where_the_clock_is_set_back_to() -> None:
    assert local_start(utc(2026, 10, 25, 0, 30, 15), AMSTERDAM, SECOND) == wall(2026, 10, 25, 2)
    assert local_start(utc(2026, 10, 25, 0, 30, 15), AMSTERDAM, MINUTE) == wall(2026, 10, 25, 2)


def test_a_start_in_the_second_pass_stays() -> None:
    at = utc(2026, 10, 25, 1, 30, 15)
    assert local_start(at, AMSTERDAM, SECOND) == wall(2026, 10, 25, 2, 30, 15)


def test_an_end_in_the_first_pass_stays_and_one_in_the_second_is_moved_to_its_end() -> None:
    first, second = utc(2026, 10, 25, 0, 30, 15), utc(2026, 10, 25, 1, 30, 15)
    assert local_end(first, AMSTERDAM, SECOND) == wall(2026, 10, 25, 2, 30, 15)
    assert local_end(second, AMSTERDAM, SECOND) == wall(2026, 10, 25, 3)


def test_starts_are_cut_down_and_ends_rounded_up_to_the_grain() -> None:
    at = utc(2026, 6, 1, 12, 0, 30).replace(microsecond=1)
    assert local_start(at, UTC, SECOND) == wall(2026, 6, 1, 12, 0, 30)
    assert local_end(at, UTC, SECOND) == wall(2026, 6, 1, 12, 0, 31)
    assert local_start(at, UTC, MINUTE) == wall(2026, 6, 1, 12)
    assert local_end(at, UTC, MINUTE) == wall(2026, 6, 1, 12, 1)
