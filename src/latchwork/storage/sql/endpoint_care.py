"""What happens to an endpoint between its making and its end: its secret rotates, it fails and is
disabled, and is sent again what it missed."""

from datetime import datetime
from typing import Final

from latchwork.domain.events import WEBHOOK_DISABLED, NewEvent
from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Disabled, Failing, Webhook
from latchwork.storage.instants import to_us
from latchwork.storage.sql import endpoints, events
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Row, Transaction

BATCH: Final = 500
"""Events that one transaction of a replay takes."""

_ROTATE: Final = (
    "UPDATE webhook SET secret = ?, previous_secret = ?, previous_secret_until = ? "
    "WHERE webhook_id = ?"
)
_DISABLE: Final = (
    "UPDATE webhook SET disabled = 1, disabled_at = ?, disabled_reason = ? "
    "WHERE webhook_id = ? AND disabled = 0 RETURNING workspace_id"
)
_GIVE_UP: Final = (
    "UPDATE webhook_message SET due_at = NULL WHERE webhook_id = ? AND due_at IS NOT NULL"
)
_ENABLE: Final = (
    "UPDATE webhook SET disabled = 0, disabled_at = NULL, disabled_reason = NULL, "
    "failing_since = NULL, failing_last = NULL WHERE webhook_id = ?"
)
_FAILS: Final = (
    "UPDATE webhook SET failing_since = ?, failing_last = ? "
    "WHERE webhook_id = ? AND coalesce(failing_last, 0) = ?"
)
_SUCCEEDS: Final = (
    "UPDATE webhook SET failing_since = NULL, failing_last = NULL WHERE webhook_id = ?"
)
_EVENT: Final = "SELECT event_id FROM event WHERE workspace_id = ? AND event_id = ?"
_MESSAGE: Final = "SELECT message_id FROM webhook_message WHERE webhook_id = ? AND event_id = ?"
_AGAIN: Final = (
    "UPDATE webhook_message SET due_at = ?, attempts = 0, delivered = 0, leased = 0 "
    "WHERE message_id = ?"
)
_SINCE: Final = (
    "SELECT e.sequence, e.event_type, e.event_id, m.message_id, m.delivered, m.due_at "
    "FROM event e LEFT JOIN webhook_message m ON m.webhook_id = ?1 AND m.event_id = e.event_id "
    "WHERE e.workspace_id = ?2 AND e.created_at >= ?3 AND e.sequence > ?4 "
    "ORDER BY e.sequence LIMIT ?5"
)


class EndpointCareQueries(Aggregate):
    """See WebhookStorage."""

    async def rotate_secret(
        self, workspace_id: str, webhook_id: str, secret: Secret, until: datetime
    ) -> Webhook | None:
        vault = self._db.vault

        async def unit(tx: Transaction) -> Webhook | None:
            found = await endpoints.stored_of(tx, workspace_id, webhook_id)
            if found is None:
                return None
            new = endpoints.sealed(vault, "secret", webhook_id, secret)
            old = endpoints.sealed(vault, "previous_secret", webhook_id, found.secret)
            await tx.run(_ROTATE, (new, old, to_us(until), webhook_id))
            await tx.webhooks_changed(workspace_id)
            return await endpoints.stored_of(tx, workspace_id, webhook_id)

        return await self._db.write(unit, webhook_id)

    async def disable_webhook(self, webhook_id: str, reason: Disabled, now: datetime) -> bool:
        async def unit(tx: Transaction) -> bool:
            await tx.run(_GIVE_UP, (webhook_id,))
            row = await tx.one(_DISABLE, (to_us(now), reason.value, webhook_id))
            if row is None:
                return False
            await tx.webhooks_changed(row[0])
            told = NewEvent(
                event_type=WEBHOOK_DISABLED,
                occurred_at=now,
                payload={"webhook_id": webhook_id, "disabled_reason": reason.value},
            )
            await events.append(tx, row[0], None, [told])
            return True

        return await self._db.write(unit, webhook_id)

    async def enable_webhook(self, workspace_id: str, webhook_id: str) -> bool:
        async def unit(tx: Transaction) -> bool:
            if await endpoints.stored_of(tx, workspace_id, webhook_id) is None:
                return False
            await tx.run(_ENABLE, (webhook_id,))
            await tx.webhooks_changed(workspace_id)
            return True

        return await self._db.write(unit, webhook_id)

    async def note_failing(self, webhook: Webhook, failing: Failing | None) -> None:
        async def unit(tx: Transaction) -> None:
            if failing is None:
                changed = await tx.run(_SUCCEEDS, (webhook.webhook_id,))
            else:
                was = 0 if webhook.failing is None else to_us(webhook.failing.last)
                span = to_us(failing.since), to_us(failing.last)
                changed = await tx.run(_FAILS, (*span, webhook.webhook_id, was))
            if changed:
                await tx.webhooks_changed(webhook.workspace_id)

        await self._db.write(unit, webhook.webhook_id)

    async def resend(self, workspace_id: str, webhook_id: str, event_id: str) -> str | None:
        async def unit(tx: Transaction) -> str | None:
            if await endpoints.stored_of(tx, workspace_id, webhook_id) is None:
                return None
            if await tx.one(_EVENT, (workspace_id, event_id)) is None:
                return None
            row = await tx.one(_MESSAGE, (webhook_id, event_id))
            message_id = None if row is None else row[0]
            return await _send_again(tx, workspace_id, webhook_id, event_id, message_id)

        return await self._db.write(unit, webhook_id)

    async def replay(
        self, workspace_id: str, webhook_id: str, since: datetime, *, delivered_too: bool
    ) -> int | None:
        webhook = await endpoints.stored_of(self._db.reading, workspace_id, webhook_id)
        if webhook is None:
            return None
        sent, last = 0, -1

        async def unit(tx: Transaction) -> tuple[list[Row], int]:
            values = (webhook_id, workspace_id, to_us(since), last, BATCH)
            rows = list(await tx.all(_SINCE, values))
            again = 0
            for _, event_type, event_id, message_id, delivered, due_at in rows:
                is_owed = delivered_too or (not delivered and due_at is None)
                if is_owed and webhook.wants(event_type):
                    await _send_again(tx, workspace_id, webhook_id, event_id, message_id)
                    again += 1
            return rows, again

        while True:
            rows, again = await self._db.write(unit, webhook_id)
            sent += again
            if len(rows) < BATCH:
                return sent
            last = rows[-1][0]


async def _send_again(
    tx: Transaction, workspace_id: str, webhook_id: str, event_id: str, message_id: str | None
) -> str:
    """With all attempts before it; under its id, where it was sent before."""
    tx.notify_messages()
    if message_id is not None:
        await tx.run(_AGAIN, (tx.now_us(), message_id))
        return message_id
    made = tx.new_id()
    await tx.run(endpoints.ADD_MESSAGE, (made, workspace_id, webhook_id, event_id, tx.now_us()))
    return made
