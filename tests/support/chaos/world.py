"""A whole Latchwork under fault, on virtual time: two workers on one storage, webhooks on their way
to a healthy and to a moody endpoint, and every promise checked at every look."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from unittest.mock import patch

from latchwork.domain.access_code import CodeStatus
from latchwork.domain.device import Device
from latchwork.domain.events import Event
from latchwork.domain.pin import Pin
from latchwork.domain.slots import Phase
from latchwork.domain.visit import LockView, VisitChanges
from latchwork.domain.webhook import Webhook
from latchwork.engine import worker as worker_module
from latchwork.engine.connections import Connections
from latchwork.engine.worker import Worker
from latchwork.storage.instants import to_us
from latchwork.storage.interface import CodeView, Lease
from latchwork.storage.sql import slots
from latchwork.storage.sqlite.session import drive
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.webhooks.deliver import Deliverer, DeliveryPolicy
from latchwork.webhooks.post import Answer
from latchwork.webhooks.signing import new_secret
from support.chaos.audit import Audit
from support.chaos.driver import LEASE_HELD, WatchedFactory, WatchedReconciler
from support.chaos.trace import Trace
from support.world import World, is_over

SERVED_WITHIN = timedelta(minutes=40)
"""What a sound lock is owed may take this long after trouble: the longest back-off, several times,
and the hour that a stall or a step of the clock can cost is not counted."""
THIRD_ATTEMPT = timedelta(minutes=12)
"""From an event to the third attempt to deliver it, with its jitter and the deliverer's looks."""
SELDOM = timedelta(minutes=10)
"""How often workers look without a reason, so that weeks cost little."""
SELDOM_POSTED = timedelta(minutes=30)
"""And how often the deliverer does."""
_SHOWN = "SELECT access_code_id, generation FROM access_code WHERE device_id = ? AND status = 'set'"
HEALTHY, MOODY = "https://healthy.example/", "https://moody.example/"


class StallingStorage:
    """Storage as one worker sees it: while it is stalled, its write-backs come late. After each of
    them `glance` looks at the lock."""

    def __init__(self, storage: SqliteStorage, glance: Callable[[str], Awaitable[None]]) -> None:
        self._storage = storage
        self._glance = glance
        self.running = asyncio.Event()
        self.running.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    async def load_visit(self, lease: Lease) -> LockView:
        await self.running.wait()
        return await self._storage.load_visit(lease)

    async def checkpoint(
        self, lease: Lease, changes: VisitChanges, now: datetime, extend_to: datetime
    ) -> Lease:
        await self.running.wait()
        extended = await self._storage.checkpoint(lease, changes, now, extend_to)
        await self._glance(lease.device_id)
        return extended

    async def release(
        self, lease: Lease, changes: VisitChanges, now: datetime, due_at: datetime | None
    ) -> None:
        await self.running.wait()
        await self._storage.release(lease, changes, now, due_at)
        await self._glance(lease.device_id)


class Endpoints:
    """Where webhooks go. The moody endpoint refuses the first attempts of many messages."""

    def __init__(self, world: "ChaosWorld") -> None:
        self._world = world
        self._attempts: Counter[str] = Counter()
        self.delivered: dict[str, Counter[str]] = {HEALTHY: Counter(), MOODY: Counter()}
        """How often each event was taken, by endpoint."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        world, message_id = self._world, headers["svix-id"]
        await world.clock.sleep(timedelta(milliseconds=80))
        self._attempts[message_id] += 1
        if url == MOODY and self._attempts[message_id] < 3 and world.rng.random() < 0.4:
            return Answer(status_code=503)
        self.delivered[url][body.decode()] += 1
        return Answer(status_code=200)


def render(event: Event, _webhook: Webhook) -> bytes:
    return event.event_id.encode()


class ChaosWorld(World):
    """See World; `zones` name the time zones of locks that keep schedules in local time."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        seed: int,
        start: datetime,
        zones: Mapping[str, str],
    ) -> None:
        super().__init__(settings, seed)
        self.clock.start = start
        self.trace = Trace()
        self.factory = WatchedFactory(self.trace, self._why_not, zones)
        self.endpoints = Endpoints(self)
        self.zones = zones
        self.named: set[Pin | None] = set()
        """PINs of other hands that need not stand any more, and may."""
        self.doubtful: dict[str, datetime | None] = {}
        """Codes that another hand has meddled with: `set` may be shown until the next read, which
        is soon when the lock told of it, at this instant."""
        self.sound_since: dict[str, datetime | None] = {}
        self.disturbed_at = start
        self._owed_since: dict[str, datetime] = {}
        """When a code was last seen that could not be set, or that another hand has meddled with
        and was shown as `set`: it is owed from then on."""
        self._devices: dict[str, Device] = {}
        self._shown: dict[str, set[tuple[str, int]]] = {}
        """By lock the codes, with their generation, that were `set` at the last glance."""
        self._glimpsed: list[str] = []
        self._failed: list[str] = []
        self._wished: dict[str, dict[str, Any]] = {}
        """What callers were told is accepted, by code."""

    async def __aenter__(self) -> Self:
        self._seldom = patch.object(worker_module, "LONGEST_NAP", SELDOM)
        self._seldom.start()
        await super().__aenter__()
        for name, url in (("healthy", HEALTHY), ("moody", MOODY)):
            await self.storage.add_webhook(
                Webhook(
                    webhook_id=self.new_id(),
                    workspace_id=self.workspace_id,
                    url=url,
                    event_types=("*",),
                    secret=new_secret(name.encode().ljust(32)[:32]),
                    created_at=self.clock.now(),
                )
            )
        self.audit = Audit(self.connection)
        (self._told_before,) = self.connection.execute("SELECT max(sequence) FROM event").fetchone()
        for key in self.driver.house.locks:
            self._devices[key] = await self.device(key)
            self.sound_since[key] = self.clock.now()
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        self._seldom.stop()

    @property
    def connection(self) -> sqlite3.Connection:
        return self.storage._db._connections[1]

    def start(self) -> None:
        self.connections = Connections(
            self.storage, {"simulator": self.factory}, self.clock, self.rng, self.new_id
        )
        self.stalling = [StallingStorage(self.storage, self._glance) for _ in range(2)]
        self._tasks = [asyncio.create_task(self.connections.run())]
        for number, storage in enumerate(self.stalling, 1):
            visits = WatchedReconciler(
                storage, self.connections, self.clock, self.policy, self.rng, self.new_id
            )
            visits.worker, visits.broken = f"worker {number}", self._failed
            # So few at once that neither takes all that is due, and doors need their own lane.
            worker = Worker(storage, self.connections, self.clock, visits, concurrency=1)
            self._tasks.append(asyncio.create_task(worker.run()))
        deliverer = Deliverer(
            self.storage,
            self.clock,
            render,
            self.endpoints,
            policy=DeliveryPolicy(longest_pause=SELDOM_POSTED),
            jitter=self.rng.random,
        )
        self._tasks.append(asyncio.create_task(deliverer.run()))

    async def restart(self) -> None:
        # A crash leaves no await in which a write-back could still be under way.
        for listeners in (self.storage._db.due_listeners, self.storage._db.message_listeners):
            listeners.clear()
        await super().restart()

    def _why_not(self, key: str, position: int, pin: Pin | None) -> str | None:
        """The watch on locks: under a lease, announced, and never over what is another's."""
        session, device_id = self.storage._db.reading, self._devices[key].device_id
        held = LEASE_HELD.get()
        assert held is not None
        row = drive(
            session.one(
                "SELECT token FROM visit WHERE device_id = ? AND leased_until IS NOT NULL",
                (device_id,),
            )
        )
        if row is None or row[0] != held[1].token:
            return f"{key}: written by {held[0]} without the lease"
        entries = {e.position: e for e in drive(slots.entries(session, device_id))}
        entry = entries.get(position)
        if pin is not None and (entry is None or entry.pin != pin):
            return f"{key}: {position} was written before the ledger said so"
        if pin is None and entry is None:
            stored = self.lock(key).codes.get(position)
            if stored is not None and stored.pin not in self.named:
                return f"{key}: {position} is another's, and was cleared"
        if pin is None and entry is not None and entry.phase is not Phase.CLEARING:
            return f"{key}: {position} was cleared before the ledger said so"
        return None

    def is_being_visited(self, key: str) -> bool:
        row = self.connection.execute(
            "SELECT leased_until FROM visit WHERE device_id = ?", (self._devices[key].device_id,)
        )
        return row.fetchone()[0] is not None

    # What callers do, with books kept of it

    async def create(self, pin: str, **wish: Any) -> str:
        code_id = await super().create(pin, **wish)
        code = self.codes[code_id]
        self._wished[code_id] = {"pin": code.pin, "ends_at": code.ends_at}
        return code_id

    async def update(self, code_id: str, **changes: Any) -> None:
        await super().update(code_id, **changes)
        if "pin" in changes:
            changes["pin"] = Pin(changes["pin"])
        self._wished[code_id] |= changes

    # Every look

    async def _glance(self, device_id: str) -> None:
        """What became `set` just now opens the keypad, however soon it is no longer shown."""
        shown = set(self.connection.execute(_SHOWN, (device_id,)).fetchall())
        for code_id, _ in shown - self._shown.get(device_id, set()):
            view = await self.find(code_id)
            if view is None or self._is_doubtful(view) or self._judges_wrongly(view):
                continue
            try:
                super()._check(view, self.clock.now())
            except AssertionError as error:
                self._glimpsed.append(f"{view.device.provider_key}: {code_id}: {error}")
        self._shown[device_id] = shown

    async def look(self) -> None:
        broken = [*self.factory.broken(), *self._glimpsed, *self._failed]
        assert not broken, broken[0]
        self.audit.check(self.doubtful.keys())
        await super().look()

    def _check(self, view: CodeView, now: datetime) -> None:
        for name, value in self._wished.get(view.code.access_code_id, {}).items():
            assert getattr(view.code, name) == value, f"{now}: the accepted {name} is another's now"
        if self._judges_wrongly(view):
            return
        theirs = {pin for (key, _), pin in self.foreign.items() if key == view.device.provider_key}
        if not self._is_doubtful(view) and view.code.pin not in theirs:
            super()._check(view, now)
        self._check_served(view, now)

    def doubt(self, code_id: str, *, told: bool) -> None:
        """Another hand meddles with the code now, and the lock tells so or does not."""
        now = self.clock.now()
        self.doubtful[code_id] = now if told else None
        self._owed_since[code_id] = now

    def _is_doubtful(self, view: CodeView) -> bool:
        code_id = view.code.access_code_id
        if code_id not in self.doubtful:
            return False
        told, sound = self.doubtful[code_id], self.sound_since[view.device.provider_key]
        if told is None or sound is None:
            return True
        return self.clock.now() - max(told, sound, self.disturbed_at) < SERVED_WITHIN

    def _judges_wrongly(self, view: CodeView) -> bool:
        """Whether the lock's own clock, which runs wrong, has a window begun or ended by now."""
        skew = timedelta(seconds=abs(self.lock(view.device.provider_key).faults.clock_skew))
        edges = [at for at in (view.code.starts_at, view.code.ends_at) if at is not None]
        return bool(skew) and any(abs(self.clock.now() - at) <= skew for at in edges)

    def _check_served(self, view: CodeView, now: datetime) -> None:
        """A wish of long ago has come true where the lock is sound, and is told of elsewhere."""
        code, key = view.code, view.device.provider_key
        since = max(code.changed_at, code.starts_at or code.changed_at, self.disturbed_at)
        if is_over(code, now):
            since = max(
                self.disturbed_at, *(t for t in (code.ends_at, code.delete_requested_at) if t)
            )
        if code.ends_at is not None and code.delete_requested_at is not None:
            since = max(self.disturbed_at, min(code.ends_at, code.delete_requested_at))
        unseen = code.access_code_id in self.doubtful and code.status is CodeStatus.SET
        if unseen or code.blocked is not None:
            self._owed_since[code.access_code_id] = now
        since = max(since, self._owed_since.get(code.access_code_id, since))
        if now - since < SERVED_WITHIN:
            return
        is_due = code.status is not CodeStatus.SET and (
            is_over(code, now) or code.window.contains(now)
        )
        if is_due:
            assert code.errors or code.warnings, f"{now}: {key}: late, and not told"
        sound = self.sound_since[key]
        if sound is None or now - sound < SERVED_WITHIN or code.blocked is not None:
            return
        assert not (is_due and key != "small"), f"{now}: {key}: owed for long, and {code.status}"

    async def close(self) -> None:
        """The end of a run: every event has reached both endpoints, but for those that the moody
        one may have refused just now."""
        rows = self.connection.execute(
            "SELECT event_id FROM event WHERE sequence > ? AND created_at <= ?",
            (self._told_before, to_us(self.clock.now() - THIRD_ATTEMPT)),
        ).fetchall()
        for url, delivered in self.endpoints.delivered.items():
            lost = [event_id for (event_id,) in rows if not delivered[event_id]]
            assert not lost, f"{len(lost)} of {len(rows)} events never reached {url}"


STARTS = (
    ("Asia/Kolkata", datetime(2026, 11, 23, 8, 0, tzinfo=UTC)),
    # The clocks there go back, or forward, on the second day; Lord Howe's by half an hour.
    ("Europe/Amsterdam", datetime(2026, 10, 24, 6, 0, tzinfo=UTC)),
    ("Europe/Amsterdam", datetime(2027, 3, 27, 6, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 31, 6, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 13, 6, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 2, 20, 0, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 2, 20, 0, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2027, 4, 2, 20, 0, tzinfo=UTC)),
)
"""Where the lock is that keeps its schedules in local time, and when the story begins."""
