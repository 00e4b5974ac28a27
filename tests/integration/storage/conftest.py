"""Every backend that the conformance suite runs on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from latchwork.storage.interface import Storage
from latchwork.storage.postgres import PostgresStorage
from latchwork.storage.sqlite import SqliteStorage
from latchwork.storage.vault import Vault
from support.divided import SINCE, divide
from support.postgres import FAST, PostgresServer
from support.stored import MASTER_KEY, NOW, Stored

BACKENDS = ("sqlite-file", "sqlite-memory", "postgresql", "postgresql-divided")
"""The last: each table in parts, by workspace."""
EMPTY = """
DROP TABLE IF EXISTS move_progress;
DO $$ BEGIN EXECUTE (
  SELECT 'TRUNCATE ' || string_agg(relname, ', ') || ' RESTART IDENTITY'
  FROM pg_stat_user_tables WHERE relname NOT IN ('vault', 'schema_version')
); END $$
"""
Opener = Callable[[Vault, Callable[[], datetime], Callable[[int], bytes]], Awaitable[Storage]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer(*FAST) as server:
        yield server


async def with_schema(url: str) -> str:
    await (await PostgresStorage.open(url, Vault(MASTER_KEY), lambda: NOW, bytes)).aclose()
    return url


@pytest.fixture(scope="session")
def furnished(postgres: PostgresServer) -> str:
    """A database with the schema."""
    return asyncio.run(with_schema(postgres.create("suite")))


@pytest.fixture(scope="session")
def divided(postgres: PostgresServer) -> str:
    """The same, with every table of the workspaces in parts."""
    if postgres.version < SINCE:
        pytest.skip(f"tables are divided since PostgreSQL {SINCE}")
    url = asyncio.run(with_schema(postgres.create("divided")))
    asyncio.run(divide(url))
    return url


@pytest.fixture
def database_url(postgres: PostgresServer, furnished: str) -> Iterator[str]:
    """The database, empty but for its schema and its key."""
    yield furnished
    postgres.admin(EMPTY, "suite")


@pytest.fixture
def divided_url(postgres: PostgresServer, divided: str) -> Iterator[str]:
    yield divided
    postgres.admin(EMPTY, "divided")


@pytest.fixture
async def stored(opener: Opener) -> AsyncIterator[Stored]:
    """A furnished storage of each backend."""
    stored = Stored(opener)
    await stored.open()
    await stored.furnish()
    yield stored
    await stored.storage.aclose()


@pytest.fixture(params=BACKENDS)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the test's database, each time it is called."""
    urls = {"postgresql": "database_url", "postgresql-divided": "divided_url"}
    url = request.getfixturevalue(urls[request.param]) if request.param in urls else ""

    async def open_storage(
        vault: Vault, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> Storage:
        if url:
            return await PostgresStorage.open(url, vault, now, entropy)
        path = ":memory:" if request.param == "sqlite-memory" else tmp_path / "latchwork.db"
        return await SqliteStorage.open(path, vault, now, entropy)

    return open_storage
