"""The platform's error codes, and what the caller must do about each."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.drivers.clouds.model import OutOfReach

TOKEN_VOID: Final = frozenset({10003, 10004})
PASSCODE_GONE: Final = -2009
POWER_SAVING: Final = -3035
TOO_MANY_CALLS: Final = 30006
QUOTA_SPENT: Final = 30007
UNREACHABLE: Final = frozenset({-2012, -3002, -3036})
"""No gateway near, gateway offline, lock offline."""
BUSY: Final = timedelta(seconds=5)

Made = Callable[[str], LatchworkError]


def _attention(text: str) -> Made:
    return lambda code: NeedsAttention(f"{text} (TTLock {code}).")


def _later(text: str, after: timedelta | None = None) -> Made:
    return lambda code: RetryLater(f"{text} (TTLock {code}).", after)


def _unreachable(text: str) -> Made:
    return lambda code: OutOfReach(f"{text} (TTLock {code}).")


def _rejected(rule: str, text: str) -> Made:
    return lambda code: Rejected(rule, f"{text} (TTLock {code}).")


_TABLE: Final[Mapping[int, Made]] = {
    -3007: lambda code: Conflict(f"The lock holds this PIN already (TTLock {code})."),
    -3009: _attention("The lock's memory for codes is full: remove codes that are not needed"),
    -4056: _attention("The lock's memory is full: remove codes that are not needed"),
    -3006: _rejected("supported_code_lengths", "A PIN has 4 to 9 digits"),
    -2032: _rejected("no_ascending_or_descending_sequence", "The PIN is too simple for the lock"),
    -3: _rejected("provider", "The platform does not take this"),
    PASSCODE_GONE: _later("The code is gone from the lock"),
    -2012: _unreachable("There is no gateway near the lock"),
    -3002: _unreachable("The lock's gateway is offline"),
    -3003: _later("The lock's gateway is busy", BUSY),
    -3034: _attention("The lock's Wi-Fi is not set up"),
    POWER_SAVING: _unreachable("The lock saves power and is out of reach"),
    -3036: _unreachable("The lock is offline"),
    -3037: _later("The lock is busy", BUSY),
    -4043: lambda code: Unsupported(f"The lock does not support this (TTLock {code})."),
    -1003: _attention("The lock is no longer part of the account"),
    -2018: _attention("The TTLock account may not do this with the lock"),
    20002: _attention("The TTLock account does not administer the lock"),
    -2025: _attention("The lock is frozen in the TTLock app"),
    10000: _attention("The client ID is wrong"),
    10001: _attention("The client ID or client secret is wrong"),
    10003: _attention("The platform does not know our access token"),
    10004: _attention("The access token was revoked"),
    10007: _attention("The TTLock account or its password is wrong"),
    10011: _attention("The refresh token is void"),
    TOO_MANY_CALLS: _later("The platform asks for fewer calls"),
    QUOTA_SPENT: _attention("The month's quota of calls is spent: upgrade the developer account"),
    30008: _attention("The account belongs to another region: connect it with that address"),
    80000: _attention("This machine's clock is more than five minutes off"),
}


def error_of(code: int) -> LatchworkError:
    """The error for a code other than 0."""
    made = _TABLE.get(code)
    return RetryLater(f"The platform failed (TTLock {code}).") if made is None else made(str(code))
