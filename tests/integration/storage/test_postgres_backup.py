"""Backups of PostgreSQL: one instant of it while others write; from either database to either."""

import asyncio
import os
import stat
from datetime import datetime
from pathlib import Path

import pytest

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.interface import CodeFilter, EventFilter
from latchwork.storage.postgres import PostgresStorage
from latchwork.storage.postgres.backup import back_up, restore
from latchwork.storage.sqlite import SqliteStorage
from latchwork.storage.sqlite import backup as files
from latchwork.storage.vault import Vault
from support.installation import everything, fill
from support.postgres import PostgresServer
from support.stored import MASTER_KEY, NOW, Stored

VAULT = Vault(MASTER_KEY)


def now() -> datetime:
    return NOW


async def on_postgres(url: str) -> Stored:
    stored = Stored(lambda vault, at, entropy: PostgresStorage.open(url, vault, at, entropy))
    await stored.open()
    return stored


async def on_sqlite(path: Path) -> Stored:
    stored = Stored(lambda vault, at, entropy: SqliteStorage.open(path, vault, at, entropy))
    await stored.open()
    return stored


async def an_installation(url: str) -> Stored:
    return await fill(await on_postgres(url))


async def test_a_backup_is_one_instant_and_restores_to_either_database(
    database_url: str, tmp_path: Path
) -> None:
    stored = await an_installation(database_url)
    before = await everything(stored)
    file = tmp_path / "monday.db"
    assert await back_up(database_url, file, VAULT, now, os.urandom) > 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [f.name for f in tmp_path.iterdir()] == ["monday.db"]
    with pytest.raises(NeedsAttention, match="holds an installation"):
        await restore(file, database_url, VAULT, now, os.urandom, lambda _: None)
    await stored.storage.aclose()

    files.restore(file, tmp_path / "latchwork.db", VAULT, replace=False)
    restored = await on_sqlite(tmp_path / "latchwork.db")
    assert await everything(restored) == before
    await restored.create("424242")
    await restored.storage.aclose()


async def test_a_backup_fills_an_empty_database(database_url: str, tmp_path: Path) -> None:
    stored = await on_sqlite(tmp_path / "latchwork.db")
    await stored.furnish()
    for _ in range(5):
        await stored.create()
    before = await everything(stored)
    file = tmp_path / "monday.db"
    files.back_up(tmp_path / "latchwork.db", file)
    await stored.storage.aclose()
    assert await restore(file, database_url, VAULT, now, os.urandom, lambda _: None) > 10
    restored = await on_postgres(database_url)
    assert await everything(restored) == before
    await restored.storage.aclose()


async def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(
    database_url: str, tmp_path: Path
) -> None:
    stored = await an_installation(database_url)
    file = tmp_path / "monday.db"
    writing = asyncio.gather(*(stored.create() for _ in range(40)))
    await back_up(database_url, file, VAULT, now, os.urandom)
    await writing
    await stored.storage.aclose()
    copy = await on_sqlite(file)
    codes = await copy.storage.codes("ws", CodeFilter(), limit=100, cursor=None)
    created = EventFilter(event_types=("access_code.created",))
    events = await copy.storage.events("ws", created, limit=100, cursor=None)
    ids = {view.code.access_code_id for view in codes.items}
    assert ids == {event.access_code_id for event in events.items}
    assert len(ids) >= 12
    await copy.storage.aclose()


async def test_what_cannot_be_backed_up_is_refused(
    postgres: PostgresServer, database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "monday.db"
    with pytest.raises(NeedsAttention, match="nothing in"):
        await back_up(postgres.create("bare"), file, VAULT, now, os.urandom)
    stored = await on_postgres(database_url)
    with pytest.raises(NeedsAttention, match="another master key"):
        await back_up(database_url, file, Vault(b"x" * 32), now, os.urandom)
    file.write_text("here already")
    with pytest.raises(NeedsAttention, match="Choose another name"):
        await back_up(database_url, file, VAULT, now, os.urandom)
    assert file.read_text() == "here already"
    assert [f.name for f in tmp_path.iterdir()] == ["monday.db"]
    await stored.storage.aclose()
