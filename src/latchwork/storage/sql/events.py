"""Events, append-only, and the outbox: a message for each endpoint that wants an event."""

from collections.abc import Sequence
from typing import Any

import msgspec

from latchwork.domain.events import Event, NewEvent
from latchwork.domain.pin import Pin
from latchwork.storage.instants import from_us, to_us
from latchwork.storage.interface import EventFilter, Page
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate, json_or_none, mapping, page
from latchwork.storage.sql.endpoints import ADD_MESSAGE, Endpoints
from latchwork.storage.sql.session import Row, Storing, Transaction
from latchwork.storage.vault import Vault

_STORED = (
    "created_at",
    "event_id",
    "workspace_id",
    "event_type",
    "occurred_at",
    "device_id",
    "access_code_id",
    "connected_account_id",
    "action_attempt_id",
    "code",
    "code_from",
    "payload",
)
_METADATA = ("device_metadata", "account_metadata")
"""As they were when the event was stored."""
_COLUMNS = sql.of("e", ("created_at", "sequence", *_STORED[1:], *_METADATA))
_ADD = sql.Disjoint(
    f"INSERT INTO event ({', '.join((*_STORED, *_METADATA))}) "  # noqa: S608 - constants
    f"VALUES ({'?, ' * len(_STORED)}"
    "(SELECT custom_metadata FROM device WHERE device_id = ? AND custom_metadata <> '{}'), "
    "(SELECT custom_metadata FROM connected_account WHERE connected_account_id = ? "
    "AND custom_metadata <> '{}'))"
)
_ACCOUNT_OF = "SELECT connected_account_id FROM visit WHERE device_id = ?"
_BY_ID = sql.select(_COLUMNS, "FROM event e WHERE event_id = ?")


async def append(
    tx: Transaction, workspace_id: str, account_id: str | None, events: Sequence[NewEvent]
) -> None:
    """For units: stores the events in their order, with their messages. `account_id` is for
    events that name no account."""
    if events:
        await tx.record(workspace_id, [_of_account(event, account_id) for event in events])


def _of_account(event: NewEvent, account_id: str | None) -> NewEvent:
    if account_id is None or event.connected_account_id is not None:
        return event
    return msgspec.structs.replace(event, connected_account_id=account_id)


async def store(
    tx: Storing,
    endpoints: Endpoints,
    workspace_id: str,
    events: Sequence[NewEvent],
    created_at: int,
) -> None:
    """For transactions: the rows of events, numbered in this order, and of their messages."""
    rows: list[Row] = []
    messages: list[Row] = []
    for event in events:
        event_id = tx.new_id()
        values = _values_of(tx, workspace_id, event_id, event, created_at)
        rows.append((*values, event.device_id, event.connected_account_id))
        messages.extend(
            (tx.new_id(), workspace_id, webhook_id, event_id, tx.now_us())
            for webhook_id in endpoints.wanting(workspace_id, event.event_type)
        )
    await tx.run_many(_ADD, rows)
    if messages:
        await tx.run_many(ADD_MESSAGE, messages)
        tx.notify_messages()


def _values_of(
    tx: Storing, workspace_id: str, event_id: str, event: NewEvent, created_at: int
) -> Row:
    """Of _STORED."""
    return (
        created_at,
        event_id,
        workspace_id,
        event.event_type,
        to_us(event.occurred_at),
        event.device_id,
        event.access_code_id,
        event.connected_account_id,
        event.action_attempt_id,
        _sealed(tx.vault, "code", event_id, event.code),
        _sealed(tx.vault, "code_from", event_id, event.code_from),
        json_or_none(event.payload),
    )


def _sealed(vault: Vault, column: str, event_id: str, pin: Pin | None) -> bytes | None:
    if pin is None:
        return None
    return vault.seal("event", column, event_id, pin.reveal().encode())


def _opened(vault: Vault, column: str, event_id: str, sealed: bytes | None) -> Pin | None:
    if sealed is None:
        return None
    return Pin(vault.unseal("event", column, event_id, sealed).decode())


def _event_of(vault: Vault, row: Row) -> Event:
    created_at, sequence, event_id, workspace_id, event_type, occurred_at = row[:6]
    device_id, access_code_id, connected_account_id, action_attempt_id = row[6:10]
    code, code_from, payload, device_metadata, account_metadata = row[10:]
    return Event(
        event_id=event_id,
        workspace_id=workspace_id,
        sequence=sequence,
        created_at=from_us(created_at),
        event_type=event_type,
        occurred_at=from_us(occurred_at),
        device_id=device_id,
        access_code_id=access_code_id,
        connected_account_id=connected_account_id,
        action_attempt_id=action_attempt_id,
        code=_opened(vault, "code", event_id, code),
        code_from=_opened(vault, "code_from", event_id, code_from),
        payload=mapping(payload),
        device_metadata=mapping(device_metadata),
        account_metadata=mapping(account_metadata),
    )


def _filtered(workspace_id: str, where: EventFilter) -> sql.Where:
    """`since` and `until` bound an exclusive interval of storing, not of happening: a push that
    comes late is not missed by who asks for what is new."""
    found = sql.Where("e.workspace_id = ?", workspace_id)
    if where.since is not None:
        found.also("e.created_at > ?", to_us(where.since))
    if where.until is not None:
        found.also("e.created_at < ?", to_us(where.until))
    found.any_of("e.event_id", where.event_ids)
    found.any_of("e.event_type", where.event_types)
    found.any_of("e.device_id", where.device_ids)
    found.any_of("e.access_code_id", where.access_code_ids)
    if where.connected_account_id is not None:
        found.also("e.connected_account_id = ?", where.connected_account_id)
    found.any_of("e.connected_account_id", where.connected_account_ids)
    return found


async def _complete(tx: Transaction, event: NewEvent) -> NewEvent:
    if event.connected_account_id is not None or event.device_id is None:
        return event
    row = await tx.one(_ACCOUNT_OF, (event.device_id,))
    return _of_account(event, None if row is None else row[0])


class EventQueries(Aggregate):
    """See EventStorage."""

    async def add_events(self, workspace_id: str, events: Sequence[NewEvent]) -> None:
        async def unit(tx: Transaction) -> None:
            await append(tx, workspace_id, None, [await _complete(tx, event) for event in events])

        await self._db.write(unit)

    async def event(
        self,
        workspace_id: str,
        *,
        event_id: str | None = None,
        event_type: str | None = None,
        device_id: str | None = None,
    ) -> Event | None:
        where = sql.Where("e.workspace_id = ?", workspace_id)
        wanted: dict[str, Any] = {
            "event_id": event_id,
            "event_type": event_type,
            "device_id": device_id,
        }
        for column, value in wanted.items():
            if value is not None:
                where.also(f"e.{column} = ?", value)
        newest = "ORDER BY e.created_at DESC, e.sequence DESC LIMIT 1"
        row = await self._db.reading.one(
            sql.select(_COLUMNS, "FROM event e", where.sql, newest), where.values
        )
        return None if row is None else _event_of(self._db.vault, row)

    async def event_by_id(self, event_id: str) -> Event | None:
        row = await self._db.reading.one(_BY_ID, (event_id,))
        return None if row is None else _event_of(self._db.vault, row)

    async def events(
        self, workspace_id: str, where: EventFilter, *, limit: int, cursor: str | None
    ) -> Page[Event]:
        return await page(
            self._db.reading,
            _COLUMNS,
            "event e",
            _filtered(workspace_id, where),
            ("e.created_at", "e.sequence"),
            lambda row: _event_of(self._db.vault, row),
            limit=limit,
            cursor=cursor,
            as_id=int,
            offset=where.offset,
        )
