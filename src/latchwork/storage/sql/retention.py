"""Deletes what has been kept long enough, a few of the oldest rows at a time."""

from datetime import datetime
from typing import Final

from latchwork.domain.ids import uuid7
from latchwork.storage.instants import to_us
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Transaction


def _oldest(table: str, key: str, condition: str) -> str:
    """Walks the table by a key that grows with time; no index on the time itself is needed."""
    return (
        f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM ("  # noqa: S608 - constants
        f"SELECT * FROM {table} ORDER BY {key} LIMIT ?2) o WHERE {condition})"
    )


_EVENTS: Final = _oldest("event", "sequence", "created_at < ?1")
_MESSAGES: Final = _oldest("webhook_message", "message_id", "message_id < ?1 AND due_at IS NULL")
_DELIVERIES: Final = _oldest("webhook_attempt", "webhook_attempt_id", "attempted_at < ?1")
_ATTEMPTS: Final = _oldest(
    "action_attempt", "action_attempt_id", "created_at < ?1 AND status <> 'pending'"
)
_AUDIT: Final = (
    "DELETE FROM audit_entry WHERE audit_id IN (SELECT e.audit_id FROM workspace w "
    "JOIN audit_entry e ON e.workspace_id = w.workspace_id AND e.audit_id < ?1 LIMIT ?2)"
)
_GONE: Final = (
    "SELECT access_code_id, device_id FROM access_code "
    "WHERE deleted_at IS NOT NULL AND deleted_at < ? ORDER BY deleted_at LIMIT ?"
)
_ATTEMPTS_OF: Final = (
    "DELETE FROM action_attempt WHERE access_code_id = ?1 AND device_id = ?2 "
    "AND status <> 'pending'"
)
_EVENTS_OF: Final = "DELETE FROM event WHERE access_code_id = ?1"
_CODE: Final = "DELETE FROM access_code WHERE access_code_id = ?1"


class RetentionQueries(Aggregate):
    """See RetentionStorage."""

    async def prune_events(self, before: datetime, limit: int) -> int:
        return await self._prune(_EVENTS, to_us(before), limit)

    async def prune_deliveries(self, before: datetime, limit: int) -> int:
        first_of_then = uuid7(before, bytes(10))
        messages = await self._prune(_MESSAGES, first_of_then, limit)
        return max(messages, await self._prune(_DELIVERIES, to_us(before), limit))

    async def prune_attempts(self, before: datetime, limit: int) -> int:
        return await self._prune(_ATTEMPTS, to_us(before), limit)

    async def prune_audit(self, before: datetime, limit: int) -> int:
        return await self._prune(_AUDIT, uuid7(before, bytes(10)), limit)

    async def prune_codes(self, before: datetime, limit: int) -> int:
        async def unit(tx: Transaction) -> int:
            gone = await tx.all(_GONE, (to_us(before), limit))
            codes = [(access_code_id,) for access_code_id, _ in gone]
            await tx.run_many(_ATTEMPTS_OF, gone)
            await tx.run_many(_EVENTS_OF, codes)
            await tx.run_many(_CODE, codes)
            return len(gone)

        return await self._db.write(unit)

    async def _prune(self, statement: str, before: int | str, limit: int) -> int:
        return await self._db.write(lambda tx: tx.run(statement, (before, limit)))
