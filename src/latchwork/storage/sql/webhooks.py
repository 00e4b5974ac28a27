"""Webhook endpoints, their messages on the way, and how each delivery attempt went."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from latchwork.domain.webhook import Attempt, DueMessage, Webhook
from latchwork.storage.instants import from_us, to_us, to_us_or_none
from latchwork.storage.sql import endpoints, sql
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Row, Transaction

LONGEST_RESPONSE: Final = 2048
"""Bytes of an answer that are kept."""

_ADD: Final = sql.insert("webhook", endpoints.COLUMNS)
_SET_TYPES: Final = "UPDATE webhook SET event_types = ? WHERE webhook_id = ? AND workspace_id = ?"
_DELETE: Final = "DELETE FROM webhook WHERE webhook_id = ? AND workspace_id = ?"
# Endpoint by endpoint, so that the waiting messages of a busy one are never waded through.
DUE: Final = (
    "SELECT m.message_id, m.webhook_id, m.event_id, m.attempts, m.claims "
    "FROM webhook w JOIN webhook_message m ON m.message_id IN ("
    "SELECT message_id FROM webhook_message WHERE webhook_id = w.webhook_id "
    "AND due_at <= ?1 ORDER BY due_at LIMIT ?2) "
    "WHERE w.disabled = 0 AND w.webhook_id NOT IN (SELECT value FROM json_each(?3)) "
    "ORDER BY m.due_at, m.message_id LIMIT ?4"
)
CLAIM: Final = DUE + sql.CLAIMING
_NEXT_DUE: Final = (
    "SELECT due_at FROM ("
    "SELECT (SELECT due_at FROM webhook_message WHERE webhook_id = w.webhook_id "
    "AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS due_at "
    "FROM webhook w WHERE disabled = 0) d "
    "WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"
)
_TAKE: Final = "UPDATE webhook_message SET due_at = ?, claims = ?, leased = 1 WHERE message_id = ?"
END_LEASES: Final = (
    "UPDATE webhook_message SET due_at = ?, leased = 0 WHERE due_at IS NOT NULL AND leased = 1"
)
"""For a start of the only process: whoever held them is gone."""
_RECORD: Final = (
    "UPDATE webhook_message SET due_at = ?, attempts = ?, delivered = ?, leased = 0 "
    "WHERE message_id = ? AND claims = ? AND due_at IS NOT NULL"
)
_ATTEMPT: Final = (
    "workspace_id",
    "webhook_id",
    "message_id",
    "event_id",
    "attempt",
    "attempted_at",
    "duration_ms",
    "status_code",
    "error",
    "response",
)
_ADD_ATTEMPT: Final = sql.insert("webhook_attempt", _ATTEMPT)
_ATTEMPTS: Final = sql.select(
    sql.of("t", _ATTEMPT[2:]),
    "FROM webhook_attempt t JOIN webhook w ON w.webhook_id = t.webhook_id "
    "WHERE w.workspace_id = ? AND t.webhook_id = ? ORDER BY t.webhook_attempt_id DESC LIMIT ?",
)


class WebhookQueries(Aggregate):
    """See WebhookStorage."""

    async def add_webhook(self, webhook: Webhook) -> None:
        values = endpoints.values_of(self._db.vault, webhook)
        await self._change(webhook.workspace_id, lambda tx: tx.run(_ADD, values))

    async def webhook(self, workspace_id: str, webhook_id: str) -> Webhook | None:
        return await endpoints.stored_of(self._db.reading, workspace_id, webhook_id)

    async def webhooks(self, workspace_id: str) -> Sequence[Webhook]:
        return await endpoints.stored(self._db.reading, workspace_id)

    async def update_webhook(
        self, workspace_id: str, webhook_id: str, event_types: tuple[str, ...]
    ) -> bool:
        values = (endpoints.types_text(event_types), webhook_id, workspace_id)
        return await self._change(workspace_id, lambda tx: tx.run(_SET_TYPES, values))

    async def delete_webhook(self, workspace_id: str, webhook_id: str) -> bool:
        """Its messages and their attempts go with it."""
        values = (webhook_id, workspace_id)
        return await self._change(workspace_id, lambda tx: tx.run(_DELETE, values))

    async def _change(
        self, workspace_id: str, unit: Callable[[Transaction], Awaitable[int]]
    ) -> bool:
        async def refreshing(tx: Transaction) -> bool:
            changed = await unit(tx) > 0
            await tx.webhooks_changed(workspace_id)
            return changed

        return await self._db.write(refreshing, workspace_id)

    def listen_messages(self, listener: Callable[[], None]) -> None:
        self._db.message_listeners.append(listener)

    async def claim_messages(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        *,
        busy_webhooks: Sequence[str] = (),
        per_webhook: int | None = None,
    ) -> Sequence[DueMessage]:
        db = self._db
        now_us, leased_until = to_us(now), to_us(now + lease)
        room = limit if per_webhook is None else min(limit, per_webhook)
        values = (now_us, room, sql.listed(busy_webhooks))

        async def unit(tx: Transaction) -> Sequence[DueMessage]:
            rows = await tx.all(CLAIM, (*values, limit))
            return [await _take(tx, row, leased_until) for row in rows]

        if limit <= 0 or not await db.reading.all(DUE, (*values, 1)):
            return ()
        return await db.write(unit)

    async def next_message_due(self) -> datetime | None:
        row = await self._db.reading.one(_NEXT_DUE)
        return None if row is None else from_us(row[0])

    async def record_attempt(
        self, message: DueMessage, attempt: Attempt, next_due: datetime | None, *, delivered: bool
    ) -> None:
        db = self._db
        due_at = None if delivered else to_us_or_none(next_due)

        async def unit(tx: Transaction) -> None:
            fence = (message.message_id, int(message.token))
            if not await tx.run(_RECORD, (due_at, attempt.attempt, delivered, *fence)):
                return
            await tx.run(_ADD_ATTEMPT, _values_of(message, attempt))
            if due_at is not None:
                tx.notify_messages()

        await db.write(unit, message.message_id)

    async def attempts_of(
        self, workspace_id: str, webhook_id: str, limit: int
    ) -> Sequence[tuple[str, str, Attempt]]:
        rows = await self._db.reading.all(_ATTEMPTS, (workspace_id, webhook_id, limit))
        return [(row[0], row[1], _attempt_of(row[2:])) for row in rows]


async def _take(tx: Transaction, row: Row, leased_until: int) -> DueMessage:
    message_id, webhook_id, event_id, attempts, claims = row
    await tx.run(_TAKE, (leased_until, claims + 1, message_id))
    return DueMessage(
        message_id=message_id,
        webhook=await tx.webhook(webhook_id),
        event_id=event_id,
        attempt=attempts + 1,
        token=str(claims + 1),
    )


def _values_of(message: DueMessage, attempt: Attempt) -> Row:
    return (
        message.webhook.workspace_id,
        message.webhook.webhook_id,
        message.message_id,
        message.event_id,
        attempt.attempt,
        to_us(attempt.attempted_at),
        attempt.duration_ms,
        attempt.status_code,
        None if attempt.error is None else _bytes(attempt.error),
        _bytes(attempt.response),
    )


def _bytes(text: str) -> bytes:
    """Whatever an endpoint answered, NUL and halves of surrogate pairs included, cut to size."""
    cut = text[:LONGEST_RESPONSE].encode("utf-8", "replace")[:LONGEST_RESPONSE]
    return cut.decode("utf-8", "ignore").encode()


def _attempt_of(row: Row) -> Attempt:
    attempt, attempted_at, duration_ms, status_code, error, response = row
    return Attempt(
        attempt=attempt,
        attempted_at=from_us(attempted_at),
        duration_ms=duration_ms,
        status_code=status_code,
        error=None if error is None else error.decode(),
        response=response.decode(),
    )
