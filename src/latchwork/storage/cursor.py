"""Cursors of keyset lists: where the last page ended, opaque to clients."""

import base64
import binascii
from typing import Final

from latchwork.domain.errors import Rejected

_LARGEST: Final = 2**63 - 1


def encode(created_at_us: int, row_id: str) -> str:
    """The cursor of the page after the row created at that instant with that id."""
    return base64.urlsafe_b64encode(f"{created_at_us}:{row_id}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[int, str]:
    """Instant in microseconds and row id. Raises Rejected("page_cursor") for anything that
    `encode` did not make."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        instant, separator, row_id = text.partition(":")
        created_at_us = int(instant)
    except (ValueError, binascii.Error):
        raise _malformed() from None
    if not separator or not row_id or abs(created_at_us) > _LARGEST:
        raise _malformed()
    return created_at_us, row_id


def _malformed() -> Rejected:
    return Rejected("page_cursor", "The page cursor is not one that this server gave out.")
