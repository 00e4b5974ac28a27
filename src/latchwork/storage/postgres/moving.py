"""Moves a whole installation from a SQLite file to a PostgreSQL database.

Table by table, batch by batch, each with the place where it ended in one transaction: a move that
was interrupted goes on where it was. In the end every table is read again on both sides. What is
sealed is copied as it stands, so both need the same master key.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.postgres.database import connect
from latchwork.storage.postgres.failures import named

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

BATCH: Final = 5_000
PASSING: Final = ("process", "account_owner", "vault")
"""Tables that are each database's own."""
_PROGRESS: Final = (
    "CREATE TABLE IF NOT EXISTS move_progress "
    "(table_name TEXT PRIMARY KEY, last BYTEA NOT NULL, moved BIGINT NOT NULL)"
)
_NOTE: Final = (
    "INSERT INTO move_progress VALUES ($1, $2, $3) "
    "ON CONFLICT (table_name) DO UPDATE SET last = excluded.last, moved = excluded.moved"
)
_HEADS: Final = (
    "INSERT INTO event_head (workspace_id, created_at, webhooks) "
    "SELECT workspace_id, max(created_at), 0 FROM event GROUP BY workspace_id "
    "ON CONFLICT (workspace_id) DO NOTHING"
)


class Table(msgspec.Struct, frozen=True):
    """`key`: columns whose order is that of the move."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Moved(msgspec.Struct, frozen=True):
    """How far one table is: rows moved, of how many."""

    table: str
    rows: int
    total: int


async def move(source: sqlite3.Connection, url: str, tell: Callable[[Moved], None]) -> int:
    """Copies all rows and verifies them; how many there are. Both databases must be at this
    release's schema, and nobody may write to either meanwhile. Raises NeedsAttention for a target
    that holds something else, and when a table differs in the end."""
    with named():
        target = await connect(url)
        try:
            await _check_target(target)
            await target.execute(_PROGRESS)
            tables = list(tables_of(source))
            for table in tables:
                await _move_table(source, target, table, tell)
            await target.execute(_HEADS)
            await target.execute(_numbering("event", "sequence"))
            await target.execute(_numbering("webhook_attempt", "webhook_attempt_id"))
            total = 0
            for table in tables:
                total += await _verify(source, target, table)
            await target.execute("DROP TABLE move_progress")
            await target.execute("ANALYZE")
            return total
        finally:
            await target.close()


async def _check_target(target: "Connection") -> None:
    begun = await target.fetchval("SELECT to_regclass('move_progress') IS NOT NULL")
    if not begun and await target.fetchval("SELECT count(*) FROM workspace"):
        raise NeedsAttention("The PostgreSQL database holds an installation. Name an empty one.")


def tables_of(source: sqlite3.Connection) -> Iterator[Table]:
    """Those that are moved, in the order of their making, in which what is referred to comes
    first."""
    names = source.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
        "ORDER BY rowid"
    ).fetchall()
    for (name,) in names:
        if name in PASSING:
            continue
        found = source.execute(f"PRAGMA table_info({name})").fetchall()
        primary = sorted((row[5], row[1]) for row in found if row[5])
        key = tuple(column for _, column in primary) or ("rowid",)
        yield Table(name, tuple(row[1] for row in found), key)


async def _move_table(
    source: sqlite3.Connection, target: "Connection", table: Table, tell: Callable[[Moved], None]
) -> None:
    (total,) = source.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608
    row = await target.fetchrow("SELECT * FROM move_progress WHERE table_name = $1", table.name)
    last: Sequence[Any] | None = None if row is None else msgspec.msgpack.decode(row["last"])
    moved = 0 if row is None else row["moved"]
    while rows := _batch(source, table, last):
        last, moved = rows[-1][: len(table.key)], moved + len(rows)
        records = [row[len(table.key) :] for row in rows]
        async with target.transaction():
            await target.copy_records_to_table(
                table.name, records=records, columns=list(table.columns)
            )
            await target.execute(_NOTE, table.name, msgspec.msgpack.encode(last), moved)
        tell(Moved(table.name, moved, total))


def _batch(source: sqlite3.Connection, table: Table, last: Sequence[Any] | None) -> list[Any]:
    """The next rows, each behind its key."""
    key = ", ".join(table.key)
    marks = ", ".join("?" * len(table.key))
    after = f"WHERE ({key}) > ({marks}) " if last is not None else ""
    statement = (
        f"SELECT {key}, {', '.join(table.columns)} FROM {table.name} "  # noqa: S608 - the schema's
        f"{after}ORDER BY {key} LIMIT {BATCH}"
    )
    return source.execute(statement, tuple(last or ())).fetchall()


def _numbering(table: str, column: str) -> str:
    """Goes on after the greatest number that was moved."""
    return (
        f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "  # noqa: S608 - constants
        f"greatest((SELECT max({column}) FROM {table}), 1))"
    )


async def _verify(source: sqlite3.Connection, target: "Connection", table: Table) -> int:
    statement = f"SELECT {', '.join(table.columns)} FROM {table.name}"  # noqa: S608 - the schema's
    here = _Sum()
    for row in source.execute(statement):
        here.add(row)
    there = _Sum()
    async with target.transaction():
        async for row in target.cursor(statement, prefetch=BATCH):
            there.add(tuple(row))
    if (here.rows, here.sum) != (there.rows, there.sum):
        raise NeedsAttention(
            f"The table {table.name} differs after the move ({here.rows} rows here, {there.rows} "
            "there). Did somebody write meanwhile? Empty the target and move again."
        )
    return here.rows


class _Sum:
    """Of rows in any order."""

    def __init__(self) -> None:
        self.rows = 0
        self.sum = 0

    def add(self, row: Sequence[Any]) -> None:
        digest = hashlib.blake2b(msgspec.msgpack.encode(tuple(row)), digest_size=8).digest()
        self.rows += 1
        self.sum = (self.sum + int.from_bytes(digest)) % 2**64
