"""Errors, named by what the caller must do.

LatchworkError
├── RetryLater       try the same again, not before `after`
├── NeedsAttention   a person must mend something first (credentials, a missing keypad)
├── Rejected         this wish breaks `rule`; the same wish will be refused again
├── Conflict         the PIN is on the lock already, at `position` when the lock tells
└── Unsupported      the lock or driver can never do this

Messages are shown to users: they never contain a PIN, key or token.
"""

from datetime import timedelta


class LatchworkError(Exception):
    """Base of every expected failure."""


class RetryLater(LatchworkError):
    """The attempt proves nothing about the lock; read before trying again."""

    def __init__(self, message: str, after: timedelta | None = None) -> None:
        super().__init__(message)
        self.after = after


class NeedsAttention(LatchworkError):
    """Retrying is pointless until a person acts; the message says what to do."""


class Rejected(LatchworkError):
    """The lock refuses this value; `rule` names the constraint that was broken."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class Conflict(LatchworkError):
    """The lock holds this PIN already; `position` is None when the lock does not say where."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Unsupported(LatchworkError):
    """The lock cannot do this, now or ever."""
