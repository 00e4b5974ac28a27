"""The same creates and the same burst on PostgreSQL, with one worker and with two."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from bench import burst
from bench.load import run
from bench.process import KEY, Server, serving
from bench.report import Table

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from support.postgres import PostgresServer

ACCOUNTS = 8
"""They are what is divided among workers."""
CREATES = 5_000
TIME_TO_LOAD = timedelta(seconds=90)
KILLED_AFTER = 1.5
"""Seconds from the instant to the end of a worker, in the middle of the burst."""


async def measure() -> list[Table]:
    """One API process, one or two workers, a server with its default, durable settings."""
    creates = Table("Durable creates on PostgreSQL", ("connections", "creates/s", "p50", "p99"))
    bursts = Table(
        f"{burst.CODES:,} codes due at one instant on {burst.LOCKS:,} locks, "
        f"{burst.LATENCY * 1000:.0f} ms a call, on PostgreSQL",
        ("workers", "proven", "drained in", "late p50", "late p99", "CPU of workers a code"),
    )
    for workers, kill in ((1, False), (2, False), (2, True)):
        async with _fleet(workers) as (api, others):
            locks = await _locks(api)
            for worker in others:
                await worker.quiet()
            if workers == 1:
                await _creates(api, locks, creates)
            await _burst(api, others, locks, bursts, kill=kill)
    return [creates, bursts]


@asynccontextmanager
async def _fleet(workers: int) -> AsyncIterator[tuple[Server, list[Server]]]:
    with PostgresServer() as database:
        environment = {
            "LATCHWORK_DATABASE_URL": database.create("bench"),
            "LATCHWORK_SECRET_KEY": os.urandom(32).hex(),
        }
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(serving(LATCHWORK_ROLE="api", **environment))
            others = [
                await stack.enter_async_context(serving(LATCHWORK_ROLE="worker", **environment))
                for _ in range(workers)
            ]
            yield api, others


async def _locks(api: Server) -> list[str]:
    for number in range(ACCOUNTS):
        count = (number + 1) * burst.LOCKS // ACCOUNTS - number * burst.LOCKS // ACCOUNTS
        await api.call(
            "/latchwork/connected_accounts/connect",
            provider="simulator",
            settings={
                "count": count,
                "durable": False,
                "positions": 60,
                "latency": burst.LATENCY,
                "concurrency": burst.LOCKS + number,
            },
        )
    while True:
        found = await api.pages("/devices/list", "devices")
        if len(found) >= burst.LOCKS:
            return [device["device_id"] for device in found]
        await asyncio.sleep(1)


async def _creates(api: Server, locks: list[str], table: Table) -> None:
    begin = datetime.now(UTC) + timedelta(days=30)

    def body(number: int) -> dict[str, Any]:
        return {
            "device_id": locks[number % len(locks)],
            "code": f"{70_000 + number}",
            "starts_at": begin.isoformat(),
            "ends_at": (begin + timedelta(days=3)).isoformat(),
        }

    for connections in (8, 32):
        offset = 0 if connections == 8 else CREATES
        result = await run(
            "127.0.0.1",
            api.port,
            KEY,
            "/access_codes/create",
            lambda number, offset=offset: body(number + offset),
            requests=CREATES,
            connections=connections,
        )
        table.row(
            connections,
            f"{result.rate:,.0f}",
            f"{result.p50_ms:.1f} ms",
            f"{result.p99_ms:.1f} ms",
        )


async def _burst(
    api: Server, workers: list[Server], locks: list[str], table: Table, *, kill: bool
) -> None:
    instant = datetime.now(UTC) + TIME_TO_LOAD
    await burst.wish(api, locks, instant)
    early = (instant - datetime.now(UTC)).total_seconds()
    if early < 0:
        raise RuntimeError("loading took too long: raise TIME_TO_LOAD")
    await asyncio.sleep(early)
    begin = sum(worker.cpu_seconds() for worker in workers)
    name, gone = str(len(workers)), 0.0
    if kill:
        name += ", one killed"
        await asyncio.sleep(KILLED_AFTER)
        gone = workers[-1].cpu_seconds()
        workers.pop().process.kill()
    late = await burst.lateness(api, instant)
    cpu = gone + sum(worker.cpu_seconds() for worker in workers) - begin
    cuts = quantiles(late, n=100)
    table.row(
        name,
        f"{len(late):,}",
        f"{max(late):.1f} s",
        f"{cuts[49]:.1f} s",
        f"{cuts[98]:.1f} s",
        f"{cpu / burst.CODES * 1e6:.0f} us",
    )
