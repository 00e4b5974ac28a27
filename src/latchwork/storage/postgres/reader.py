"""Group reading on PostgreSQL: many units on one consistent view, side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.postgres.conductor import Part, UnitSession, conduct
from latchwork.storage.postgres.lanes import Lanes, still_awaited
from latchwork.storage.postgres.session import retried
from latchwork.storage.sql.session import Session

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import Pool
    from latchwork.storage.vault import Vault

T = TypeVar("T")
Unit = Callable[[Session], Awaitable[T]]

LANES: Final = 2
ANOTHER_LANE_AFTER: Final = 0.02
BEGIN_VIEW: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class _Job:
    """One caller's reading, and who waits for it."""

    __slots__ = ("future", "unit")

    def __init__(self, unit: Unit[Any], future: "asyncio.Future[Any]") -> None:
        self.unit = unit
        self.future = future

    def ended(self, result: Any, error: Exception | None) -> None:
        if self.future.done():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class GroupReader:
    """Whatever is asked while all lanes are busy forms the next batches."""

    def __init__(self, pool: "Pool", vault: "Vault") -> None:
        self._pool = pool
        self._vault = vault
        self._lanes: Lanes[_Job] = Lanes(
            "latchwork-read", LANES, still_awaited, self._answer, patience=ANOTHER_LANE_AFTER
        )

    async def run(self, unit: Unit[T]) -> T:
        """The unit's answer. Raises what it raises, and StorageUnavailable when the database does
        not answer for as long as patience lasts."""
        if self._lanes.closed:
            raise StorageUnavailable("The database is closed.")
        job = _Job(unit, asyncio.get_running_loop().create_future())
        self._lanes.put(job)
        answer: T = await job.future
        return answer

    async def aclose(self) -> None:
        """Answers what is queued, then takes nothing more. Idempotent."""
        await self._lanes.aclose()

    async def _answer(self, jobs: Collection[_Job]) -> None:
        try:
            await retried(lambda: self._read(jobs))
        except asyncio.CancelledError:
            for job in jobs:
                job.future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is the callers', whatever it is
            for job in jobs:
                job.ended(None, error)

    async def _read(self, jobs: Collection[_Job]) -> None:
        parts = []
        for number, job in enumerate(jobs):
            session = cast("Session", UnitSession(self._vault))
            unit = cast("Coroutine[Any, Any, Any]", job.unit(session))
            parts.append(Part(unit, frozenset((str(number),)), job.ended))
        async with self._pool.acquire() as connection:
            await connection.execute(BEGIN_VIEW)
            try:
                await conduct(connection, parts)
            finally:
                if not connection.is_closed():
                    await connection.execute("COMMIT")
