"""A database whose tables are divided by their workspace, as a sharded one's are. PostgreSQL does
not divide a table that has a key without it."""

import asyncpg

PARTS = 3
SINCE = 17
"""PostgreSQL divides tables with identity columns since this version."""
WHOLE = (
    "SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relkind = 'r' AND NOT c.relispartition "
    "AND a.attname = 'workspace_id' AND c.relname <> 'workspace'"
)
"""The workspaces' tables that are not divided."""
_REFERENCES = (
    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype = 'f' AND conrelid::regclass::text = ANY ($1)"
)
_KEYS = (
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype IN ('p', 'u') AND conrelid = $1::text::regclass"
)
_INDEXES = (
    "SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE i.indrelid = $1::text::regclass "
    "AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid)"
)


async def divide(url: str) -> None:
    """The tables must be empty."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await _divide(connection)
    finally:
        await connection.close()


async def _divide(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    found = await connection.fetch(f"SELECT relname FROM pg_class WHERE oid IN ({WHOLE})")
    tables = [row[0] for row in found]
    references = await connection.fetch(_REFERENCES, tables)
    for table, name, _ in references:
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for table in tables:
        keys = await connection.fetch(_KEYS, table)
        indexes = await connection.fetch(_INDEXES, table)
        await connection.execute(
            f"CREATE TABLE whole (LIKE {table} INCLUDING DEFAULTS INCLUDING IDENTITY) "
            "PARTITION BY HASH (workspace_id)"
        )
        await connection.execute(f"DROP TABLE {table}")
        await connection.execute(f"ALTER TABLE whole RENAME TO {table}")
        for part in range(PARTS):
            await connection.execute(
                f"CREATE TABLE {table}_{part} PARTITION OF {table} "
                f"FOR VALUES WITH (MODULUS {PARTS}, REMAINDER {part})"
            )
        for name, definition in keys:
            await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for (definition,) in indexes:
            await connection.execute(definition)
    for table, name, definition in references:
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
