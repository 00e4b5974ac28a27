"""Where a connection's statements wait for the disk: on the event loop while the disk is quick, in
a thread of its own while it is not.

A thread costs more than it spares when a commit takes less than a millisecond: it and the loop
wait for each other (for the interpreter's lock) several times in each. A slow disk would hold
everything up, requests that only read among it.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog

SLOW: Final = 0.005
"""Seconds: a commit that takes longer is none for the event loop."""
FEWEST_ASIDE: Final = 8
MOST_ASIDE: Final = 4_096
"""Commits in the thread, after one on the loop that was slow, before the next is tried there: twice
as many each time, and PAID_BACK less again for each that was quick. So a disk that hangs once in
fifty times is waited for on the loop, and one that hangs once in ten is not."""
PAID_BACK: Final = 4
CHECKPOINT_AFTER: Final = 20_000
"""Changed rows between two moves of the log (-wal) into the database: some 60 MB under load."""

log = structlog.get_logger(__name__)


class Disk:
    """`inline`: everything on the loop, so that a run depends on nothing but its inputs. `timer`:
    seconds from anywhere."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        inline: bool,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._connection = connection
        self._timer = timer
        self._executor = None if inline else ThreadPoolExecutor(1, "latchwork-disk")
        self._aside = 0
        """Commits that are yet to be made in the thread."""
        self._next_aside = FEWEST_ASIDE
        self._changes_moved = 0
        self.is_busy = False
        """The thread has the connection: a statement of anyone else would wait for it."""

    @property
    def is_inline(self) -> bool:
        return self._executor is None

    async def commit(self) -> None:
        if self._executor is None:
            self._execute("COMMIT")
        elif self._aside > 0:
            self._aside -= 1
            await self.wait_for("COMMIT")
        else:
            begin = self._timer()
            self._execute("COMMIT")
            self._judge(self._timer() - begin)

    def _judge(self, took: float) -> None:
        if took > SLOW:
            self._aside = self._next_aside
            self._next_aside = min(2 * self._next_aside, MOST_ASIDE)
        else:
            self._next_aside = max(self._next_aside - PAID_BACK, FEWEST_ASIDE)

    async def move_log(self) -> None:
        """To be called between transactions. Moves the log into the database when it has grown:
        SQLite itself would do so within a commit."""
        changes = self._connection.total_changes
        if changes - self._changes_moved < CHECKPOINT_AFTER:
            return
        self._changes_moved = changes
        try:
            await self.wait_for("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            log.warning("storage.log_not_moved", error=str(error))

    async def wait_for(self, statement: str) -> None:
        """Executes a statement that takes its time."""
        if self._executor is None:
            self._execute(statement)
            return
        self.is_busy = True
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self._execute, statement)
        finally:
            self.is_busy = False

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown()

    def _execute(self, statement: str) -> None:
        # The cursor must end in this thread: ended by the loop while the next statement waits
        # for the disk or a lock, it would keep the loop waiting for the connection's mutex.
        self._connection.execute(statement).close()
