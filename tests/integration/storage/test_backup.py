"""Backups of a SQLite file: whole while others write, put back only where that is safe."""

import asyncio
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.sqlite import SqliteStorage, acquire_process_lock
from latchwork.storage.sqlite.backup import back_up, restore
from latchwork.storage.vault import Vault
from support.stored import MASTER_KEY, NOW, Stored

VAULT = Vault(MASTER_KEY)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "latchwork.db"


async def furnished(path: Path) -> Stored:
    stored = Stored(lambda vault, now, entropy: SqliteStorage.open(path, vault, now, entropy))
    await stored.open()
    await stored.furnish()
    return stored


async def pins_in(path: Path) -> set[str]:
    storage = await SqliteStorage.open(path, VAULT, lambda: NOW, os.urandom)
    try:
        return {pin.reveal() for pin in await storage.pins_on("dev")}
    finally:
        await storage.aclose()


async def test_a_backup_under_way_of_writes_is_whole_and_private(
    path: Path, tmp_path: Path
) -> None:
    stored = await furnished(path)
    before = [(await stored.create()).pin.reveal() for _ in range(20)]
    target = tmp_path / "copy.db"
    writing = asyncio.gather(*(stored.create() for _ in range(40)))
    await asyncio.to_thread(back_up, path, target)
    after = {code.pin.reveal() for code in await writing}
    await stored.storage.aclose()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {f.name for f in tmp_path.iterdir()} == {"data", "copy.db"}
    found = await pins_in(target)
    assert set(before) <= found <= set(before) | after


async def test_a_restored_backup_is_what_was_backed_up(path: Path, tmp_path: Path) -> None:
    stored = await furnished(path)
    kept = (await stored.create()).pin.reveal()
    back_up(path, tmp_path / "copy.db")
    later = (await stored.create()).pin.reveal()
    await stored.storage.aclose()
    with pytest.raises(NeedsAttention, match="--replace"):
        restore(tmp_path / "copy.db", path, VAULT, replace=False)
    assert await pins_in(path) == {kept, later}
    aside = restore(tmp_path / "copy.db", path, VAULT, replace=True)
    assert await pins_in(path) == {kept}
    assert aside is not None
    assert await pins_in(aside) == {kept, later}


async def test_where_there_is_no_database_a_backup_becomes_it(path: Path, tmp_path: Path) -> None:
    stored = await furnished(path)
    kept = (await stored.create()).pin.reveal()
    back_up(path, tmp_path / "copy.db")
    await stored.storage.aclose()
    elsewhere = tmp_path / "elsewhere.db"
    assert restore(tmp_path / "copy.db", elsewhere, VAULT, replace=False) is None
    assert await pins_in(elsewhere) == {kept}


async def test_a_running_server_is_not_restored_under(path: Path, tmp_path: Path) -> None:
    stored = await furnished(path)
    back_up(path, tmp_path / "copy.db")
    before = path.stat().st_ino
    with acquire_process_lock(path), pytest.raises(NeedsAttention, match="Stop it first"):
        restore(tmp_path / "copy.db", path, VAULT, replace=True)
    await stored.storage.aclose()
    assert path.stat().st_ino == before


async def test_a_file_that_must_not_become_the_database_is_refused(
    path: Path, tmp_path: Path
) -> None:
    stored = await furnished(path)
    copy = tmp_path / "copy.db"
    back_up(path, copy)
    await stored.storage.aclose()
    target = tmp_path / "new.db"
    with pytest.raises(NeedsAttention, match="another master key"):
        restore(copy, target, Vault(bytes(31) + b"x"), replace=False)
    raw = sqlite3.connect(copy)
    raw.execute("PRAGMA user_version = 999")
    raw.close()
    with pytest.raises(NeedsAttention, match="newer release"):
        restore(copy, target, VAULT, replace=False)
    copy.write_bytes(b"no database" * 1000)
    with pytest.raises(NeedsAttention, match="cannot be read"):
        restore(copy, target, VAULT, replace=False)
    with pytest.raises(NeedsAttention, match="no backup"):
        restore(tmp_path / "missing.db", target, VAULT, replace=False)
    assert not target.exists()


async def test_a_backup_replaces_no_file(path: Path, tmp_path: Path) -> None:
    stored = await furnished(path)
    await stored.storage.aclose()
    target = tmp_path / "copy.db"
    target.write_text("mine")
    with pytest.raises(NeedsAttention, match="There is a file"):
        back_up(path, target)
    assert target.read_text() == "mine"
    with pytest.raises(NeedsAttention, match="no database"):
        back_up(tmp_path / "missing.db", tmp_path / "other.db")
    assert not (tmp_path / "missing.db").exists()
