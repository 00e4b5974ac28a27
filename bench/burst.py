"""15:00: twenty thousand codes fall due at one instant on five thousand locks."""

import asyncio
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from bench.process import Server, serving
from bench.report import Table

CODES = 20_000
LOCKS = 5_000
LATENCY = 0.02
LEAD = timedelta(minutes=60)
AT_ONCE = 100
TIME_TO_LOAD = timedelta(seconds=90)


async def measure() -> list[Table]:
    """Codes that start an hour after the instant, so that programming begins at it. A code is
    late by the time from the instant to its proof on the lock."""
    async with serving() as server:
        locks = await server.locks(LOCKS, positions=30, latency=LATENCY, concurrency=LOCKS)
        instant = datetime.now(UTC) + TIME_TO_LOAD
        await wish(server, locks, instant)
        early = (instant - datetime.now(UTC)).total_seconds()
        if early < 0:
            raise RuntimeError("loading took too long: raise TIME_TO_LOAD")
        await asyncio.sleep(early)
        begin = server.cpu_seconds()
        late = await lateness(server, instant)
        cpu = server.cpu_seconds() - begin
    cuts = quantiles(late, n=100)
    table = Table(
        f"{CODES:,} codes due at one instant on {LOCKS:,} locks, {LATENCY * 1000:.0f} ms a call",
        ("proven", "drained in", "late p50", "late p99", "CPU a code"),
    )
    table.row(
        f"{len(late):,}",
        f"{max(late):.1f} s",
        f"{cuts[49]:.1f} s",
        f"{cuts[98]:.1f} s",
        f"{cpu / CODES * 1e6:.0f} us",
    )
    return [table]


async def wish(server: Server, locks: list[str], instant: datetime) -> None:
    """Four codes on each lock, wished for many locks at a time."""
    start = (instant + LEAD).isoformat()
    end = (instant + LEAD + timedelta(days=3)).isoformat()
    for number in range(CODES // len(locks)):
        for some in range(0, len(locks), AT_ONCE):
            await server.call(
                "/access_codes/create_multiple",
                device_ids=locks[some : some + AT_ONCE],
                code=f"{1000 + number}",
                starts_at=start,
                ends_at=end,
            )


async def lateness(server: Server, instant: datetime) -> list[float]:
    """Seconds from the instant to each proof, told by the events; they are asked for when no lock
    waits for its visit any more, so that asking does not slow what is measured."""
    while True:
        await asyncio.sleep(1)
        if await server.metric('latchwork_queue_depth{queue="visits"}'):
            continue
        await asyncio.sleep(2)
        events = await server.pages(
            "/events/list",
            "events",
            event_types=["access_code.set_on_device"],
            since=(instant - timedelta(minutes=5)).isoformat(),
        )
        if len(events) >= CODES:
            return [
                (datetime.fromisoformat(e["occurred_at"]) - instant).total_seconds() for e in events
            ]
