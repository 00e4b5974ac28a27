"""Statements on connections to PostgreSQL."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import asyncpg

from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.postgres.bulk import changed, counts_of_each, rows_of_each, run_each
from latchwork.storage.postgres.dialect import translated
from latchwork.storage.postgres.failures import BROKEN, named, unavailable
from latchwork.storage.postgres.lanes import Lanes, still_awaited
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
LANES: Final = 4
ANOTHER_LANE_AFTER: Final = 0.005
"""Seconds that a look-up may take; one that takes longer keeps the others from going on."""


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


class _Question:
    """One caller's look-up, and who waits for it."""

    __slots__ = ("future", "sql", "values")

    def __init__(self, sql: str, values: Values, future: "asyncio.Future[Row | None]") -> None:
        self.sql = sql
        self.values = values
        self.future = future

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class PooledSession:
    """See Session; each statement on any free connection, and again when that one is broken. What
    many callers look up at a time, each a row, is one statement (see Lanes)."""

    def __init__(self, pool: "Pool", vault: Vault) -> None:
        self._pool = pool
        self.vault = vault
        self._lanes: Lanes[_Question] = Lanes(
            "latchwork-ask", LANES, still_awaited, self._answer, patience=ANOTHER_LANE_AFTER
        )

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        question = _Question(sql, values, asyncio.get_running_loop().create_future())
        self._lanes.put(question)
        return await question.future

    async def aclose(self) -> None:
        """Answers what was asked. Idempotent."""
        await self._lanes.aclose()

    async def _answer(self, questions: Collection[_Question]) -> None:
        by_sql: dict[str, list[_Question]] = {}
        for question in questions:
            by_sql.setdefault(question.sql, []).append(question)
        try:
            for sql, group in by_sql.items():
                await self._answer_all(sql, group)
        except asyncio.CancelledError:
            for question in questions:
                question.future.cancel()
            raise
        except StorageUnavailable as error:
            # The others have waited as long for a database that does not answer.
            for question in questions:
                question.fail(error)

    async def _answer_all(self, sql: str, group: Sequence[_Question]) -> None:
        try:
            found = await retried(lambda: self._look_up(sql, [each.values for each in group]))
        except StorageUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - it is the caller's, whatever it is
            if len(group) == 1:
                group[0].fail(error)
                return
            for question in group:
                await self._answer_all(sql, [question])
            return
        for question, rows in zip(group, found, strict=True):
            if not question.future.done():
                question.future.set_result(rows[0] if rows else None)

    async def _look_up(self, sql: str, many: Sequence[Values]) -> Sequence[Sequence[Row]]:
        async with self._pool.acquire() as connection:
            return await rows_of_each(connection, sql, many)

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
