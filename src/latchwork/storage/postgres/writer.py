"""Group commit on PostgreSQL: several transactions at a time, each with many callers' writes.

No two transactions anywhere run units of one key at a time, so that a unit may read and then write.
A batch that another transaction or a restart of the server undid is done again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import structlog

from latchwork.domain.errors import LatchworkError
from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.postgres.conductor import Part, conduct
from latchwork.storage.postgres.failures import BROKEN, SHORT, TRANSIENT, named, unavailable
from latchwork.storage.postgres.lanes import LARGEST_BATCH, Lanes
from latchwork.storage.postgres.listener import NOTICES
from latchwork.storage.postgres.session import BETWEEN_TRIES, PATIENCE
from latchwork.storage.postgres.transaction import (
    Batch,
    Lane,
    PostgresTransaction,
    Shared,
    is_last,
)
from latchwork.storage.sql.session import Transaction

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import AnyConnection, Pool

T = TypeVar("T")
Unit = Callable[[Transaction], Awaitable[T]]

ANOTHER_LANE_AFTER: Final = 0.1
"""Seconds: two transactions of one workspace end one after the other, so it helps only when one is
held up."""

log = structlog.get_logger(__name__)


class _Job:
    """One caller's write: what to do, who waits for it, and how it went."""

    __slots__ = ("error", "future", "keys", "result", "unit")

    def __init__(
        self, unit: Unit[Any], keys: frozenset[str], future: "asyncio.Future[Any]"
    ) -> None:
        self.unit = unit
        self.keys = keys
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():  # The caller was cancelled; its write stands all the same.
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _SpoiledError(Exception):
    """A unit failed after it had written: its batch must be done again, each unit by itself."""


class _UnknownError(Exception):
    """The connection broke during the commit."""

    def __init__(self, batch_id: str) -> None:
        super().__init__(batch_id)
        self.batch_id = batch_id


class GroupWriter:
    """Of one process. `tell(notices)` is called after each commit."""

    def __init__(
        self,
        pool: "Pool",
        shared: Shared,
        tell: Callable[[Collection[str]], None],
        process_id: str,
        *,
        lanes: int,
    ) -> None:
        self._pool = pool
        self._shared = shared
        self._tell = tell
        self._lanes: Lanes[_Job] = Lanes(
            "latchwork-commit", lanes, self._next_jobs, self._serve, patience=ANOTHER_LANE_AFTER
        )
        self._keys: set[str] = set()
        """Of the batches under way."""
        self._free: list[Lane] = [(process_id, number) for number in range(lanes)]
        self.trouble: str | None = None
        """Why the last batch could not be stored; None when it was."""

    async def run(self, unit: Unit[T], *keys: str) -> T:
        """Runs `unit` in the next batch; its answer, once that is durable. An exception of the
        unit undoes what it wrote and nothing else. Raises StorageUnavailable when nothing could
        be stored for as long as patience lasts."""
        if self._lanes.closed:
            raise StorageUnavailable("The database is closed.")
        job = _Job(unit, frozenset(keys), asyncio.get_running_loop().create_future())
        self._lanes.put(job)
        answer: T = await job.future
        return answer

    async def aclose(self) -> None:
        """Stores what is queued, then takes nothing more. Idempotent."""
        await self._lanes.aclose()

    def _next_jobs(self, queue: deque[_Job]) -> list[_Job]:
        """Those whose keys no other batch has; the others stay, in their order."""
        jobs: list[_Job] = []
        left: list[_Job] = []
        while queue and len(jobs) < LARGEST_BATCH:
            job = queue.popleft()
            if not job.keys.isdisjoint(self._keys):
                left.append(job)
            elif not job.future.cancelled():
                jobs.append(job)
        queue.extendleft(reversed(left))
        return jobs

    async def _serve(self, jobs: Collection[_Job]) -> None:
        keys = {key for job in jobs for key in job.keys}
        self._keys |= keys
        lane = self._free.pop()
        try:
            await self._store(jobs, lane)
        finally:
            self._free.append(lane)
            self._keys -= keys

    async def _store(self, jobs: Collection[_Job], lane: Lane) -> None:
        """Stores them, or gives each the reason why not; raises nothing but cancellation."""
        try:
            done = await self._patiently(jobs, lane)
        except _SpoiledError:
            for job in jobs:
                await self._store([job], lane)
            return
        except asyncio.CancelledError:
            for job in jobs:
                job.future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is the callers', whatever it is
            await self._failed(jobs, lane, error)
            return
        self.trouble = None
        for job in jobs:
            job.answer()
        if done is not None:
            self._tell(done.notices)

    async def _failed(self, jobs: Collection[_Job], lane: Lane, error: Exception) -> None:
        if len(jobs) > 1 and not isinstance(error, LatchworkError):
            for job in jobs:
                await self._store([job], lane)
            return
        if isinstance(error, StorageUnavailable):
            self.trouble = str(error)
            log.warning("storage.batch_failed", writes=len(jobs), error=self.trouble)
        for job in jobs:
            job.error = error
            job.answer()

    async def _patiently(self, jobs: Collection[_Job], lane: Lane) -> Batch | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE
        while True:
            try:
                with named():
                    async with self._pool.acquire() as connection:
                        return await self._attempt(connection, jobs, lane)
            except _UnknownError as error:
                if await self._is_committed(lane, error.batch_id, deadline):
                    # What it told is lost with it: tell everybody.
                    self._tell(NOTICES)
                    return None
            except Exception as error:
                cause = error.__cause__ or error
                if not isinstance(cause, TRANSIENT) or isinstance(cause, SHORT):
                    raise
                if loop.time() >= deadline:
                    raise unavailable(cause) from error
                log.info("storage.batch_repeated", error=type(cause).__name__)
            await asyncio.sleep(BETWEEN_TRIES)

    async def _attempt(
        self, connection: "AnyConnection", jobs: Collection[_Job], lane: Lane
    ) -> Batch:
        batch = Batch(connection, self._shared)
        try:
            batch_id = await batch.begin((key for job in jobs for key in job.keys), lane)
            await self._perform(batch, jobs)
            await batch.store_recorded()
        except BaseException:
            if not connection.is_closed():
                await connection.execute("ROLLBACK")
            raise
        try:
            await connection.execute("COMMIT")
        except BROKEN as error:
            raise _UnknownError(batch_id) from error
        return batch

    async def _perform(self, batch: Batch, jobs: Collection[_Job]) -> None:
        parts = [self._part(batch, job, alone=len(jobs) == 1) for job in jobs]
        try:
            await conduct(batch.connection, parts)
        except (*TRANSIENT, *SHORT, _SpoiledError):
            raise
        except Exception as error:
            if len(jobs) == 1:
                raise
            raise _SpoiledError from error

    def _part(self, batch: Batch, job: _Job, *, alone: bool) -> Part[Any]:
        job.result, job.error = None, None
        tx = PostgresTransaction(batch)

        def ended(result: Any, error: Exception | None) -> None:
            if error is None:
                job.result = result
                batch.take(tx)
            elif isinstance(error, LatchworkError) and not tx.writes:
                # A refusal of the unit's own, before it wrote anything, disturbs nobody.
                job.error = error
            elif alone:
                raise error
            else:
                raise _SpoiledError from error

        return Part(cast("Coroutine[Any, Any, Any]", job.unit(tx)), job.keys, ended)

    async def _is_committed(self, lane: Lane, batch_id: str, deadline: float) -> bool:
        """What became of a transaction whose commit was not answered."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._pool.acquire() as connection:
                    return await is_last(connection, lane, batch_id)
            except (*TRANSIENT, *SHORT) as error:
                if loop.time() >= deadline:
                    raise unavailable(error) from error
            await asyncio.sleep(BETWEEN_TRIES)
