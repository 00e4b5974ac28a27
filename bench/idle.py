"""What a million waiting codes cost while nothing is due."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from bench.bulk import filled
from bench.process import Server, serving
from bench.report import Table

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from support.postgres import PostgresServer

CODES = 1_000_000
LOCKS = 5_000
SETTLE = 20.0
LOOK_FOR = 60.0


async def measure() -> list[Table]:
    """One process on a SQLite file; then the same installation, moved, on PostgreSQL."""
    table = Table("Idle", ("waiting codes", "locks", "database", "CPU of one core", "resident"))
    with tempfile.TemporaryDirectory(prefix="latchwork-bench-") as folder:
        path, _ = await filled(Path(folder), codes=CODES, locks=LOCKS)
        async with serving(path) as server:
            await _idle(server, "SQLite", table)
        with PostgresServer() as database:
            environment = {
                "LATCHWORK_DATABASE_URL": database.create("bench"),
                "LATCHWORK_SECRET_KEY_FILE": f"{path}.key",
            }
            await _moved(path, environment)
            async with serving(**environment) as server:
                await _idle(server, "PostgreSQL", table)
    return [table]


async def _idle(server: Server, database: str, table: Table) -> None:
    """Of the one process; what a server beside it takes is not counted."""
    await asyncio.sleep(SETTLE)
    before = server.cpu_seconds()
    await asyncio.sleep(LOOK_FOR)
    used = (server.cpu_seconds() - before) / LOOK_FOR
    table.row(f"{CODES:,}", f"{LOCKS:,}", database, f"{used:.2%}", f"{server.resident_mb():.0f} MB")


async def _moved(path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "latchwork.cli.main", "migrate", "--from", f"sqlite:///{path}"]
    process = await asyncio.create_subprocess_exec(
        *command, "--to", environment["LATCHWORK_DATABASE_URL"], env={**os.environ, **environment}
    )
    if await process.wait():
        raise RuntimeError("the move failed")
