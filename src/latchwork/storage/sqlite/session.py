"""One connection to SQLite. Nothing here waits, so that a coroutine which waits for nothing else
runs to its end at once: rows come back whole, and no statement stays open."""

import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any, NoReturn, TypeVar, cast

from latchwork.domain.events import NewEvent
from latchwork.domain.ids import uuid7
from latchwork.domain.webhook import Webhook
from latchwork.storage.instants import to_us
from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql.endpoints import Endpoints
from latchwork.storage.sql.session import Row, Values
from latchwork.storage.vault import Vault

T = TypeVar("T")

# The module stores these as they are, but looks for a converter first, value by value, which costs
# more than storing them: here is one that is found at once.
sqlite3.register_adapter(type(None), lambda none: none)
sqlite3.register_adapter(bool, int)
sqlite3.register_adapter(bytes, bytes)


class SqliteSession:
    """See Session."""

    def __init__(self, connection: sqlite3.Connection, vault: Vault) -> None:
        self._connection = connection
        self.vault = vault

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        try:
            rows: list[Row] = self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            _fail(error)
        return rows[0] if rows else None

    async def all(self, sql: str, values: Values = ()) -> list[Row]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            _fail(error)

    async def all_each(self, sql: str, many: Iterable[Values]) -> Sequence[Sequence[Row]]:
        return [await self.all(sql, values) for values in many]

    async def run(self, sql: str, values: Values = ()) -> int:
        try:
            return self._connection.execute(sql, values).rowcount
        except sqlite3.DatabaseError as error:
            _fail(error)

    async def run_many(self, sql: str, many: Iterable[Values]) -> None:
        try:
            self._connection.executemany(sql, many)
        except sqlite3.DatabaseError as error:
            _fail(error)

    async def run_each(self, sql: str, many: Iterable[Values]) -> Sequence[int]:
        execute = self._connection.execute
        try:
            return [execute(sql, values).rowcount for values in many]
        except sqlite3.DatabaseError as error:
            _fail(error)


class SqliteTransaction(SqliteSession):
    """See Transaction. Serves every unit: the writer runs one at a time."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        vault: Vault,
        clock_now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        notify_due: Callable[[], None],
        notify_messages: Callable[[], None],
        notify_accounts: Callable[[], None],
    ) -> None:
        super().__init__(connection, vault)
        self._clock_now = clock_now
        self._entropy = entropy
        self.notify_due = notify_due
        self.notify_messages = notify_messages
        self.notify_accounts = notify_accounts
        self._endpoints = Endpoints()

    @property
    def writes(self) -> int:
        return self._connection.total_changes

    def now_us(self) -> int:
        return to_us(self._clock_now())

    def new_id(self) -> str:
        return uuid7(self._clock_now(), self._entropy(10))

    async def record(self, workspace_id: str, events: Sequence[NewEvent]) -> None:
        await event_queries.store(self, self._endpoints, workspace_id, events, self.now_us())

    async def webhook(self, webhook_id: str) -> Webhook:
        return self._endpoints.get(webhook_id)

    async def store_recorded(self) -> None:
        """They are."""

    async def webhooks_changed(self, workspace_id: str = "") -> None:  # noqa: ARG002 - few enough
        """All endpoints are read again."""
        await self._endpoints.load(self)


def drive(waiting: Awaitable[T]) -> T:
    """The answer of a coroutine that asks SQLite and waits for nothing else."""
    coroutine = cast("Coroutine[Any, Any, T]", waiting)
    try:
        coroutine.send(None)
    except StopIteration as end:
        answer: T = end.value
        return answer
    coroutine.close()
    raise RuntimeError("a unit of storage waits for something other than its transaction")


def _fail(error: sqlite3.DatabaseError) -> NoReturn:
    """A broken constraint stays what it is: it is the unit's own."""
    # SQLite's messages name tables and files, never values.
    if isinstance(error, sqlite3.OperationalError):
        raise StorageUnavailable(f"The database did not answer: {error}.") from error
    # What the module raises of itself, on a closed connection say, carries no code.
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    ):
        raise StorageUnavailable(
            f"The database file is damaged: {error}. Stop the server and restore a backup."
        ) from error
    raise error
