"""What a refused command means for its caller.

Upstream's own texts are left out of the messages: they may quote what was to be written.
"""

from typing import Final

from latchwork.domain.errors import (
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)

NODE_GONE: Final = "The lock is no longer part of the Z-Wave network. Include it again."
ZWAVE_ERROR: Final = "zwave_error"
ARGUMENT_INVALID: Final = 322
NOT_THERE: Final = frozenset({211, 213})
"""Node not found, node removed."""
NOT_SUPPORTED: Final = frozenset({209, 302, 303, 304})
NO_ANSWER: Final = frozenset({201, 202, 204, 215})
"""Timed out, dropped, presumed dead, not acknowledged, expired."""
INVALID_VALUE: Final = "invalid_value"
"""The rule of a `Rejected` that comes from Z-Wave JS's own check of a value."""


def failure_of(command: str, error_code: str | None, zwave_code: int | None) -> LatchworkError:
    """The error for a command that the server answered with a failure."""
    if error_code == "node_not_found" or zwave_code in NOT_THERE:
        return NeedsAttention(NODE_GONE)
    if error_code == "unknown_command":
        return NeedsAttention(f"The Z-Wave JS server does not know {command}. Update it.")
    if error_code == ZWAVE_ERROR and zwave_code is not None:
        return _zwave_failure(command, zwave_code)
    return RetryLater(f"The Z-Wave JS server could not carry out {command} ({error_code}).")


def _zwave_failure(command: str, code: int) -> LatchworkError:
    name = f"ZW{code:04d}"
    if code == ARGUMENT_INVALID:
        return Rejected(INVALID_VALUE, f"The lock does not take this value ({name}).")
    if code in NOT_SUPPORTED:
        return Unsupported(f"The lock does not support {command} ({name}).")
    if code in NO_ANSWER:
        return RetryLater(f"The lock did not answer ({name}).")
    return RetryLater(f"The Z-Wave controller could not carry out {command} ({name}).")
