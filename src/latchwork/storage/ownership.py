"""What processes that share a database ask of it, besides what they share it for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """How long a process is taken for alive after it was heard of: at most, and where the database
    sees that its session has ended."""

    at_most: timedelta
    without_session: timedelta


class OwnershipStorage(Protocol):
    """Processes, and which of them keeps which account's connection. `process_id` is new with each
    start. A process not heard of for its term is dead."""

    @property
    def process_id(self) -> str:
        """This process's own: the one whose session the database sees."""

    async def beat(self, process_id: str, now: datetime, term: Term) -> None:
        """A process that owns nothing is alive."""

    async def share_accounts(self, process_id: str, now: datetime, term: Term) -> Sequence[str]:
        """A process that works is alive; the accounts that it shall keep: of all an even share.
        What dead processes owned is free, and their visits can write no more."""

    async def give_accounts_back(self, process_id: str, keep: Sequence[str]) -> None:
        """Frees all that the process owns but these."""

    async def leave(self, process_id: str) -> None:
        """The process ends, and frees what it owns."""
