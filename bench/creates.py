"""Durable creates a second: how fast wishes are taken, each on disk before its answer."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bench.load import run
from bench.process import KEY, Server, serving
from bench.report import Table

LOCKS = 250
REQUESTS = 5_000
FULL = 50_000
CONNECTIONS = (8, 32)
SMALL = len(CONNECTIONS) * REQUESTS
"""Codes at which the resident size is looked at."""


async def measure() -> list[Table]:
    """Stays a month ahead, with given PINs, spread over the locks: no lock is busy meanwhile."""
    async with serving() as server:
        locks = await server.locks(LOCKS, positions=5_000)
        await server.quiet()
        load = _Load(server, locks)
        cpu: dict[tuple[str, int], float] = {}

        async def round_of(stored: str) -> dict[int, Any]:
            found = {}
            for connections in CONNECTIONS:
                begin = server.cpu_seconds()
                found[connections] = await load.send(REQUESTS, connections)
                cpu[stored, connections] = (server.cpu_seconds() - begin) / REQUESTS
            return found

        empty = await round_of("none")
        resident = server.resident_mb()
        await load.send(FULL - load.stored, 32)
        full = await round_of(f"{FULL:,}")
    table = Table(
        "Durable creates",
        (
            "stored before",
            "connections",
            "creates/s",
            "p50 ms",
            "p99 ms",
            "against empty",
            "CPU a create",
        ),
    )
    for stored, results in (("none", empty), (f"{FULL:,}", full)):
        for connections, result in results.items():
            ratio = result.rate / empty[connections].rate
            table.row(
                stored,
                connections,
                f"{result.rate:,.0f}",
                f"{result.p50_ms:.1f}",
                f"{result.p99_ms:.1f}",
                f"{ratio:.2f}x",
                f"{cpu[stored, connections] * 1e6:.0f} us",
            )
    memory = Table("Memory", ("codes", "resident"))
    memory.row(f"{SMALL:,}", f"{resident:.0f} MB")
    return [table, memory]


class _Load:
    def __init__(self, server: Server, locks: list[str]) -> None:
        self._server = server
        self._locks = locks
        self._numbers = count()
        self.stored = 0
        begin = datetime.now(UTC) + timedelta(days=30)
        self._window = {
            "starts_at": begin.isoformat(),
            "ends_at": (begin + timedelta(days=3)).isoformat(),
        }

    async def send(self, requests: int, connections: int) -> Any:
        self.stored += requests
        return await run(
            "127.0.0.1",
            self._server.port,
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
