"""Windows of computed codes, and the simulated lock's algorithm, for any window there is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latchwork.domain.access_code import Offline
from latchwork.domain.device import OfflineCodes
from latchwork.domain.errors import Rejected
from latchwork.domain.offline import Fitted, fit, fit_one_time
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.simulator.algorithm import Algorithm, Issued

RULES = OfflineCodes()
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ZONES = [ZoneInfo(n) for n in ("Europe/Amsterdam", "Asia/Kolkata", "America/New_York", "UTC")]

starts = st.integers(0, 3 * 366 * 86400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
lengths = st.timedeltas(timedelta(minutes=1), timedelta(days=360))


@given(starts, lengths, st.sampled_from(ZONES))
@settings(max_examples=60, deadline=None)
def test_the_window_holds_what_was_asked_and_little_more(
    starts_at: datetime, length: timedelta, zone: ZoneInfo
) -> None:
    asked = Window(starts_at, starts_at + length)
    fitted = fit(asked, RULES, zone, DAY)
    begin, end = fitted.window.starts_at, fitted.window.ends_at
    assert begin is not None
    assert end is not None
    assert begin <= starts_at
    assert asked.ends_at is not None
    assert asked.ends_at <= end
    assert starts_at - begin < HOUR
    assert begin.astimezone(zone).minute == 0
    if fitted.grain is Offline.HOURLY:
        assert end - asked.ends_at < HOUR
        assert (end - begin) % HOUR == timedelta(0)
        assert HOUR <= end - begin <= 672 * HOUR
    else:
        local = end.astimezone(zone)
        assert (local.hour, local.minute) == (begin.astimezone(zone).hour, 0)
        assert 29 <= (local.date() - begin.astimezone(zone).date()).days <= 367


@given(starts, lengths, st.sampled_from(ZONES), st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_the_keypad_opens_to_a_code_in_its_window_and_to_nobody_elses(
    starts_at: datetime, length: timedelta, zone: ZoneInfo, others: int
) -> None:
    fitted = fit(Window(starts_at, starts_at + length), RULES, zone, DAY)
    lock, neighbour = Algorithm(b"one", zone, DAY), Algorithm(b"two", zone, DAY)
    _check_keypad(lock, fitted, others)
    pin = lock.issue({}, fitted.grain, fitted.window, "code")
    issued: dict[str, Issued] = {}
    assert neighbour.issue(issued, fitted.grain, fitted.window, "code") != pin


def _check_keypad(lock: Algorithm, fitted: Fitted, others: int) -> None:
    begin, end = fitted.window.starts_at, fitted.window.ends_at
    assert begin is not None
    assert end is not None
    issued: dict[str, Issued] = {}
    pins = [lock.issue(issued, fitted.grain, fitted.window, f"{n}") for n in range(others + 1)]
    assert len(set(pins)) == len(pins)
    assert lock.issue(issued, fitted.grain, fitted.window, "0") == pins[0]
    for pin in pins:
        assert lock.opens(pin, begin)
        assert lock.opens(pin, end - SECOND)
        assert not lock.opens(pin, begin - SECOND)
        assert not lock.opens(pin, end)


@given(starts, st.sampled_from(ZONES))
@settings(max_examples=20, deadline=None)
def test_a_code_for_one_use_waits_a_day(starts_at: datetime, zone: ZoneInfo) -> None:
    _check_keypad(Algorithm(b"one", zone, DAY), fit_one_time(starts_at, RULES, zone), 0)


def test_what_cannot_be_computed_is_refused_by_name() -> None:
    begin = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def rule(window: Window, rules: OfflineCodes = RULES, rounding: timedelta = HOUR) -> str:
        with pytest.raises(Rejected) as refused:
            fit(window, rules, UTC, rounding)
        return refused.value.rule

    assert rule(Window(begin, None)) == "ends_at"
    assert rule(Window(begin, begin + 40 * DAY + 3 * HOUR)) == "max_time_rounding"
    assert rule(Window(begin, begin + 400 * DAY), rounding=DAY) == "ends_at"
    assert rule(Window(begin, begin + 40 * DAY), OfflineCodes(days=None)) == "ends_at"
    assert fit(Window(begin, begin + 40 * DAY), RULES, UTC).grain is Offline.DAILY
    with pytest.raises(Rejected, match="no one-time"):
        fit_one_time(begin, OfflineCodes(one_time_hours=None), UTC)


def test_guessing_rarely_opens() -> None:
    lock = Algorithm(b"one", UTC, DAY)
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    hits = sum(lock.opens(Pin(f"{n * 9973 % 10**9:09d}"), now) is not None for n in range(20_000))
    assert hits < 20_000 * 0.03
