"""How much is due and waits."""

from datetime import datetime
from typing import Protocol

import msgspec


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Counts stop at a bound, so that asking stays cheap however much waits. `..._since`: when the
    oldest became due; None: nothing waits."""

    visits: int
    visits_since: datetime | None
    messages: int
    messages_since: datetime | None


class BacklogStorage(Protocol):
    async def backlog(self, now: datetime) -> Backlog:
        """Locks that are due and not being visited, and webhook messages that are due."""
