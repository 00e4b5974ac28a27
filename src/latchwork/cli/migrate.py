"""`latchwork migrate`: from a SQLite file to PostgreSQL."""

import asyncio
import os
import sqlite3
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from latchwork.cli.say import USAGE, fail

if TYPE_CHECKING:
    from latchwork.config import Settings
    from latchwork.storage.postgres.moving import Moved


def migrate(
    source: Annotated[str, typer.Option("--from", help="sqlite:///... of the installation.")],
    target: Annotated[str, typer.Option("--to", help="postgresql://... of an empty database.")],
) -> None:
    """Moves a whole installation to PostgreSQL. Stop its server first; give the same master key.
    Run it again if it was interrupted: it goes on where it was."""
    from latchwork import config
    from latchwork.domain.errors import LatchworkError

    here = {**os.environ, "LATCHWORK_DATABASE_URL": source}
    try:
        settings = config.from_environment(here)
        there = config.from_environment({**here, "LATCHWORK_DATABASE_URL": target})
        if settings.postgres is not None or there.postgres is None:
            fail("Moves go from sqlite:///... to postgresql://...", USAGE)
        if not settings.database.exists():
            fail(f"There is no database {settings.database}.", USAGE)
        total = asyncio.run(_move(settings, there.postgres.reveal()))
    except LatchworkError as error:
        fail(str(error))
    print(f"Moved and verified: {total:,} rows. Start with LATCHWORK_DATABASE_URL={_shown(target)}")


async def _move(settings: "Settings", url: str) -> int:
    from latchwork import composition
    from latchwork.storage.postgres import PostgresStorage
    from latchwork.storage.postgres.moving import move
    from latchwork.storage.sqlite import SqliteStorage, acquire_process_lock

    vault = composition.open_vault(settings)
    now = composition.clock.now
    with acquire_process_lock(settings.database):
        # Opening brings both to this release's schema, and refuses another master key.
        await (await SqliteStorage.open(settings.database, vault, now, os.urandom)).aclose()
        await (await PostgresStorage.open(url, vault, now, os.urandom)).aclose()
        file = sqlite3.connect(f"{settings.database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return await move(file, url, tell_moved)
        finally:
            file.close()


def tell_moved(moved: "Moved") -> None:
    """How far a table is, on one line of the terminal."""
    end = "\n" if moved.rows >= moved.total or not sys.stderr.isatty() else "\r"
    print(f"  {moved.table:24} {moved.rows:>12,} of {moved.total:,}", end=end, file=sys.stderr)


def _shown(url: str) -> str:
    """Without the password."""
    scheme, _, rest = url.partition("://")
    person, at, place = rest.rpartition("@")
    return f"{scheme}://{person.partition(':')[0]}{at}{place}"
