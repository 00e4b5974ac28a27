"""Tables that the workspace can divide."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

from latchwork.storage.postgres.database import connect
from support.divided import PARTS, WHOLE

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

WITHOUT = (
    "SELECT indexrelid::regclass::text FROM pg_index WHERE indisunique "
    f"AND indrelid IN ({WHOLE}) AND NOT (SELECT attnum FROM pg_attribute "
    "WHERE attrelid = indrelid AND attname = 'workspace_id') = ANY (indkey)"
)
REFERENCES_WITHOUT = (
    f"SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid IN ({WHOLE}) "
    "AND NOT (SELECT attnum FROM pg_attribute "
    "WHERE attrelid = conrelid AND attname = 'workspace_id') = ANY (conkey)"
)
REFERRING = (
    "SELECT conname FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 "
    "AND (conrelid = $1::text::regclass OR confrelid = $1::text::regclass)"
)
GROWING = ("event", "action_attempt", "audit_entry")
"""See docs/scaling.md: what is divided first."""


@pytest.fixture
async def connection(database_url: str) -> "AsyncIterator[Connection]":
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def test_every_key_and_every_reference_contains_the_workspace(
    connection: "Connection",
) -> None:
    assert len(await connection.fetch(WHOLE)) > 20
    assert await connection.fetch(WITHOUT) == []
    assert await connection.fetch(REFERENCES_WITHOUT) == []


@pytest.mark.parametrize("table", GROWING)
async def test_what_grows_refers_to_nothing_and_nothing_to_it(
    connection: "Connection", table: str
) -> None:
    assert await connection.fetch(REFERRING, table) == []


async def test_a_row_refers_to_no_other_workspace(connection: "Connection") -> None:
    for place in ("here", "there"):
        await connection.execute(
            "INSERT INTO workspace VALUES ($1, '', 0, 1, NULL, 0, NULL, 0, NULL, '{}')", place
        )
    await connection.execute("INSERT INTO webhook VALUES ('hook', 'here', '', '[]', '', 1, 0)")
    send = "INSERT INTO webhook_message (message_id, webhook_id, event_id, workspace_id) VALUES "
    await connection.execute(f"{send} ('one', 'hook', 'event', 'here')")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await connection.execute(f"{send} ('two', 'hook', 'event', 'there')")


async def test_the_suite_runs_on_tables_that_are_divided(divided_url: str) -> None:
    connection = await connect(divided_url)
    try:
        whole = await connection.fetch(WHOLE)
        parts = await connection.fetchval(
            "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relispartition"
        )
    finally:
        await connection.close()
    assert whole == []
    assert parts > 20 * PARTS
