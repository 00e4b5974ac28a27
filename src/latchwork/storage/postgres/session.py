"""Statements on connections to PostgreSQL."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import asyncpg

from latchwork.storage.postgres.bulk import changed, counts_of_each, rows_of_each, run_each
from latchwork.storage.postgres.dialect import translated
from latchwork.storage.postgres.failures import BROKEN, named, unavailable
from latchwork.storage.sql.session import Row, Values
from latchwork.storage.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asyncpg.pool import PoolConnectionProxy

    AnyConnection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

T = TypeVar("T")

PATIENCE: Final = 8.0
"""Seconds for which a server that restarts, or is replaced, is waited for."""
BETWEEN_TRIES: Final = 0.1


class PostgresSession:
    """See Session; on one connection."""

    def __init__(self, connection: "AnyConnection", vault: Vault) -> None:
        self.connection = connection
        self.vault = vault

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        row: Any = await self.connection.fetchrow(translated(sql), *values)
        return cast("Row | None", row)

    async def all(self, sql: str, values: Values = ()) -> Sequence[Row]:
        rows: Any = await self.connection.fetch(translated(sql), *values)
        return cast("Sequence[Row]", rows)

    async def all_each(self, sql: str, many: Iterable[Values]) -> Sequence[Sequence[Row]]:
        return await rows_of_each(self.connection, sql, list(many))

    async def run(self, sql: str, values: Values = ()) -> int:
        return changed(await self.connection.execute(translated(sql), *values))

    async def run_many(self, sql: str, many: Iterable[Values]) -> None:
        await run_each(self.connection, sql, list(many))

    async def run_each(self, sql: str, many: Iterable[Values]) -> Sequence[int]:
        return await counts_of_each(self.connection, sql, list(many))


class PooledSession:
    """See Session; each statement on any free connection, and again when that one is broken."""

    def __init__(self, pool: "Pool", vault: Vault) -> None:
        self._pool = pool
        self.vault = vault

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        row: Any = await retried(lambda: self._pool.fetchrow(translated(sql), *values))
        return cast("Row | None", row)

    async def all(self, sql: str, values: Values = ()) -> Sequence[Row]:
        rows: Any = await retried(lambda: self._pool.fetch(translated(sql), *values))
        return cast("Sequence[Row]", rows)

    async def all_each(self, sql: str, many: Iterable[Values]) -> Sequence[Sequence[Row]]:
        return [await self.all(sql, values) for values in many]

    async def run(self, sql: str, values: Values = ()) -> int:
        raise NotImplementedError("writes are units")

    async def run_many(self, sql: str, many: Iterable[Values]) -> None:
        raise NotImplementedError("writes are units")

    async def run_each(self, sql: str, many: Iterable[Values]) -> Sequence[int]:
        raise NotImplementedError("writes are units")


async def retried(ask: "Callable[[], Awaitable[T]]") -> T:
    """For what changes nothing: asks again while connections break, as long as patience lasts."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        try:
            with named():
                return await ask()
        except Exception as error:
            broken = isinstance(error.__cause__, BROKEN)
            if not broken or isinstance(error.__cause__, asyncpg.QueryCanceledError):
                raise
            if asyncio.get_running_loop().time() >= deadline:
                raise unavailable(error.__cause__ or error) from error
        await asyncio.sleep(BETWEEN_TRIES)
