"""Group reading on PostgreSQL: many units on one consistent view, side by side."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.postgres.conductor import Part, UnitSession, conduct
from latchwork.storage.postgres.session import retried
from latchwork.storage.sql.session import Session

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import Pool
    from latchwork.storage.vault import Vault

T = TypeVar("T")
Unit = Callable[[Session], Awaitable[T]]

LARGEST_BATCH: Final = 64
LANES: Final = 2
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
        self._queue: deque[_Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, unit: Unit[T]) -> T:
        """The unit's answer. Raises what it raises, and StorageUnavailable when the database does
        not answer for as long as patience lasts."""
        if self._closed:
            raise StorageUnavailable("The database is closed.")
        loop = asyncio.get_running_loop()
        job = _Job(unit, loop.create_future())
        self._queue.append(job)
        if len(self._tasks) < LANES:
            task = loop.create_task(self._drain(), name="latchwork-read")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        answer: T = await job.future
        return answer

    async def aclose(self) -> None:
        """Answers what is queued, then takes nothing more. Idempotent."""
        self._closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if self._queue and not task.cancelled():
            # Asked between its last look and its end.
            again = asyncio.get_running_loop().create_task(self._drain(), name="latchwork-read")
            self._tasks.add(again)
            again.add_done_callback(self._ended)

    async def _drain(self) -> None:
        while self._queue:
            jobs: list[_Job] = []
            while self._queue and len(jobs) < LARGEST_BATCH:
                job = self._queue.popleft()
                if not job.future.done():
                    jobs.append(job)
            await self._answer(jobs)

    async def _answer(self, jobs: list[_Job]) -> None:
        try:
            await retried(lambda: self._read(jobs))
        except asyncio.CancelledError:
            for job in jobs:
                job.future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is the callers', whatever it is
            for job in jobs:
                job.ended(None, error)

    async def _read(self, jobs: list[_Job]) -> None:
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
