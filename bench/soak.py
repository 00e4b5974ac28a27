"""`python -m bench.soak --minutes 10 [--keep]`: steady creates, changes, deletes and pushes against
a real server. Memory, open files, lateness and lost events are recorded; --keep writes the figures
to docs/reliability.md and the curves to docs/soak.svg. Ends with 1 when an event was lost, a code
is not as wished, or memory or open files grew beyond bounds."""

import argparse
import asyncio
import random
import re
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import msgspec
from aiohttp import web

from bench.curves import Panel, drawn
from bench.process import Server, serving
from bench.report import Table

DOCS = Path(__file__).resolve().parent.parent / "docs"
LOCKS = 40
CODES_A_LOCK = 6
COMMANDS_A_SECOND = 4.0
SAMPLED_EVERY = 5.0
WARM = 0.2
"""The share of the run after which growth is measured: caches have filled by then."""
MOST_GROWTH_MB = 30.0
MOST_MORE_FILES = 20
SET = "access_code.set_on_device"


class Sample(msgspec.Struct):
    at: float
    """Seconds since the beginning."""
    memory_mb: float
    files: int
    late_ms: float
    """Of the codes set since the last sample: the median of proof after wish."""
    delivery_ms: float
    """Of the events delivered since: the median of delivery after the event."""
    commands: int


class Soak:
    """A client that keeps the books, and the receiver of its webhooks."""

    def __init__(self, server: Server, rng: random.Random) -> None:
        self.server = server
        self.rng = rng
        self.began = time.monotonic()
        self.standing: dict[str, tuple[str, str]] = {}
        """Lock and PIN by code."""
        self.wished_at: dict[str, float] = {}
        self.commands: Counter[str] = Counter()
        self.delivered: set[str] = set()
        self.late: list[float] = []
        self.delays: list[float] = []
        self.all_late: list[float] = []
        self.all_delays: list[float] = []
        self.samples: list[Sample] = []
        self._pins = (f"{n:06}" for n in rng.sample(range(1_000_000), 1_000_000))

    async def receive(self, request: web.Request) -> web.Response:
        event = msgspec.json.decode(await request.read())
        if event["event_id"] not in self.delivered:
            self.delivered.add(event["event_id"])
            occurred = datetime.fromisoformat(event["occurred_at"]).timestamp()
            self.delays.append((time.time() - occurred) * 1000)
            code_id = event.get("access_code_id")
            if event["event_type"] == SET and code_id in self.wished_at:
                self.late.append((occurred - self.wished_at.pop(code_id)) * 1000)
        return web.Response()

    async def work(self, locks: list[str], seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.gather(self._command(locks), asyncio.sleep(1 / COMMANDS_A_SECOND))

    async def _command(self, locks: list[str]) -> None:
        counts = Counter(lock for lock, _ in self.standing.values())
        room = [lock for lock in locks if counts[lock] < CODES_A_LOCK]
        draw = self.rng.random()
        if room and (not self.standing or draw < 0.35):
            kind = "create"
            await self._create(self.rng.choice(room))
        elif draw < 0.55:
            kind = "update"
            await self._update(self.rng.choice(sorted(self.standing)))
        elif draw < 0.85:
            kind = "delete"
            code_id = self.rng.choice(sorted(self.standing))
            del self.standing[code_id]
            self.wished_at.pop(code_id, None)
            await self.server.call("/access_codes/delete", access_code_id=code_id)
        else:
            kind = "push"
            lock, pin = self.rng.choice(sorted(self.standing.values()))
            await self.server.call("/locks/simulate/keypad_code_entry", device_id=lock, code=pin)
        self.commands[kind] += 1

    async def _create(self, lock: str) -> None:
        pin, at = next(self._pins), time.time()
        made = await self.server.call("/access_codes/create", device_id=lock, code=pin)
        code_id = made["access_code"]["access_code_id"]
        self.standing[code_id] = (lock, pin)
        self.wished_at[code_id] = at

    async def _update(self, code_id: str) -> None:
        pin, at = next(self._pins), time.time()
        await self.server.call("/access_codes/update", access_code_id=code_id, code=pin)
        self.standing[code_id] = (self.standing[code_id][0], pin)
        self.wished_at[code_id] = at

    async def sample(self) -> None:
        while True:
            await asyncio.sleep(SAMPLED_EVERY)
            late, self.late = self.late, []
            delays, self.delays = self.delays, []
            self.all_late += late
            self.all_delays += delays
            self.samples.append(
                Sample(
                    at=time.monotonic() - self.began,
                    memory_mb=self.server.resident_mb(),
                    files=self.server.open_files(),
                    late_ms=median(late) if late else 0.0,
                    delivery_ms=median(delays) if delays else 0.0,
                    commands=self.commands.total(),
                )
            )

    async def wrong(self) -> list[str]:
        """What is not as it was wished, once a minute has passed at most."""
        found: list[str] = []
        for _ in range(120):
            found = [*await self._wrong_codes(), *await self._lost_events()]
            if not found:
                break
            await asyncio.sleep(0.5)
        return found

    async def _wrong_codes(self) -> list[str]:
        listed = await self.server.pages("/access_codes/list", "access_codes")
        held = {c["access_code_id"]: (c["device_id"], c["code"], c["status"]) for c in listed}
        wished = {code_id: (*code, "set") for code_id, code in self.standing.items()}
        return [f"code {i}" for i in held.keys() | wished.keys() if held.get(i) != wished.get(i)]

    async def _lost_events(self) -> list[str]:
        events = await self.server.pages("/events/list", "events", since=self.since)
        return [f"event {e['event_id']}" for e in events if e["event_id"] not in self.delivered]

    since = ""


async def soak(minutes: float, seed: int) -> tuple[Soak, list[str]]:
    async with serving(LATCHWORK_DEMO="on", LATCHWORK_WEBHOOK_ALLOW="127.0.0.0/8") as server:
        one = Soak(server, random.Random(seed))
        app = web.Application()
        app.router.add_post("/hook", one.receive)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        address = runner.addresses[0]
        await server.call("/webhooks/create", url=f"http://{address[0]}:{address[1]}/hook")
        one.since = datetime.now(UTC).isoformat()
        before = {d["device_id"] for d in await server.pages("/devices/list", "devices")}
        found = await server.locks(len(before) + LOCKS, positions=20, latency=0.05, concurrency=8)
        locks = sorted(set(found) - before)[:LOCKS]
        one.began = time.monotonic()
        sampling = asyncio.create_task(one.sample())
        await one.work(locks, minutes * 60)
        wrong = await one.wrong()
        sampling.cancel()
        await runner.cleanup()
    return one, wrong


def growth(samples: list[Sample], name: str) -> float:
    """From the first tenth after the beginning's warmth to the last tenth, medians of each."""
    warm = samples[int(len(samples) * WARM) :]
    tenth = max(len(warm) // 10, 1)
    first, last = ([getattr(s, name) for s in part] for part in (warm[:tenth], warm[-tenth:]))
    return median(last) - median(first)


def judged(one: Soak, wrong: list[str]) -> list[str]:
    memory, files = growth(one.samples, "memory_mb"), growth(one.samples, "files")
    if memory > MOST_GROWTH_MB:
        wrong = [*wrong, f"memory grew by {memory:.0f} MB"]
    if files > MOST_MORE_FILES:
        wrong = [*wrong, f"{files:.0f} more files are open"]
    return wrong


def figures(one: Soak, minutes: float, wrong: list[str]) -> Table:
    table = Table(f"{minutes:g} minutes, {LOCKS} locks", ("", ""))
    kinds = ", ".join(f"{count:,} {kind}s" for kind, count in sorted(one.commands.items()))
    table.row("commands", kinds.replace("pushs", "pushes"))
    table.row("events delivered", f"{len(one.delivered):,}")
    table.row("wrong or lost at the end", len(wrong))
    for name, values in (("set after the wish", one.all_late), ("delivery", one.all_delays)):
        cuts = quantiles(values, n=100, method="inclusive")
        table.row(name, f"p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, most {max(values):.0f} ms")
    memory = [s.memory_mb for s in one.samples]
    table.row(
        "memory", f"most {max(memory):.0f} MB, {growth(one.samples, 'memory_mb'):+.1f} MB grown"
    )
    files = [s.files for s in one.samples]
    table.row("open files", f"most {max(files)}, {growth(one.samples, 'files'):+.0f} grown")
    return table


def keep(one: Soak, table: Table) -> None:
    def curve(name: str) -> list[tuple[float, float]]:
        return [(s.at / 60, getattr(s, name)) for s in one.samples]

    panels = [
        Panel("Memory, MB", curve("memory_mb")),
        Panel("Open files", curve("files")),
        Panel("Set after the wish, median ms", curve("late_ms")),
        Panel("Delivered after the event, median ms", curve("delivery_ms")),
    ]
    (DOCS / "soak.svg").write_text(drawn(panels, "minutes"))
    path = DOCS / "reliability.md"
    block = f"<!-- soak -->\n{table.text()}\n<!-- /soak -->"
    changed, times = re.subn(
        "<!-- soak -->.*?<!-- /soak -->", lambda _: block, path.read_text(), flags=re.DOTALL
    )
    if times != 1:
        raise RuntimeError("docs/reliability.md has no marks for the soak")
    path.write_text(changed)


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="write figures and curves to docs/")
    asked: Any = parser.parse_args()
    one, wrong = await soak(asked.minutes, asked.seed)
    wrong = judged(one, wrong)
    table = figures(one, asked.minutes, wrong)
    print(table.text())
    for line in wrong[:20]:
        print(f"WRONG: {line}")
    if asked.keep:
        keep(one, table)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
