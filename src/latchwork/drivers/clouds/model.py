"""Codes as a cloud lists them, and what a cloud tells without being asked."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from latchwork.domain.errors import LatchworkError, RetryLater
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window, same_schedule
from latchwork.drivers.protocol import Push

NEVER: Final = Window(ends_at=datetime(1970, 1, 1, tzinfo=UTC))
"""The window of a code that stands in the cloud and is kept from opening (switched off)."""


class AnswerLost(RetryLater):
    """What was asked for may have been done, or may still be done."""


class OutOfReach(RetryLater):
    """The cloud answered, and could not reach the lock."""


class State(StrEnum):
    """How far a code of the cloud has come."""

    STORED = "stored"
    """The cloud says that the lock holds it."""
    PENDING = "pending"
    """A change is on its way: what the lock holds is not known."""
    FAILED = "failed"
    """The lock did not take it; it is on the cloud's list alone."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a code shall be."""

    pin: Pin
    name: str | None
    window: Window | None


class RemoteCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code as the cloud lists it. `pin` None: the cloud hides it. `window` None: valid always.
    `error`: why it failed."""

    code_id: str
    pin: Pin | None
    name: str | None
    window: Window | None
    state: State = State.STORED
    error: LatchworkError | None = None

    def fulfils(self, wish: Wish) -> bool:
        """Whether it is what was wished, as far as the cloud shows."""
        if not same_schedule(self.window, wish.window):
            return False
        if self.pin is not None:
            return self.pin == wish.pin
        return self.name is not None and self.name == wish.name


class CodeUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A PIN was typed and the bolt moved; the code is named by its id or by its PIN."""

    provider_key: str
    locked: bool = False
    code_id: str | None = None
    pin: Pin | None = None
    occurred_at: datetime | None = None
    report_id: str | None = None
    """As in `LockOperated`."""


class CodeTold(msgspec.Struct, frozen=True, kw_only=True):
    """The cloud says that something became of a code; `error`: it did not reach the lock.
    `provider_key` None: the cloud named the code alone."""

    provider_key: str | None = None
    code_id: str | None = None
    error: LatchworkError | None = None


class LocksChanged(msgspec.Struct, frozen=True):
    """The account's locks shall be listed again."""


News = Push | CodeUsed | CodeTold | LocksChanged
