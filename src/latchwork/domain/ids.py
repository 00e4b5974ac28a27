"""Identifiers: uuid7, so that rows sort by creation and indexes stay narrow (RFC 9562, 5.7)."""

from datetime import datetime
from typing import Final

_VARIANT: Final = {digit: f"{8 | int(digit, 16) & 3:x}" for digit in "0123456789abcdef"}


def uuid7(now: datetime, entropy: bytes) -> str:
    """A version 7 UUID of the millisecond `now` and 10 bytes of `entropy`."""
    time, random = f"{int(now.timestamp() * 1000):012x}", entropy[:10].hex()
    variant = _VARIANT[random[4]]
    return f"{time[:8]}-{time[8:]}-7{random[1:4]}-{variant}{random[5:8]}-{random[8:]}"
