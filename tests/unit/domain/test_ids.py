"""Identifiers are UUIDs of version 7 (RFC 9562, 5.7)."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from latchwork.domain.ids import uuid7

NOW = datetime(2026, 3, 29, 2, 30, 5, 678_000, tzinfo=UTC)


@given(st.binary(min_size=10, max_size=10))
def test_an_id_holds_its_millisecond_and_its_entropy(entropy: bytes) -> None:
    text = uuid7(NOW, entropy)
    made, random = UUID(text), int.from_bytes(entropy)
    assert (str(made), made.version, made.variant) == (text, 7, RFC_4122)
    assert made.int >> 80 == NOW.timestamp() * 1000
    assert made.int >> 64 & 0xFFF == random >> 64 & 0xFFF
    assert made.int & (1 << 62) - 1 == random & (1 << 62) - 1


def test_later_ids_sort_behind_earlier_ones() -> None:
    later = NOW + timedelta(milliseconds=1)
    assert uuid7(NOW, b"\xff" * 10) < uuid7(later, b"\x00" * 10)
