"""What a million waiting codes cost while nothing is due."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.bulk import fill
from bench.process import serving
from bench.report import Table

CODES = 1_000_000
LOCKS = 5_000
SETTLE = 20.0
LOOK_FOR = 60.0


async def measure() -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="latchwork-bench-") as folder:
        path = Path(folder) / "latchwork.sqlite3"
        await fill(path, codes=CODES, locks=LOCKS, begin=datetime.now(UTC))
        async with serving(path) as server:
            await asyncio.sleep(SETTLE)
            before = server.cpu_seconds()
            await asyncio.sleep(LOOK_FOR)
            used = server.cpu_seconds() - before
            resident = server.resident_mb()
    table = Table("Idle", ("waiting codes", "locks", "CPU of one core", "resident"))
    table.row(f"{CODES:,}", f"{LOCKS:,}", f"{used / LOOK_FOR:.2%}", f"{resident:.0f} MB")
    return [table]
