"""A disk that fills up, turns read-only, or lost the end of a write when the power went."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.interface import CodeFilter, StorageUnavailable
from latchwork.storage.sqlite import SqliteStorage, acquire_process_lock
from latchwork.storage.sqlite.files import left_behind
from support.stored import Stored

TESTS = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "latchwork.db"


def _fails(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode != 0


async def stored_at(path: Path) -> Stored:
    stored = Stored(lambda *given: SqliteStorage.open(path, *given))
    await stored.open()
    return stored


async def ids_at(path: Path) -> set[str]:
    stored = await stored_at(path)
    page = await stored.storage.codes("ws", CodeFilter(), limit=100, cursor=None)
    await stored.storage.aclose()
    return {view.code.access_code_id for view in page.items}


def test_a_disk_that_is_full_or_read_only_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """On a real file system, mounted where nobody else sees it."""
    private = ["unshare", "--map-root-user", "--mount"]
    mounting = [*private, "mount", "-t", "tmpfs", "none", str(tmp_path)]
    if shutil.which("unshare") is None or _fails(mounting):
        pytest.skip("mounting a file system takes user namespaces")
    story = subprocess.run(
        [*private, sys.executable, str(TESTS / "support" / "disk_story.py"), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert story.returncode == 0, story.stderr
    steps = [line.split(": ", 1) for line in story.stdout.splitlines() if ": " in line]
    told = {step: text for step, text in steps}  # noqa: C416 - of pairs that are lists
    assert told["full"].startswith("StorageUnavailable: The database did not take the write")
    healths = [text for step, text in steps if step == "health"]
    assert healths[0].startswith("StorageUnavailable")
    assert healths[1] == told["room again"] == told["writable again"] == "done"
    assert told["read-only"].startswith("NeedsAttention: ")
    assert "Read-only file system" in told["read-only"]
    assert "Read-only file system" in told["lock"]
    assert told["kept"] == "True"


async def test_a_database_that_turns_read_only_is_told_until_it_is_writable(path: Path) -> None:
    stored = await stored_at(path)
    await stored.furnish()
    assert isinstance(stored.storage, SqliteStorage)
    session = stored.storage._db.writing
    await session.run("PRAGMA query_only = ON")
    answers = await asyncio.gather(*(stored.create() for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 3
    assert "readonly" in str(answers[0])
    with pytest.raises(StorageUnavailable, match="readonly"):
        await stored.storage.healthy()
    await session.run("PRAGMA query_only = OFF")
    await stored.create()
    await stored.storage.healthy()
    await stored.storage.aclose()


@pytest.mark.parametrize("lost", [1, 100, 4096, 5000])
async def test_a_torn_end_of_the_log_loses_nothing_that_was_acknowledged(
    path: Path, tmp_path: Path, lost: int
) -> None:
    stored = await stored_at(path)
    await stored.furnish()
    acknowledged = {(await stored.create()).access_code_id for _ in range(3)}
    log = Path(f"{path}-wal")
    safe = log.stat().st_size
    torn = await stored.create()
    assert log.stat().st_size - safe > lost
    # As after a power cut in the midst of the last write: the file ends within it.
    after = tmp_path / "after" / path.name
    after.parent.mkdir()
    shutil.copy(path, after)
    Path(f"{after}-wal").write_bytes(log.read_bytes()[:-lost])
    await stored.storage.aclose()
    assert left_behind(after) > 0
    found = await ids_at(after)
    assert found == acknowledged
    assert torn.access_code_id not in found
    assert left_behind(after) == 0
    connection = sqlite3.connect(after)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_rubbish_at_the_end_of_the_log_is_passed_over(path: Path, tmp_path: Path) -> None:
    stored = await stored_at(path)
    await stored.furnish()
    acknowledged = {(await stored.create()).access_code_id for _ in range(3)}
    after = tmp_path / "after" / path.name
    after.parent.mkdir()
    shutil.copy(path, after)
    log = Path(f"{path}-wal").read_bytes()
    Path(f"{after}-wal").write_bytes(log + os.urandom(6000))
    await stored.storage.aclose()
    assert await ids_at(after) == acknowledged


async def test_a_damaged_file_is_told_with_what_to_do(path: Path) -> None:
    stored = await stored_at(path)
    await stored.furnish()
    for _ in range(30):
        await stored.create()
    await stored.storage.aclose()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    with pytest.raises((NeedsAttention, StorageUnavailable), match=r"cannot be read|damaged"):
        await ids_at(path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NeedsAttention, match="cannot be opened for writing"):
        acquire_process_lock(tmp_path / "file" / "latchwork.db")
