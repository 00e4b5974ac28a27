"""Backups of PostgreSQL: all of it as of one instant, in the kind of file that a backup of SQLite
is, so that either database is restored from the backup of either."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.postgres.database import connect
from latchwork.storage.postgres.failures import named
from latchwork.storage.postgres.moving import Moved, Table, move, tables_of
from latchwork.storage.postgres.storage import PostgresStorage
from latchwork.storage.sql import schema
from latchwork.storage.sqlite.backup import check_whole, copy_checked, draft_beside, publish, remove
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault

if TYPE_CHECKING:
    from latchwork.storage.postgres.moving import Connection

BATCH: Final = 2_000
Now = Callable[[], datetime]
Entropy = Callable[[int], bytes]


async def back_up(url: str, target: Path, vault: Vault, now: Now, entropy: Entropy) -> int:
    """Writes the database as it is at one instant to `target`, a single file readable by its owner
    alone; it appears whole or not at all; how many rows. Servers may run and write meanwhile.
    Raises NeedsAttention for a database of another release or of another master key, and when
    `target` exists."""
    draft = draft_beside(target)
    try:
        # Makes the tables, and notes whose master key it is.
        await (await SqliteStorage.open(draft, vault, now, entropy, inline=True)).aclose()
        with named():
            source = await connect(url)
            try:
                async with source.transaction(isolation="repeatable_read", readonly=True):
                    await _check_source(source, vault)
                    total = await _copy(source, draft)
            finally:
                await source.close()
        publish(draft, target)
    except sqlite3.DatabaseError as error:
        raise NeedsAttention(f"The backup could not be made: {error}.") from error
    finally:
        remove(draft)
    return total


async def restore(
    backup: Path, url: str, vault: Vault, now: Now, entropy: Entropy, tell: Callable[[Moved], None]
) -> int:
    """Fills an empty database from a backup and verifies it; how many rows. Raises NeedsAttention
    for a database that holds an installation, and for a file that is damaged, of a newer release,
    of another program or of another master key."""
    draft = draft_beside(backup)
    try:
        copy_checked(backup, draft, vault)
        # An older release's backup is brought to this one's schema.
        await (await SqliteStorage.open(draft, vault, now, entropy, inline=True)).aclose()
        await (await PostgresStorage.open(url, vault, now, entropy)).aclose()
        with closing(sqlite3.connect(draft)) as file:
            return await move(file, url, tell)
    finally:
        remove(draft)


async def _check_source(source: "Connection", vault: Vault) -> None:
    newest = schema.shipped()[-1].version
    made = await source.fetchval("SELECT to_regclass('schema_version') IS NOT NULL")
    stands = await source.fetchval("SELECT max(version) FROM schema_version") if made else None
    if not stands:
        raise NeedsAttention("There is nothing in the PostgreSQL database.")
    if stands != newest:
        raise NeedsAttention(
            f"The database is at schema {stands}, and this release's is {newest}. Use the "
            "release that serves it."
        )
    stored = await source.fetchval("SELECT fingerprint FROM vault")
    if stored is not None and stored != vault.fingerprint:
        raise NeedsAttention(
            "The database was made with another master key. Give the key that it was made with."
        )


async def _copy(source: "Connection", draft: Path) -> int:
    with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
        # Rows come table by table; what they refer to is checked when all are there.
        copy.execute("PRAGMA foreign_keys = OFF")
        copy.execute("BEGIN")
        total = 0
        for table in list(tables_of(copy)):
            total += await _copy_table(source, copy, table)
        broken = copy.execute("PRAGMA foreign_key_check").fetchone()
        if broken is not None:
            raise NeedsAttention(f"The backup is not whole: {broken[0]} refers to what is missing.")
        copy.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")
        check_whole(copy, draft)
    return total


async def _copy_table(source: "Connection", copy: sqlite3.Connection, table: Table) -> int:
    columns = ", ".join(table.columns)
    marks = ", ".join("?" * len(table.columns))
    add = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608 - the schema's
    cursor = await source.cursor(f"SELECT {columns} FROM {table.name}")  # noqa: S608 - likewise
    copied = 0
    while rows := await cursor.fetch(BATCH):
        copy.executemany(add, [tuple(row) for row in rows])
        copied += len(rows)
    return copied
