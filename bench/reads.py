"""What reading costs with a million codes stored: one code, and a page of a hundred."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import load
from bench.bulk import filled
from bench.process import KEY, Server, serving
from bench.report import Table

CODES = 1_000_000
LOCKS = 5_000
PAGE = 100
GETS = 20_000
PAGES = 2_000
CURSORS = 50
CONNECTIONS = (1, 4)

Body = Callable[[int], dict[str, Any]]


async def measure() -> list[Table]:
    pick = random.Random(1)
    with tempfile.TemporaryDirectory(prefix="latchwork-bench-") as folder:
        path, ids = await filled(Path(folder), codes=CODES, locks=LOCKS)
        pick.shuffle(ids)
        async with serving(path) as server:
            return [await _measure(server, ids, pick)]


async def _measure(server: Server, ids: list[str], pick: random.Random) -> Table:
    devices = (await server.call("/devices/list", limit=1000))["devices"]
    cursors = await _cursors(server)
    asked: list[tuple[str, str, Body, int]] = [
        ("get, by id", "/access_codes/get", lambda n: {"access_code_id": ids[n]}, GETS),
        (
            f"list, a page of {PAGE} anywhere",
            "/access_codes/list",
            lambda n: {"limit": PAGE, "page_cursor": cursors[n % len(cursors)]},
            PAGES,
        ),
        (
            f"list, {PAGE} of one lock",
            "/access_codes/list",
            lambda _: {"limit": PAGE, "device_id": pick.choice(devices)["device_id"]},
            PAGES,
        ),
    ]
    table = Table(
        f"Reads with {CODES:,} codes stored",
        ("request", "at once", "requests", "p50", "p99", "a second"),
    )
    for what, path, body, requests in asked:
        for connections in CONNECTIONS:
            result = await load.run(
                "127.0.0.1",
                server.port,
                KEY,
                path,
                body,
                requests=requests,
                connections=connections,
            )
            times = (f"{result.p50_ms:.1f} ms", f"{result.p99_ms:.1f} ms", f"{result.rate:,.0f}")
            table.row(what, connections, f"{requests:,}", *times)
    return table


async def _cursors(server: Server) -> list[str | None]:
    """Where pages begin, from the newest code on."""
    found: list[str | None] = [None]
    while len(found) < CURSORS:
        page = await server.call("/access_codes/list", limit=1000, page_cursor=found[-1])
        found.append(page["pagination"]["next_page_cursor"])
    return found
