"""Counts what is due; read when an operator asks, never on the way of the work."""

from datetime import datetime
from typing import Final

from latchwork.storage.backlog import Backlog
from latchwork.storage.instants import from_us, to_us
from latchwork.storage.sql.aggregate import Aggregate

_BOUND: Final = 100_000
_VISITS: Final = (
    "SELECT count(*), min(due_at) FROM (SELECT due_at FROM visit "
    "WHERE leased_until IS NULL AND due_at <= ? LIMIT ?) d"
)
_MESSAGES: Final = (
    "SELECT count(*), min(due_at) FROM (SELECT m.due_at FROM webhook_message m "
    "JOIN webhook w ON w.webhook_id = m.webhook_id "
    "WHERE w.disabled = 0 AND m.due_at <= ? LIMIT ?) d"
)


class BacklogQueries(Aggregate):
    """See BacklogStorage."""

    async def backlog(self, now: datetime) -> Backlog:
        visits, visits_since = await self._waiting(_VISITS, now)
        messages, messages_since = await self._waiting(_MESSAGES, now)
        return Backlog(
            visits=visits,
            visits_since=visits_since,
            messages=messages,
            messages_since=messages_since,
        )

    async def _waiting(self, statement: str, now: datetime) -> tuple[int, datetime | None]:
        row = await self._db.reading.one(statement, (to_us(now), _BOUND))
        count, oldest = row if row is not None else (0, None)
        return count, None if oldest is None else from_us(oldest)
