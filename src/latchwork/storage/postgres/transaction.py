"""What units are given: one transaction of a batch, and the events that it ends with."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from latchwork.domain.events import NewEvent
from latchwork.domain.ids import uuid7
from latchwork.domain.webhook import Webhook
from latchwork.storage.instants import to_us
from latchwork.storage.postgres.conductor import UnitSession, alone
from latchwork.storage.postgres.listener import ACCOUNTS, DUE, MESSAGES
from latchwork.storage.postgres.session import PostgresSession
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql.endpoints import Endpoints, stored, stored_one
from latchwork.storage.sql.session import Row, Values
from latchwork.storage.vault import Vault

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import AnyConnection

_BEGIN: Final = (
    "WITH marked AS (INSERT INTO last_batch (process_id, lane, batch_id) VALUES ($2, $3, $4) "
    "ON CONFLICT (process_id, lane) DO UPDATE "
    "SET batch_id = excluded.batch_id, begun_at = excluded.begun_at) "
    "SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) k"
)
_LAST: Final = (
    "INSERT INTO last_batch (process_id, lane, batch_id) VALUES ($1, $2, '') "
    "ON CONFLICT (process_id, lane) DO UPDATE SET batch_id = last_batch.batch_id "
    "RETURNING batch_id"
)
_FORGET: Final = "DELETE FROM last_batch WHERE begun_at < now() - interval '1 day'"
_NEXT: Final = (
    "INSERT INTO event_head (workspace_id, created_at, webhooks) VALUES ($1, $2, $3) "
    "ON CONFLICT (workspace_id) DO UPDATE SET "
    "created_at = greatest(event_head.created_at + 1, $2), webhooks = event_head.webhooks + $3 "
    "RETURNING created_at, webhooks"
)


Lane = tuple[str, int]
"""A process, and which of its transactions that run side by side."""


class Shared:
    """What every transaction of a process uses: time, randomness, and the endpoints last seen."""

    def __init__(
        self, vault: Vault, clock_now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> None:
        self.vault = vault
        self.clock_now = clock_now
        self.entropy = entropy
        self.endpoints: dict[str, tuple[int, Endpoints]] = {}
        """By workspace, with the number of changes as of which they hold."""


class Batch(PostgresSession):
    """One transaction of many units. Events are stored last, so that the row which puts a
    workspace's events in order is locked for as short as can be."""

    def __init__(self, connection: "AnyConnection", shared: Shared) -> None:
        super().__init__(connection, shared.vault)
        self._shared = shared
        self._webhooks: dict[str, Webhook] = {}
        self._changed: set[str] = set()
        self.recorded: list[tuple[str, NewEvent]] = []
        self.notices: set[str] = set()
        """Whom to tell after the commit."""

    async def begin(self, keys: Iterable[str], lane: Lane) -> str:
        """The transaction's id, for `is_last`. From here on no other has a unit of any of the
        keys."""
        batch_id = uuid4().hex
        await self.connection.execute("BEGIN")
        numbers = sorted({_number(key) for key in keys})
        await self.connection.fetchval(_BEGIN, numbers, *lane, batch_id)
        return batch_id

    def now_us(self) -> int:
        return to_us(self._shared.clock_now())

    def new_id(self) -> str:
        return uuid7(self._shared.clock_now(), self._shared.entropy(10))

    def take(self, unit: "PostgresTransaction") -> None:
        """What a unit tells, to be stored and sent with the batch."""
        self.recorded += unit.recorded
        self.notices |= unit.notices
        unit.recorded = []

    async def store_recorded(self) -> None:
        """Workspace by workspace, in an order that is the same for everybody."""
        recorded, self.recorded = self.recorded, []
        for workspace_id in sorted({workspace_id for workspace_id, _ in recorded}):
            created_at, version = await self._head(workspace_id, 0)
            endpoints = await self._endpoints(workspace_id, version)
            events = [event for owner, event in recorded if owner == workspace_id]
            await event_queries.store(self, endpoints, workspace_id, events, created_at)

    async def _head(self, workspace_id: str, changes: int) -> tuple[int, int]:
        values = (workspace_id, self.now_us(), changes)
        (row,) = await self.connection.fetch(_NEXT, *values)
        return row[0], row[1]

    async def _endpoints(self, workspace_id: str, version: int) -> Endpoints:
        seen = self._shared.endpoints.get(workspace_id)
        if seen is not None and seen[0] == version:
            return seen[1]
        endpoints = Endpoints()
        endpoints.hold(await stored(self, workspace_id))
        if workspace_id not in self._changed:
            # What this transaction changed itself is not certain before its commit.
            self._shared.endpoints[workspace_id] = (version, endpoints)
        return endpoints

    async def webhook(self, webhook_id: str) -> Webhook:
        if webhook_id not in self._webhooks:
            self._webhooks[webhook_id] = await stored_one(self, webhook_id)
        return self._webhooks[webhook_id]

    async def webhooks_changed(self, workspace_id: str) -> None:
        self._webhooks.clear()
        self._changed.add(workspace_id)
        await self._head(workspace_id, 1)

    def notify_messages(self) -> None:
        self.notices.add(MESSAGES)


async def is_last(connection: "AnyConnection", lane: Lane, batch_id: str) -> bool:
    """Whether it is the last of its lane that was committed. Waits for one that the server is
    still at."""
    return bool(await connection.fetchval(_LAST, *lane) == batch_id)


async def forget_lanes(connection: "AnyConnection") -> None:
    """Of processes that ended long ago."""
    await connection.execute(_FORGET)


class PostgresTransaction(UnitSession):
    """See Transaction; what one unit of a batch is given."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch.vault)
        self._batch = batch
        self.recorded: list[tuple[str, NewEvent]] = []
        self.notices: set[str] = set()
        self.writes = 0
        self.now_us = batch.now_us
        self.new_id = batch.new_id

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        row = await super().one(sql, values)
        self.writes += row is not None and not sql.startswith("SELECT")
        return row

    async def all(self, sql: str, values: Values = ()) -> Sequence[Row]:
        rows = await super().all(sql, values)
        self.writes += bool(rows) and not sql.startswith("SELECT")
        return rows

    async def run(self, sql: str, values: Values = ()) -> int:
        count = await super().run(sql, values)
        self.writes += count > 0
        return count

    async def run_many(self, sql: str, many: Iterable[Values]) -> None:
        self.writes += 1
        await super().run_many(sql, many)

    async def run_each(self, sql: str, many: Iterable[Values]) -> Sequence[int]:
        counts = await super().run_each(sql, many)
        self.writes += sum(counts)
        return counts

    async def record(self, workspace_id: str, events: Sequence[NewEvent]) -> None:
        self.recorded += [(workspace_id, event) for event in events]
        self.writes += len(events)

    async def store_recorded(self) -> None:
        self._batch.take(self)
        await alone(self._batch.store_recorded)

    async def webhook(self, webhook_id: str) -> Webhook:
        return await alone(lambda: self._batch.webhook(webhook_id))

    async def webhooks_changed(self, workspace_id: str) -> None:
        self.writes += 1
        await alone(lambda: self._batch.webhooks_changed(workspace_id))

    def notify_due(self) -> None:
        self.notices.add(DUE)

    def notify_messages(self) -> None:
        self.notices.add(MESSAGES)

    def notify_accounts(self) -> None:
        self.notices.add(ACCOUNTS)


def _number(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)
