"""Which request's claim the writes of this context belong to. Part of storage's interface."""

from contextvars import ContextVar
from typing import Final

from latchwork.domain.idempotency import Claim

CLAIMED: Final[ContextVar[Claim | None]] = ContextVar("latchwork-claimed", default=None)
"""Set while a request with an idempotency key is carried out: every write marks the claim in its
own transaction, and raises Conflict, with nothing written, when the claim was lost."""
