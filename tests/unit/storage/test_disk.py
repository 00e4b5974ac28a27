"""Where a commit waits for the disk: on the loop, or in a thread when the disk is slow."""

import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from latchwork.storage.sqlite import disk as disk_module
from latchwork.storage.sqlite.disk import CHECKPOINT_AFTER, FEWEST_ASIDE, SLOW, Disk

Commit = Callable[..., Awaitable[list[str]]]


class Watched(sqlite3.Connection):
    """Notes which thread executes a COMMIT or moves the log, and takes `seconds` for it."""

    seconds = 0.0
    time = 0.0

    def __init__(self, path: Path) -> None:
        super().__init__(path, isolation_level=None, check_same_thread=False)
        self.threads: list[int] = []
        self.log_moved = 0
        self.broken = False

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
        if sql == "COMMIT":
            self.threads.append(threading.get_ident())
            self.time += self.seconds
        if "wal_checkpoint" in sql:
            self.log_moved += 1
            if self.broken:
                raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *values)  # type: ignore[arg-type]


@pytest.fixture
def connection(tmp_path: Path) -> Watched:
    connection = Watched(tmp_path / "db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE t (x)")
    return connection


@pytest.fixture
def disk(connection: Watched) -> Disk:
    return Disk(connection, inline=False, timer=lambda: connection.time)


@pytest.fixture
def commit(connection: Watched, disk: Disk) -> Commit:
    async def commit(times: int = 1, *, seconds: float = 0.0) -> list[str]:
        connection.seconds = seconds
        connection.threads.clear()
        for _ in range(times):
            connection.execute("BEGIN")
            await disk.commit()
            assert not connection.in_transaction
        here = threading.get_ident()
        return ["loop" if ident == here else "thread" for ident in connection.threads]

    return commit


def grow(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO t VALUES (?)", [(1,)] * CHECKPOINT_AFTER)
    connection.execute("COMMIT")


async def test_a_quick_disk_is_waited_for_on_the_loop(commit: Commit) -> None:
    assert await commit(3, seconds=SLOW) == ["loop"] * 3


async def test_a_slow_disk_is_waited_for_in_a_thread(commit: Commit) -> None:
    slow = 2 * SLOW
    assert await commit(seconds=slow) == ["loop"]
    assert await commit(FEWEST_ASIDE, seconds=slow) == ["thread"] * FEWEST_ASIDE
    assert await commit(seconds=slow) == ["loop"]
    assert await commit(2 * FEWEST_ASIDE, seconds=slow) == ["thread"] * 2 * FEWEST_ASIDE
    quick = 4 * FEWEST_ASIDE
    assert await commit(quick, seconds=0) == ["loop"] * quick
    assert await commit(seconds=slow) == ["loop"]
    assert await commit(FEWEST_ASIDE + 1) == ["thread"] * FEWEST_ASIDE + ["loop"]


async def test_a_disk_that_stays_slow_is_tried_on_the_loop_ever_more_rarely(
    commit: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "MOST_ASIDE", 4 * FEWEST_ASIDE)
    await commit(7 * FEWEST_ASIDE + 3, seconds=2 * SLOW)
    for _ in range(2):
        made = await commit(4 * FEWEST_ASIDE + 1, seconds=2 * SLOW)
        assert made == ["loop"] + ["thread"] * 4 * FEWEST_ASIDE


async def share_on_loop(commit: Commit, slow: float) -> float:
    """Of a disk that is slow in a share of the commits."""
    chance = Random(7)
    made = [await commit(seconds=2 * SLOW * (chance.random() < slow)) for _ in range(10_000)]
    return made.count(["loop"]) / len(made)


async def test_a_disk_that_hangs_now_and_then_is_waited_for_on_the_loop(commit: Commit) -> None:
    assert await share_on_loop(commit, 0.02) > 0.6


async def test_a_disk_that_often_hangs_is_not(commit: Commit) -> None:
    assert await share_on_loop(commit, 0.1) < 0.2


async def test_all_is_on_the_loop_where_it_is_to_be(connection: Watched) -> None:
    disk = Disk(connection, inline=True, timer=lambda: connection.time)
    connection.seconds = 1
    for _ in range(3):
        connection.execute("BEGIN")
        await disk.commit()
    await disk.wait_for("COMMIT" if connection.in_transaction else "SELECT 1")
    assert set(connection.threads) == {threading.get_ident()}
    disk.close()


async def test_the_log_is_moved_when_it_has_grown(connection: Watched, disk: Disk) -> None:
    log = Path(str(_path(connection)) + "-wal")
    await disk.move_log()
    assert connection.log_moved == 0
    for _ in range(2):
        grow(connection)
        await disk.move_log()
        await disk.move_log()
    assert connection.log_moved == 2
    log.unlink()
    with sqlite3.connect(f"file:{_path(connection)}?immutable=1", uri=True) as alone:
        assert alone.execute("SELECT count(*) FROM t").fetchone() == (2 * CHECKPOINT_AFTER,)
    alone.close()


async def test_a_log_that_cannot_be_moved_stays_and_is_told(
    connection: Watched, disk: Disk
) -> None:
    connection.broken = True
    grow(connection)
    with capture_logs() as logs:
        await disk.move_log()
    assert [entry["event"] for entry in logs] == ["storage.log_not_moved"]
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (CHECKPOINT_AFTER,)


async def test_it_tells_while_the_thread_has_the_connection(
    connection: Watched, disk: Disk
) -> None:
    seen: list[bool] = []
    connection.create_function("seen", 0, lambda: seen.append(disk.is_busy))
    await disk.wait_for("SELECT seen()")
    assert seen == [True]
    assert not disk.is_busy
    with pytest.raises(sqlite3.OperationalError):
        await disk.wait_for("SELECT nothing")
    assert not disk.is_busy


def _path(connection: sqlite3.Connection) -> str:
    found: str = connection.execute("PRAGMA database_list").fetchone()[2]
    return found
