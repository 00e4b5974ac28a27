"""Brings a database to the newest version of the schema, while older processes may serve from it.

A version that expands is applied at once. One that contracts would take something from an older
release's processes; it waits until none of them has been seen for a while.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.postgres.dialect import translated_schema
from latchwork.storage.sql.schema import Migration

if TYPE_CHECKING:
    import asyncpg

    Connection = asyncpg.Connection[asyncpg.Record]

_LOCK: Final = 0x4C617463685363
_HISTORY: Final = (
    "CREATE TABLE IF NOT EXISTS schema_version ("
    "version INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, "
    "applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
)
_LAST_BATCH: Final = (
    "CREATE TABLE IF NOT EXISTS last_batch ("
    "process_id TEXT NOT NULL, lane BIGINT NOT NULL, batch_id TEXT NOT NULL, "
    "begun_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (process_id, lane)"
    ") WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, "
    "autovacuum_vacuum_threshold = 1000)"
)
"""Of no version: a process needs it that waits beside an older one too. The last transaction that
each process committed on each of its lanes, written in the transaction itself: what became of one
whose commit was not answered. (The id that the server gives a transaction does not tell: after a
crash it gives the ids of lost ones anew.)"""
_FOLDED: Final = (
    "CREATE OR REPLACE FUNCTION folded(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE "
    "AS $$ SELECT {} $$"
)
_CASEFOLD_SINCE: Final = 18
MIGRATE_WITHIN: Final = 3600.0
"""Seconds for one version: one that contracts may write every row of a large table."""
_PATIENT: Final = "SET LOCAL statement_timeout = 0;\n"


async def migrate(connection: "Connection", migrations: Sequence[Migration]) -> int:
    """The version that the database stands at then. Safe to call from many processes at once.
    Raises NeedsAttention for a database that this release is too old for."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_HISTORY)
        await connection.execute(_LAST_BATCH)
        stands = await connection.fetchrow("SELECT max(version), max(oldest) FROM schema_version")
        version, oldest = (stands[0] or 0, stands[1] or 0) if stands else (0, 0)
        newest = migrations[-1].version
        if oldest > newest:
            raise NeedsAttention(
                f"The database was changed by a newer release (schema {version}, this release "
                f"knows {newest}). Upgrade Latchwork."
            )
        if version == 0:
            await connection.execute(_FOLDED.format(_folding(connection)))
        for migration in migrations:
            if migration.version > version:
                if version and not await _fits_all(connection, migration):
                    break
                for script in (translated_schema(migration.script), migration.postgres):
                    await connection.execute(f"{_PATIENT}{script}", timeout=MIGRATE_WITHIN)
                await connection.execute(
                    "INSERT INTO schema_version (version, oldest) VALUES ($1, $2)",
                    migration.version,
                    migration.oldest,
                )
                version = migration.version
        return int(version)


def _folding(connection: "Connection") -> str:
    """As Python's casefold, as near as the server can."""
    if connection.get_server_version().major >= _CASEFOLD_SINCE:
        return "casefold(t COLLATE pg_unicode_fast)"
    return "replace(lower(t), 'ß', 'ss')"


async def _fits_all(connection: "Connection", migration: Migration) -> bool:
    """Whether every process seen lately can work with it."""
    row = await connection.fetchrow(
        "SELECT count(*) FROM process WHERE schema_known < $1 "
        "AND alive_until > extract(epoch FROM now()) * 1000000",
        migration.oldest,
    )
    return row is None or row[0] == 0
