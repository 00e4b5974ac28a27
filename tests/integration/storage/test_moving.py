"""From a SQLite file to PostgreSQL, whole, even when interrupted."""

import os
import sqlite3
from pathlib import Path

import pytest

from latchwork.domain.errors import NeedsAttention
from latchwork.domain.pin import Pin
from latchwork.storage.interface import EventFilter
from latchwork.storage.postgres import PostgresStorage, moving
from latchwork.storage.sqlite import SqliteStorage
from support.installation import everything, fill
from support.stored import Stored


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "latchwork.db"


async def an_installation(path: Path) -> Stored:
    stored = Stored(lambda vault, now, entropy: SqliteStorage.open(path, vault, now, entropy))
    await stored.open()
    return await fill(stored)


async def opened(url: str, stored: Stored) -> Stored:
    """The same house, on PostgreSQL."""
    target = Stored(lambda vault, now, _: PostgresStorage.open(url, vault, now, os.urandom))
    target._random = stored._random
    await target.open()
    return target


async def move(path: Path, url: str) -> int:
    file = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return await moving.move(file, url, lambda _: None)
    finally:
        file.close()


async def test_all_of_it_is_there_and_goes_on(path: Path, database_url: str) -> None:
    stored = await an_installation(path)
    before = await everything(stored)
    await stored.storage.aclose()
    await (await opened(database_url, stored)).storage.aclose()
    assert await move(path, database_url) > 40
    target = await opened(database_url, stored)
    assert await everything(target) == before
    code = await target.create("424242")
    newest = await target.storage.events("ws", EventFilter(), limit=1, cursor=None)
    assert newest.items[0].access_code_id == code.access_code_id
    assert Pin("424242") in await target.storage.pins_on("dev")
    await target.storage.aclose()


async def test_a_move_that_was_interrupted_goes_on(
    path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "BATCH", 5)
    stored = await an_installation(path)
    before = await everything(stored)
    await stored.storage.aclose()
    await (await opened(database_url, stored)).storage.aclose()
    file = sqlite3.connect(path)

    def interrupt(moved: moving.Moved) -> None:
        if moved.table == "access_code" and moved.rows == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await moving.move(file, database_url, interrupt)
    file.close()
    await move(path, database_url)
    target = await opened(database_url, stored)
    assert await everything(target) == before
    await target.storage.aclose()


async def test_a_database_in_use_is_refused(path: Path, database_url: str) -> None:
    stored = await an_installation(path)
    await stored.storage.aclose()
    target = await opened(database_url, stored)
    await target.workspace("other")
    await target.storage.aclose()
    with pytest.raises(NeedsAttention, match="holds an installation"):
        await move(path, database_url)


async def test_a_row_that_differs_is_found(path: Path, database_url: str) -> None:
    stored = await an_installation(path)
    await stored.storage.aclose()
    await (await opened(database_url, stored)).storage.aclose()
    file = sqlite3.connect(path)

    def tamper(moved: moving.Moved) -> None:
        if moved.table == "access_code":
            file.execute("UPDATE access_code SET name = 'Changed' WHERE rowid = 1")

    with pytest.raises(NeedsAttention, match="access_code differs"):
        await moving.move(file, database_url, tamper)
    file.close()
