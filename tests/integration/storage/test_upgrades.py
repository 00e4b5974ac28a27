"""From the schema of each release to this one's, with an installation in it; beside an older
process that still serves."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from latchwork.domain.credentials import ClientSession
from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Attempt
from latchwork.storage.interface import CodeFilter, EventFilter, UnmanagedFilter
from latchwork.storage.postgres import PostgresStorage
from latchwork.storage.postgres import migrations as postgres_migrations
from latchwork.storage.sql import schema
from latchwork.storage.sqlite import SqliteStorage
from latchwork.storage.sqlite import migrations as sqlite_migrations
from support.postgres import PostgresServer
from support.stored import HOUR, LEASE, NOW, Stored, a_foreign_code, an_entry

SHIPPED = schema.shipped()
VERSIONS = range(1, len(SHIPPED) + 1)
EVERYBODYS = {
    "vault",
    "process",
    "account_owner",
    "schema_version",
    "workspace",
    "personal_token",
    "idempotency_key",
    "event_head",
    "last_batch",
}
"""Tables that are no workspace's: see docs/scaling.md."""
Connection = asyncpg.Connection  # type: ignore[type-arg]
Tables = dict[str, tuple[Sequence[str], list[tuple[Any, ...]]]]


async def an_installation(path: Path) -> tuple[Stored, list[object], Tables]:
    """What it holds, as the storage tells it and as rows."""
    stored = Stored(lambda vault, now, entropy: SqliteStorage.open(path, vault, now, entropy))
    await stored.open()
    await stored.furnish()
    webhook = await stored.webhook(secret=Secret("whsec_b2xk"))
    codes = [await stored.create() for _ in range(3)]
    await stored.visit(ledger=(an_entry(codes[0]),), foreign=(a_foreign_code(),))
    await stored.storage.driver_store_save("acc", "key", b"\x00kept")
    message, *_ = await stored.storage.claim_messages(NOW, LEASE, 1)
    assert message.webhook == webhook
    attempt = Attempt(
        attempt=1, attempted_at=NOW, duration_ms=5, status_code=204, error=None, response=""
    )
    await stored.storage.record_attempt(message, attempt, None, delivered=True)
    told = await everything(stored)
    await stored.storage.aclose()
    file = sqlite3.connect(path)
    names = [
        name
        for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    tables = {}
    for name in names:
        found = file.execute(f"SELECT * FROM {name}")
        tables[name] = ([column[0] for column in found.description], found.fetchall())
    file.close()
    return stored, told, tables


async def everything(stored: Stored) -> list[object]:
    storage = stored.storage
    codes = await storage.codes("ws", CodeFilter(), limit=100, cursor=None)
    events = await storage.events("ws", EventFilter(), limit=100, cursor=None)
    foreign = await storage.unmanaged_codes("ws", UnmanagedFilter(), limit=9, cursor=None)
    webhooks = await storage.webhooks("ws")
    attempts = await storage.attempts_of("ws", webhooks[0].webhook_id, 9)
    store = await storage.driver_store_load("acc")
    return [codes.items, events.items, foreign.items, list(webhooks), list(attempts), store]


def of_then(columns: Sequence[str], rows: list[tuple[Any, ...]], then: Sequence[str]) -> Any:
    """The rows' values of the columns that an older version has."""
    places = [columns.index(column) for column in then]
    return [tuple(row[place] for place in places) for row in rows]


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_file_of_each_release(tmp_path: Path, version: int) -> None:
    _, told, tables = await an_installation(tmp_path / "new.db")
    path = tmp_path / "old.db"
    file = sqlite3.connect(path, isolation_level=None)
    sqlite_migrations.migrate(file, SHIPPED[:version])
    for name, (columns, rows) in tables.items():
        then = [row[1] for row in file.execute(f"PRAGMA table_info({name})")]
        marks = ", ".join("?" * len(then))
        if then:
            file.executemany(
                f"INSERT INTO {name} VALUES ({marks})",
                of_then(columns, rows, then),
            )
    file.close()
    stored = Stored(lambda vault, now, entropy: SqliteStorage.open(path, vault, now, entropy))
    await stored.open()
    assert await everything(stored) == told
    await stored.storage.aclose()
    file = sqlite3.connect(path)
    assert file.execute("PRAGMA user_version").fetchone() == (SHIPPED[-1].version,)
    for name in tables.keys() - EVERYBODYS:
        found = file.execute(f"SELECT count(*) FROM {name} WHERE workspace_id IS NULL")
        assert found.fetchone() == (0,), name
    file.close()


async def filled(url: str, version: int, tables: Tables) -> None:
    connection = await asyncpg.connect(url)
    await postgres_migrations.migrate(connection, SHIPPED[:version])
    for name, (columns, rows) in tables.items():
        found = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1", name
        )
        then = [row[0] for row in found]
        if then:
            records = of_then(columns, rows, then)
            await connection.copy_records_to_table(name, records=records, columns=then)
    for name, column in (("event", "sequence"), ("webhook_attempt", "webhook_attempt_id")):
        await connection.execute(f"SELECT setval(pg_get_serial_sequence('{name}', '{column}'), 99)")
    await connection.close()


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_postgresql_database_of_each_release(
    postgres: PostgresServer, tmp_path: Path, version: int
) -> None:
    _, told, tables = await an_installation(tmp_path / "new.db")
    url = postgres.create(f"release_{version}")
    await filled(url, version, tables)
    stored = Stored(lambda vault, now, entropy: PostgresStorage.open(url, vault, now, entropy))
    await stored.open()
    assert await everything(stored) == told
    await stored.storage.aclose()
    connection = await asyncpg.connect(url)
    for name in tables.keys() - EVERYBODYS:
        assert not await connection.fetchval(
            f"SELECT count(*) FROM {name} WHERE workspace_id IS NULL"
        )
    await connection.close()


@asynccontextmanager
async def beside_an_older(
    postgres: PostgresServer, tmp_path: Path, name: str, version: int
) -> AsyncIterator[tuple[Stored, Connection]]:
    """An installation that was opened while a process serves from it that knows no newer schema."""
    _, told, tables = await an_installation(tmp_path / "new.db")
    url = postgres.create(name)
    await filled(url, version, tables)
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO process (process_id, works, schema_known, alive_until) "
        "VALUES ('old', 1, $1, extract(epoch FROM now()) * 1000000 + 60e6)",
        version,
    )
    stored = Stored(lambda vault, now, entropy: PostgresStorage.open(url, vault, now, entropy))
    await stored.open()
    assert await everything(stored) == told
    yield stored, connection
    await connection.close()
    await stored.storage.aclose()


async def outlive(stored: Stored, connection: Connection) -> None:
    """Opens it again when the older process is gone."""
    await connection.execute("UPDATE process SET alive_until = 0")
    await stored.reopen()
    assert await version_of(connection) == SHIPPED[-1].version


async def test_rows_of_an_older_process_get_their_workspace_when_it_is_gone(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with beside_an_older(postgres, tmp_path, "beside", 1) as (stored, connection):
        assert await version_of(connection) == 4
        # What the older process goes on to do.
        await connection.execute(
            "INSERT INTO driver_store (connected_account_id, key, value) "
            "SELECT connected_account_id, 'older', value FROM driver_store"
        )
        await stored.create("987654")
        await outlive(stored, connection)
        found = await connection.fetch("SELECT workspace_id FROM driver_store")
        assert [row[0] for row in found] == ["ws", "ws"]
        with pytest.raises(asyncpg.NotNullViolationError):
            await connection.execute("UPDATE ledger SET workspace_id = NULL")


async def test_processes_write_by_the_keys_of_an_older_one_until_it_is_gone(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    async with beside_an_older(postgres, tmp_path, "keys", 9) as (stored, connection):
        assert await version_of(connection) == 10
        await write_all_keys(stored, "beside")
        # As the older process writes them.
        for table, columns in (("ledger", "device_id, position"), ("visit", "device_id")):
            await connection.execute(
                f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({columns}) DO NOTHING"
            )
        await outlive(stored, connection)
        await write_all_keys(stored, "alone")


async def write_all_keys(stored: Stored, name: str) -> None:
    """Every upsert, of rows that stand and of new ones, and what has a new column."""
    for number in range(2):
        made = await stored.create(f"98765{number}{len(name)}")
        await stored.visit(ledger=(an_entry(made, 2),), foreign=(a_foreign_code(3),))
        await stored.storage.driver_store_save("acc", name, name.encode())
        await stored.lock(f"dev-{name}")
    assert (await stored.storage.driver_store_load("acc"))[name] == name.encode()
    session = ClientSession(
        client_session_id=name,
        workspace_id="ws",
        created_at=NOW,
        expires_at=NOW + HOUR,
        user_identifier_key=name,
    )
    await stored.storage.add_session(session, Secret(f"seam_cst1{name}"))
    found = await stored.storage.authenticate_session(Secret(f"seam_cst1{name}"), NOW)
    assert found is not None


async def version_of(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT max(version) FROM schema_version"))


def test_every_table_of_a_workspace_says_whose_each_row_is() -> None:
    file = sqlite3.connect(":memory:", isolation_level=None)
    sqlite_migrations.migrate(file, SHIPPED)
    names = {
        name for (name,) in file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    }
    without = {
        name
        for name in names
        if "workspace_id" not in {row[1] for row in file.execute(f"PRAGMA table_info({name})")}
    }
    assert without - {"sqlite_sequence"} <= EVERYBODYS
