"""Instants as the API shows them."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from latchwork.api.device_serializers import iso


def test_an_instant_is_shown_in_utc_with_milliseconds() -> None:
    assert iso(datetime(2026, 3, 9, 2, 5, 7, 8_999, tzinfo=UTC)) == "2026-03-09T02:05:07.008Z"
    assert iso(None) is None


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_is_shown_as_python_writes_it(instant: datetime) -> None:
    written = instant.isoformat(timespec="milliseconds")
    assert iso(instant) == written.replace("+00:00", "Z")
