"""From refusals of the server to errors named by what the caller must do.

The server's own text is never passed on or logged: it may hold what was sent, PINs included.
"""

import re
from typing import Final

from latchwork.domain.errors import (
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)

NODE_GONE: Final = "The lock is no longer part of the Matter network. Commission it again."
INVALID_VALUE: Final = "invalid_value"
"""The rule of a `Rejected` that comes from the lock's own check of a value."""

NOT_READY, NOT_RESOLVING, NOT_THERE, UNKNOWN_COMMAND = 3, 4, 5, 9
"""The server's error codes that say more than that something failed."""

UNSUPPORTED_ACCESS: Final = 0x7E
UNSUPPORTED_ENDPOINT: Final = 0x7F
UNSUPPORTED: Final = frozenset({0x81, 0xC3})
"""Command, cluster."""
INVALID: Final = frozenset({0x85, 0x87})
"""Invalid command (a field is out of range), constraint error."""
_STATUS: Final = re.compile(r"\(0x([0-9a-fA-F]{1,2})\b")


def failure_of(command: str, error_code: int, details: str | None) -> LatchworkError:
    """The error for a command that the server answered with a failure."""
    if error_code == NOT_THERE:
        return NeedsAttention(NODE_GONE)
    if error_code in (NOT_READY, NOT_RESOLVING):
        return RetryLater("The Matter server cannot reach the lock.")
    if error_code == UNKNOWN_COMMAND:
        return NeedsAttention(f"The Matter server does not know {command}. Update it.")
    status = _STATUS.search(details or "")
    return _interaction_failure(command, None if status is None else int(status[1], 16))


def _interaction_failure(command: str, status: int | None) -> LatchworkError:
    if status is None:
        return RetryLater(f"The Matter server could not carry out {command}.")
    name = f"status 0x{status:02x}"
    if status == UNSUPPORTED_ACCESS:
        return NeedsAttention(
            f"The lock does not let the Matter server do this ({name}). Check its access list."
        )
    if status == UNSUPPORTED_ENDPOINT:
        return NeedsAttention(NODE_GONE)
    if status in UNSUPPORTED:
        return Unsupported(f"The lock does not support {command} ({name}).")
    if status in INVALID:
        return Rejected(INVALID_VALUE, f"The lock does not take this value ({name}).")
    return RetryLater(f"The lock could not carry out {command} ({name}).")
