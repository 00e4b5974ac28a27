"""Instants as whole microseconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.storage.instants import from_us, span_from_us, span_to_us, to_us


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_comes_back_exactly(instant: datetime) -> None:
    assert from_us(to_us(instant)) == instant
    assert from_us(to_us(instant)).tzinfo is UTC


@given(st.timedeltas())
def test_a_span_comes_back_exactly(span: timedelta) -> None:
    assert span_from_us(span_to_us(span)) == span


def test_the_zone_does_not_matter() -> None:
    here = datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2)))
    assert to_us(here) == to_us(here.astimezone(UTC))


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(TypeError):
        to_us(datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001
