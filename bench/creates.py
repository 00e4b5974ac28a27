"""Durable creates a second: how fast wishes are taken, each on disk before its answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any, NamedTuple

from bench.load import run
from bench.process import KEY, Server, serving
from bench.report import Table

LOCKS = 250
ROUNDS = 10
REQUESTS = 500
FULL = 50_000
CONNECTIONS = (8, 32)
SMALL = ROUNDS * len(CONNECTIONS) * REQUESTS
"""Codes at which the resident size is looked at."""


async def measure() -> list[Table]:
    """Stays a month ahead, with given PINs, spread over the locks: no lock is busy meanwhile.

    Two servers, one of which holds FULL codes, take turns, and what is told of the one against the
    other is the median of the turns: a host that changes its speed from second to second changes
    it for both."""
    async with _house() as empty, _house() as full:
        await full.send(FULL, 32)
        houses = {"none": empty, f"{FULL:,}": full}
        found: dict[tuple[str, int], list[_Burst]] = {}
        for number in range(ROUNDS):
            for connections in CONNECTIONS:
                # Neither goes first every time.
                for stored in sorted(houses, reverse=number % 2 > 0):
                    burst = await houses[stored].burst(connections)
                    found.setdefault((stored, connections), []).append(burst)
        resident = empty.server.resident_mb()
    table = Table(
        f"Durable creates, medians of {ROUNDS} bursts of {REQUESTS:,} in turns",
        (
            "stored before",
            "connections",
            "creates/s",
            "best",
            "p50 ms",
            "p99 ms",
            "against empty",
            "CPU a create",
        ),
    )
    for (stored, connections), bursts in sorted(found.items(), key=lambda one: one[0][0] != "none"):
        pairs = zip(bursts, found["none", connections], strict=True)
        table.row(
            stored,
            connections,
            f"{median(burst.rate for burst in bursts):,.0f}",
            f"{max(burst.rate for burst in bursts):,.0f}",
            f"{median(burst.p50_ms for burst in bursts):.1f}",
            f"{median(burst.p99_ms for burst in bursts):.1f}",
            f"{median(burst.rate / empty.rate for burst, empty in pairs):.2f}x",
            f"{median(burst.cpu for burst in bursts) * 1e6:.0f} us",
        )
    memory = Table("Memory", ("codes", "resident"))
    memory.row(f"{SMALL:,}", f"{resident:.0f} MB")
    return [table, memory]


class _Burst(NamedTuple):
    rate: float
    p50_ms: float
    p99_ms: float
    cpu: float
    """Seconds of the server's CPU for one create."""


@asynccontextmanager
async def _house() -> AsyncIterator["_Load"]:
    async with serving() as server:
        locks = await server.locks(LOCKS, positions=5_000)
        await server.quiet()
        yield _Load(server, locks)


class _Load:
    def __init__(self, server: Server, locks: list[str]) -> None:
        self.server = server
        self._locks = locks
        self._numbers = count()
        begin = datetime.now(UTC) + timedelta(days=30)
        self._window = {
            "starts_at": begin.isoformat(),
            "ends_at": (begin + timedelta(days=3)).isoformat(),
        }

    async def burst(self, connections: int) -> _Burst:
        begin = self.server.cpu_seconds()
        result = await self.send(REQUESTS, connections)
        cpu = (self.server.cpu_seconds() - begin) / REQUESTS
        return _Burst(result.rate, result.p50_ms, result.p99_ms, cpu)

    async def send(self, requests: int, connections: int) -> Any:
        return await run(
            "127.0.0.1",
            self.server.port,
            KEY,
            "/access_codes/create",
            self._body,
            requests=requests,
            connections=connections,
        )

    def _body(self, _number: int) -> dict[str, Any]:
        number = next(self._numbers)
        return {
            "device_id": self._locks[number % len(self._locks)],
            "name": f"Guest {number}",
            "code": f"{10_000 + number // len(self._locks):06}",
            **self._window,
        }
