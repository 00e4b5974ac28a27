"""Group commit: many callers' writes in one transaction, one fsync for all of them.

Whatever queued until the last commit was on disk forms the next batch; there is no timer.
Statements run on the event loop, where they take microseconds; the commit, which waits for the
disk, where the disk's speed lets it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final, TypeVar

import structlog

from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.sqlite.disk import Disk

T = TypeVar("T")

LARGEST_BATCH: Final = 256
"""Bounds how long one batch's statements keep the loop from anything else."""
TURNS: Final = 3
"""Of the event loop, between the first write of a batch and its transaction."""
PATIENCE_MS: Final = 5_000
"""How long to wait for another process (a command line tool) to end its own write."""

log = structlog.get_logger(__name__)


class _Job:
    """One caller's write: what to do, who waits for it, and how it went."""

    __slots__ = ("error", "future", "result", "unit")

    def __init__(self, unit: Callable[[], Any], future: "asyncio.Future[Any]") -> None:
        self.unit = unit
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def perform(self) -> None:
        self.result, self.error = None, None
        try:
            self.result = self.unit()
        except Exception as error:  # noqa: BLE001 - it is the caller's, whatever it is
            self.error = error

    def answer(self) -> None:
        if self.future.done():  # The caller was cancelled; its write stands all the same.
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _SpoiledError(Exception):
    """A unit failed after it had written: the batch must be done again without its effects."""


class GroupWriter:
    """Owns the one connection that writes. `refresh` is called inside a transaction whenever what
    is kept in memory of the database may be out of date: at first, after another process wrote,
    and after a roll-back; `ended` when a transaction was stored or given up."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        disk: Disk,
        *,
        refresh: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._disk = disk
        self._refresh = refresh
        self._ended = ended
        self._queue: deque[_Job] = deque()
        self._task: asyncio.Task[None] | None = None
        self._notices: dict[Callable[[], None], None] = {}
        """In order: they are called in turn, and a set's order differs from process to process."""
        self._seen_version = -1
        self._version_of_turn: int | None = None
        self._begun = False
        self._closed = False
        self.trouble: str | None = None
        """Why the last batch could not be stored; None when it was."""

    async def run(self, unit: Callable[[], T]) -> T:
        """Runs `unit` inside the next transaction; its answer, once that is on disk.

        An exception of the unit undoes what it wrote and nothing else. The unit may be run again
        when another of its batch fails. Raises StorageUnavailable when nothing could be stored.
        """
        if self._closed:
            raise StorageUnavailable("The database is closed.")
        loop = asyncio.get_running_loop()
        job = _Job(unit, loop.create_future())
        self._queue.append(job)
        if self._task is None:
            self._task = loop.create_task(self._drain(), name="latchwork-commit", context=Context())
        answer: T = await job.future
        return answer

    def after_commit(self, notice: Callable[[], None]) -> None:
        """For units: calls `notice`, once, when the batch is on disk."""
        self._notices[notice] = None

    def version(self) -> int | None:
        """A number that is another one after another process wrote; None while the connection
        cannot be asked. It is asked once in a turn of the loop: whoever knows of a write that came
        later can say so only in a later turn."""
        if self._begun:
            return self._seen_version
        if self._disk.is_busy:
            return None
        if self._version_of_turn is None:
            try:
                self._version_of_turn = self._database_version()
            except sqlite3.Error:
                return None
            asyncio.get_running_loop().call_soon(self._forget_version)
        return self._version_of_turn

    def _forget_version(self) -> None:
        self._version_of_turn = None

    async def aclose(self) -> None:
        """Stores what is queued, then takes nothing more. Idempotent."""
        self._closed = True
        if self._task is not None:
            await asyncio.wait([self._task])
        self._disk.close()

    async def _drain(self) -> None:
        try:
            while self._queue:
                await self._gather()
                jobs = self._next_jobs()
                if jobs:
                    await self._store(jobs)
                    await self._disk.move_log()
        finally:
            self._task = None

    async def _gather(self) -> None:
        """Lets those join who are about to write: a transaction costs more than a few turns of
        the loop, whose first reads what has come in and whose next carries it out."""
        if not self._disk.is_inline:
            for _ in range(TURNS):
                await asyncio.sleep(0)

    def _next_jobs(self) -> list[_Job]:
        jobs: list[_Job] = []
        while self._queue and len(jobs) < LARGEST_BATCH:
            job = self._queue.popleft()
            if not job.future.cancelled():
                jobs.append(job)
        return jobs

    async def _store(self, jobs: list[_Job]) -> None:
        try:
            await self._begin()
            await self._perform(jobs)
            await self._disk.commit()
        except (sqlite3.Error, StorageUnavailable) as error:
            self._abandon()
            self.trouble = f"The database did not take the write: {error}."
            log.warning("storage.batch_failed", writes=len(jobs), error=str(error))
            for job in jobs:
                job.error = StorageUnavailable(self.trouble)
                job.answer()
            return
        except BaseException:
            self._abandon()
            for job in jobs:
                job.future.cancel()
            raise
        self._end()
        # A file system that became read-only lets a transaction end that could write nothing.
        self.trouble = next(
            (str(j.error) for j in jobs if type(j.error) is StorageUnavailable), None
        )
        notices, self._notices = self._notices, {}
        for job in jobs:
            job.answer()
        for notice in notices:
            notice()

    async def _begin(self) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if self._disk.is_inline or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            await self._disk.wait_for(f"PRAGMA busy_timeout = {PATIENCE_MS}")
            try:
                await self._disk.wait_for("BEGIN IMMEDIATE")
            finally:
                self._connection.execute("PRAGMA busy_timeout = 0")
        version = self._database_version()
        if version != self._seen_version:
            self._refresh()
            self._seen_version = version
        self._begun = True

    def _database_version(self) -> int:
        version: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _end(self) -> None:
        self._begun = False
        self._ended()

    async def _perform(self, jobs: list[_Job]) -> None:
        try:
            self._perform_together(jobs)
        except _SpoiledError:
            self._abandon()
            await self._begin()
            for job in jobs:
                self._perform_apart(job)

    def _perform_together(self, jobs: list[_Job]) -> None:
        connection = self._connection
        for job in jobs:
            changes = connection.total_changes
            job.perform()
            if job.error is not None and (
                connection.total_changes != changes or not connection.in_transaction
            ):
                raise _SpoiledError

    def _perform_apart(self, job: _Job) -> None:
        notices = dict(self._notices)
        self._connection.execute("SAVEPOINT unit")
        job.perform()
        if not self._connection.in_transaction:
            # Some failures (a full disk) end the whole transaction, with what others wrote.
            raise StorageUnavailable(str(job.error))
        if job.error is not None:
            self._connection.execute("ROLLBACK TO unit")
            self._notices = notices
            self._refresh()
        self._connection.execute("RELEASE unit")

    def _abandon(self) -> None:
        self._notices.clear()
        self._seen_version = -1
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            log.warning("storage.rollback_failed", error=str(error))
        self._end()
