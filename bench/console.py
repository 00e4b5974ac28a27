"""What the console's pages cost the server with ten thousand codes stored."""

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import aiohttp

from bench.bulk import fill
from bench.process import KEY, Server, serving
from bench.report import Table

CODES = 10_000
LOCKS = 500
REQUESTS = 40
PAGES = (
    ("overview, the first page", "/console"),
    ("timeline, 20 locks, 7 days", "/console/timeline"),
    ("timeline, 20 locks, 28 days ahead", "/console/timeline?days=28&from={ahead}"),
    ("codes, a page of 50", "/console/codes"),
    ("locks, a page of 48", "/console/locks"),
    ("events, a page of 50", "/console/events"),
)


async def measure() -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="latchwork-bench-") as folder:
        path = Path(folder) / "latchwork.sqlite3"
        await fill(path, codes=CODES, locks=LOCKS, begin=datetime.now(UTC))
        async with serving(path) as server:
            return [await _measure(server)]


async def _measure(server: Server) -> Table:
    table = Table(
        f"Pages of the console with {CODES:,} codes on {LOCKS} locks",
        ("page", "requests", "bytes", "p50", "slowest"),
    )
    own = {"sec-fetch-site": "same-origin", "origin": server.url}
    jar = aiohttp.CookieJar(unsafe=True)  # For a host that is a number.
    async with aiohttp.ClientSession(cookie_jar=jar, headers=own) as http:
        async with http.post(f"{server.url}/console/sign-in", data={"key": KEY}) as signed_in:
            assert signed_in.status == 200, signed_in.status
        ahead = datetime.fromtimestamp(time.time() + 35 * 86_400, UTC).strftime("%Y-%m-%d")
        for what, path in PAGES:
            times, size = [], 0
            for _ in range(REQUESTS):
                begin = time.perf_counter()
                async with http.get(server.url + path.format(ahead=ahead)) as answer:
                    size = len(await answer.read())
                    assert answer.status == 200, (path, answer.status)
                times.append((time.perf_counter() - begin) * 1000)
            shown = (f"{size:,}", f"{median(times):.1f} ms", f"{max(times):.1f} ms")
            table.row(what, str(REQUESTS), *shown)
    return table
