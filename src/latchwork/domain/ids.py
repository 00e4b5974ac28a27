"""Identifiers: uuid7, so that rows sort by creation and indexes stay narrow (RFC 9562, 5.7)."""

from datetime import datetime


def uuid7(now: datetime, entropy: bytes) -> str:
    """A version 7 UUID of the millisecond `now` and 10 bytes of `entropy`."""
    value = int(now.timestamp() * 1000) << 80 | int.from_bytes(entropy[:10])
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
