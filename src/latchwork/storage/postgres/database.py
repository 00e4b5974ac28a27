"""The connections to PostgreSQL, and what every aggregate is given."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Hashable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import uuid4

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.instants import to_us
from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.postgres.failures import named
from latchwork.storage.postgres.listener import ACCOUNTS, DUE, MESSAGES, Listener
from latchwork.storage.postgres.migrations import migrate
from latchwork.storage.postgres.reader import BEGIN_VIEW, GroupReader
from latchwork.storage.postgres.session import PooledSession, PostgresSession, retried
from latchwork.storage.postgres.transaction import Shared, forget_lanes
from latchwork.storage.postgres.writer import GroupWriter, Unit
from latchwork.storage.sql import schema
from latchwork.storage.sql.marked import marked
from latchwork.storage.sql.session import Session
from latchwork.storage.vault import Vault

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import Pool

T = TypeVar("T")

OLDEST_SERVER: Final = 14
LANES: Final = 4
"""Transactions at a time that write."""
CONNECTIONS: Final = 10
CONNECT_WITHIN: Final = 5.0
ANSWER_WITHIN: Final = 40.0
_SETTINGS: Final = {
    "application_name": "latchwork",
    "statement_timeout": "30000",
    "lock_timeout": "10000",
    "idle_in_transaction_session_timeout": "30000",
    "timezone": "UTC",
    # Every statement looks up few rows by an index. A plan that was made while its table was all
    # but empty says otherwise, and stands while the table grows.
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
}
PLANS_STAND: Final = 20
"""Seconds after which a statement is planned anew: tables grow fast at first, and the server's own
statistics come late."""


class PostgresDatabase:
    """See Database."""

    def __init__(
        self,
        url: str,
        pool: "Pool",
        vault: Vault,
        clock_now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
    ) -> None:
        self.vault = vault
        self._looking_up = PooledSession(pool, vault)
        self.reading: Session = self._looking_up
        self.due_listeners: list[Callable[[], None]] = []
        self.message_listeners: list[Callable[[], None]] = []
        self.account_listeners: list[Callable[[], None]] = []
        self._listeners = {
            DUE: self.due_listeners,
            MESSAGES: self.message_listeners,
            ACCOUNTS: self.account_listeners,
        }
        self._pool = pool
        self._clock_now = clock_now
        shared = Shared(vault, clock_now, entropy)
        self.process_id = uuid4().hex
        self._writer = GroupWriter(pool, shared, self._tell, self.process_id, lanes=LANES)
        self._reader = GroupReader(pool, vault)
        self.under_way: dict[str, tuple[bytes, int]] = {}
        self._listener = Listener(self.process_id, lambda: connect(url), self._wake)

    async def begin(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """The connection becomes the database's own: the one that lasts as long as the process."""
        await forget_lanes(connection)
        await self._listener.start(connection)

    def seen_at(self, process_id: str) -> str | None:
        return self._listener.server if process_id == self.process_id else None

    def now_us(self) -> int:
        return to_us(self._clock_now())

    def remembered(
        self,
        device_id: str | None,  # noqa: ARG002 - others change it, and nothing tells of that in time
        key: Hashable,  # noqa: ARG002
        look_up: Callable[[], Awaitable[T | None]],
    ) -> Awaitable[T | None]:
        return look_up()

    @asynccontextmanager
    async def view(self) -> AsyncIterator[Session]:
        connection = await retried(self._begin_view)
        try:
            with named():
                yield PostgresSession(connection, self.vault)
        finally:
            try:
                if not connection.is_closed():
                    await connection.execute("COMMIT")
            finally:
                await self._pool.release(connection)

    async def _begin_view(self) -> "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]":
        connection = await self._pool.acquire()
        try:
            await connection.execute(BEGIN_VIEW)
        except BaseException:
            await self._pool.release(connection)
            raise
        return connection

    async def read(self, unit: Callable[[Session], Awaitable[T]]) -> T:
        """See GroupReader."""
        return await self._reader.run(unit)

    async def write(self, unit: Unit[T], *keys: str) -> T:
        """See GroupWriter."""
        return await self._writer.run(marked(unit), *keys)

    async def check(self) -> None:
        await self.reading.one("SELECT 1 FROM workspace LIMIT 1")
        if self._writer.trouble is not None:
            raise StorageUnavailable(self._writer.trouble)

    async def aclose(self) -> None:
        await self._writer.aclose()
        await self._reader.aclose()
        await self._looking_up.aclose()
        await self._listener.aclose()
        await self._pool.close()

    def _tell(self, notices: Collection[str]) -> None:
        for name in notices:
            self._wake(name)
            self._listener.send(name)

    def _wake(self, name: str) -> None:
        # A newer release may know more of them.
        for listener in self._listeners.get(name, ()):
            listener()


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(
        url,
        timeout=CONNECT_WITHIN,
        command_timeout=ANSWER_WITHIN,
        server_settings=_SETTINGS,
        target_session_attrs=SessionAttribute.read_write,
    )


async def _leave_as_it_is(_connection: object) -> None:
    """Units leave nothing behind on a connection; asking for that would cost a round trip."""


async def open_database(
    url: str,
    vault: Vault,
    clock_now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
) -> PostgresDatabase:
    """Connects, and brings the database to the newest schema.

    Raises NeedsAttention for a server that is too old, a database of a newer release, or one of
    another master key; StorageUnavailable when there is no connection.
    """
    with named():
        first = await connect(url)
        try:
            await _prepare(first, vault)
            pool = await _pool(url)
            database = PostgresDatabase(url, pool, vault, clock_now, entropy)
            await database.begin(first)
        except BaseException:
            first.terminate()
            raise
    return database


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]", vault: Vault) -> None:
    if connection.get_server_version().major < OLDEST_SERVER:
        raise NeedsAttention(f"PostgreSQL {OLDEST_SERVER} or newer is needed.")
    await migrate(connection, schema.shipped())
    await _check_key(connection, vault)


async def _pool(url: str) -> "Pool":
    """Connections for units, opened as they are needed."""
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=CONNECTIONS,
        max_queries=1_000_000,
        max_inactive_connection_lifetime=300,
        reset=_leave_as_it_is,
        timeout=CONNECT_WITHIN,
        command_timeout=ANSWER_WITHIN,
        statement_cache_size=512,
        max_cached_statement_lifetime=PLANS_STAND,
        server_settings=_SETTINGS,
        target_session_attrs=SessionAttribute.read_write,
    )


async def _check_key(connection: "asyncpg.Connection[asyncpg.Record]", vault: Vault) -> None:
    async with connection.transaction():
        await connection.execute("LOCK TABLE vault")
        stored = await connection.fetchval("SELECT fingerprint FROM vault")
        if stored is None:
            await connection.execute(
                "INSERT INTO vault (fingerprint) VALUES ($1)", vault.fingerprint
            )
        elif stored != vault.fingerprint:
            raise NeedsAttention(
                "The database was made with another master key. Give the key that it was made with."
            )
