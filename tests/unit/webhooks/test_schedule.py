"""Eight attempts over 27 h 35 min 5 s, never sooner than the receiver asks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from latchwork.webhooks.post import retry_after
from latchwork.webhooks.schedule import next_attempt

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def all_attempts(jitter: float) -> list[datetime]:
    times = [NOW]
    while (after := next_attempt(len(times), times[-1], jitter)) is not None:
        times.append(after)
    return times


def test_the_schedule_without_jitter() -> None:
    times = all_attempts(0.0)
    assert len(times) == 8
    assert [int((b - a).total_seconds()) for a, b in pairwise(times)] == [
        5,
        5 * 60,
        30 * 60,
        2 * 3600,
        5 * 3600,
        10 * 3600,
        10 * 3600,
    ]
    assert times[-1] - NOW == timedelta(hours=27, minutes=35, seconds=5)


def test_jitter_lengthens_by_a_tenth_at_most() -> None:
    whole = timedelta(hours=27, minutes=35, seconds=5)
    assert all_attempts(1.0)[-1] - NOW == whole * 1.1


@pytest.mark.parametrize(
    ("asked", "delay"),
    [
        (timedelta(seconds=1), timedelta(seconds=5)),
        (timedelta(minutes=3), timedelta(minutes=3)),
        (timedelta(days=400), timedelta(hours=10)),
    ],
)
def test_retry_after_puts_off_within_bounds(asked: timedelta, delay: timedelta) -> None:
    assert next_attempt(1, NOW, 0.0, asked) == NOW + delay


def test_retry_after_adds_no_attempt() -> None:
    assert next_attempt(8, NOW, 0.0, timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("120", timedelta(minutes=2)),
        ("0", timedelta(0)),
        ("Sun, 01 Mar 2026 12:10:00 GMT", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 12:10:00 -0000", timedelta(minutes=10)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
    ],
)
def test_retry_after_in_either_form(value: str | None, expected: timedelta | None) -> None:
    assert retry_after(value, NOW) == expected


def test_an_absurd_retry_after_is_no_error() -> None:
    assert retry_after("9" * 400, NOW) > timedelta(days=365)
