"""Windows in the lock's own time: rounding, daylight saving time, and who is never locked out."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.domain.window import Window, same_schedule
from latchwork.drivers.zwave_js.commands import Timezone, YearDay
from latchwork.drivers.zwave_js.schedules import offsets_of, to_fields, to_window

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
local = datetime  # without a zone: what a lock's clock shows
ZONES = ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
SET_BACK = [
    ("Europe/Amsterdam", datetime(2027, 10, 31, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 11, 7, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
]
instants = st.datetimes(
    min_value=local(2025, 1, 1), max_value=local(2035, 12, 31), timezones=st.just(UTC)
)
lengths = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(days=60))
windows = st.builds(lambda start, length: Window(start, start + length), instants, lengths)


def assert_lets_in(window: Window, zone: ZoneInfo) -> None:
    """At every instant of the stay the lock's clock, whatever it says, is within the schedule."""
    assert window.starts_at is not None
    assert window.ends_at is not None
    start, stop = clock(to_fields(window, zone))
    end = window.ends_at - timedelta(microseconds=1)
    step = max((end - window.starts_at) / 100, timedelta(seconds=1))
    instants = [window.starts_at + step * n for n in range(101)]
    for instant in (*(i for i in instants if i < end), end):
        assert start <= instant.astimezone(zone).replace(tzinfo=None) < stop


def clock(fields: YearDay) -> tuple[datetime, datetime]:
    """The local times that a lock compares its clock with."""
    f = fields
    return (
        local(2000 + f.start_year, f.start_month, f.start_day, f.start_hour, f.start_minute),
        local(2000 + f.stop_year, f.stop_month, f.stop_day, f.stop_hour, f.stop_minute),
    )


@given(windows)
def test_in_utc_a_window_is_read_back_as_it_was_written(window: Window) -> None:
    assert same_schedule(to_window(to_fields(window, UTC), UTC), window)


@given(windows, st.sampled_from(ZONES))
def test_no_guest_is_ever_locked_out(window: Window, name: str) -> None:
    assert_lets_in(window, ZoneInfo(name))


@given(st.sampled_from(SET_BACK), st.integers(-90, 60), st.integers(1, 120))
def test_no_guest_is_locked_out_when_clocks_are_set_back(
    change: tuple[str, datetime], begins: int, lasts: int
) -> None:
    name, instant = change
    start = instant + timedelta(minutes=begins)
    assert_lets_in(Window(start, start + timedelta(minutes=lasts)), ZoneInfo(name))


@given(windows, st.sampled_from(ZONES))
def test_a_schedule_is_wider_than_the_stay_by_an_hour_and_a_minute_at_most(
    window: Window, name: str
) -> None:
    zone = ZoneInfo(name)
    read = to_window(to_fields(window, zone), zone)
    assert read.starts_at is not None
    assert read.ends_at is not None
    assert window.starts_at is not None
    assert window.ends_at is not None
    slack = timedelta(hours=1, minutes=1)
    assert window.starts_at - slack <= read.starts_at <= window.starts_at
    assert window.ends_at <= read.ends_at <= window.ends_at + slack


def test_seconds_are_cut_from_starts_and_added_to_ends() -> None:
    window = Window(
        datetime(2026, 6, 1, 10, 0, 59, tzinfo=UTC), datetime(2026, 6, 2, 9, 59, 1, tzinfo=UTC)
    )
    start, stop = clock(to_fields(window, UTC))
    assert (start.hour, start.minute) == (10, 0)
    assert (stop.hour, stop.minute) == (10, 0)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "start", "stop"),
    [
        # A stay over the night in which summer time begins (28 March 2027, 01:00 UTC).
        ("2027-03-27T14:00Z", "2027-03-28T09:00Z", "2027-03-27T15:00", "2027-03-28T11:00"),
        # Ends at the very instant of the change: the hour from 02:00 to 03:00 does not exist.
        ("2027-03-27T14:00Z", "2027-03-28T01:00Z", "2027-03-27T15:00", "2027-03-28T03:00"),
        # A stay over the night in which summer time ends (31 October 2027, 01:00 UTC).
        ("2027-10-30T13:00Z", "2027-10-31T10:00Z", "2027-10-30T15:00", "2027-10-31T11:00"),
        # Ends in the hour that comes twice, at its second pass.
        ("2027-10-30T13:00Z", "2027-10-31T01:30Z", "2027-10-30T15:00", "2027-10-31T03:00"),
        # Ends at its first pass.
        ("2027-10-30T13:00Z", "2027-10-31T00:30Z", "2027-10-30T15:00", "2027-10-31T02:30"),
        # Starts in its first pass: the clock is set back to 02:00 during the stay.
        ("2027-10-31T00:45Z", "2027-11-02T10:00Z", "2027-10-31T02:00", "2027-11-02T11:00"),
        # Starts in its second pass: open from the first.
        ("2027-10-31T01:30Z", "2027-11-02T10:00Z", "2027-10-31T02:30", "2027-11-02T11:00"),
    ],
)
def test_both_changes_of_the_clock(starts_at: str, ends_at: str, start: str, stop: str) -> None:
    window = Window(datetime.fromisoformat(starts_at), datetime.fromisoformat(ends_at))
    expected = (datetime.fromisoformat(start), datetime.fromisoformat(stop))
    assert clock(to_fields(window, AMSTERDAM)) == expected


@pytest.mark.parametrize("zone", [UTC, AMSTERDAM])
@pytest.mark.parametrize(
    "window",
    [
        Window(datetime(2026, 6, 1, 10, tzinfo=UTC), None),
        Window(None, datetime(2026, 6, 1, 10, tzinfo=UTC)),
    ],
)
def test_an_open_side_stays_open(window: Window, zone: tzinfo) -> None:
    assert to_window(to_fields(window, zone), zone) == window


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Europe/Amsterdam", Timezone(60, 120)),
        ("America/New_York", Timezone(-300, -240)),
        ("Australia/Sydney", Timezone(600, 660)),
        ("Asia/Kolkata", Timezone(330, 330)),
    ],
)
def test_a_zone_is_told_by_its_two_offsets(name: str, expected: Timezone) -> None:
    assert offsets_of(ZoneInfo(name), 2026) == expected


def test_dates_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="month"):
        to_window(YearDay(27, 13, 1, 0, 0, 27, 14, 1, 0, 0), UTC)
