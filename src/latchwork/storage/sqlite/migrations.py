"""Brings a file to the newest version of the schema."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.sql.schema import Migration

APPLICATION_ID: Final = 0x4C617463
"""Marks a database file as one of Latchwork's."""


def check(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """The version that the database stands at; 0 for an empty one. Raises NeedsAttention for a
    newer release's database, and for one that is not Latchwork's."""
    version = _number(connection, "PRAGMA user_version")
    marked = _number(connection, "PRAGMA application_id") == APPLICATION_ID
    if not marked and (version or _number(connection, "SELECT count(*) FROM sqlite_schema")):
        raise NeedsAttention("The database file belongs to another program. Choose another file.")
    newest = migrations[-1].version
    if version > newest:
        raise NeedsAttention(
            f"The database was written by a newer release (schema {version}, this release knows "
            f"{newest}). Upgrade Latchwork."
        )
    return version


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Brings the database to the newest version, all steps in one transaction; the version.
    Safe to call from many processes at once."""
    newest = migrations[-1].version
    if check(connection, migrations) == newest:
        return newest
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated while this one waited for the lock.
        version = check(connection, migrations)
        for migration in migrations:
            if migration.version > version:
                for statement in _statements(migration.script):
                    connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return newest


def _statements(script: str) -> Iterator[str]:
    # executescript would commit the transaction that the migration runs in.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _number(connection: sqlite3.Connection, sql: str) -> int:
    return int(connection.execute(sql).fetchone()[0])
