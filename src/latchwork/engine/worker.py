"""The claim loop: takes due locks from storage and visits them, many at once, each by one."""

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from latchwork.domain.errors import LatchworkError
from latchwork.domain.visit import VisitChanges
from latchwork.engine.clock import Clock
from latchwork.engine.connections import Connections
from latchwork.engine.ending import end
from latchwork.engine.nap import nap
from latchwork.engine.reconciler import LEASE
from latchwork.storage.interface import EngineStorage, Lease, StaleTokenError

log = structlog.get_logger(__name__)

LONGEST_NAP = timedelta(seconds=60)
"""Waking is by notice and by due time; this only bounds what a lost notice can cost."""
AFTER_TROUBLE = timedelta(seconds=1)
DOORS_AT_ONCE = 16
"""Beyond the other visits, and through one connection as many as it takes of those."""
LOOK_FOR_DOORS = 0.5
"""Seconds between two looks for doors that the other visits leave waiting."""


class Visitor(Protocol):
    async def visit(self, lease: Lease) -> None:
        """See Reconciler."""


class _Lane:
    """Visits under way beside each other, up to `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.visits: dict[asyncio.Task[None], str] = {}
        self.per_account: dict[str, int] = {}

    def begin(self, task: asyncio.Task[None], account: str) -> None:
        self.visits[task] = account
        self.per_account[account] = self.per_account.get(account, 0) + 1

    def end(self, task: asyncio.Task[None]) -> None:
        account = self.visits.pop(task)
        left = self.per_account[account] - 1
        if left:
            self.per_account[account] = left
        else:
            del self.per_account[account]


class Worker:
    """Runs visits until it is cancelled. Fair: of one connection as many at once as it takes, so
    that a slow controller or a dead lock never delays the others. What somebody at a door waits
    for has a lane of its own: it never waits for codes of other locks."""

    def __init__(
        self,
        storage: EngineStorage,
        connections: Connections,
        clock: Clock,
        reconciler: Visitor,
        *,
        concurrency: int = 512,
    ) -> None:
        self.storage = storage
        self.connections = connections
        self.clock = clock
        self.reconciler = reconciler
        self._wake = asyncio.Event()
        self._visits = _Lane(concurrency)
        self._doors = _Lane(DOORS_AT_ONCE)
        self._look_for_doors_at = 0.0
        """By the event loop's clock, which nobody sets back."""
        storage.listen_due(self._wake.set)
        connections.listen(self._wake.set)

    async def run(self) -> None:
        """Claims and visits; ends only by cancellation, after its visits have stopped."""
        try:
            while True:
                self._wake.clear()
                looked_at = self.clock.now()
                try:
                    if not await self._claim(looked_at):
                        await self._nap(looked_at)
                except LatchworkError:
                    log.warning("worker.storage_unavailable", exc_info=True)
                    await self.clock.sleep(AFTER_TROUBLE)
        finally:
            await self._stop_visits()

    async def _claim(self, now: datetime) -> bool:
        """Claims what there is room for; whether another claim is worth trying at once."""
        claimed = await self._fill(self._visits, now)
        ticks = asyncio.get_running_loop().time()
        if ticks >= self._look_for_doors_at:
            self._look_for_doors_at = ticks + LOOK_FOR_DOORS
            claimed = await self._fill(self._doors, now, for_doors=True) or claimed
        return claimed

    async def _fill(self, lane: _Lane, now: datetime, *, for_doors: bool = False) -> bool:
        room = lane.most - len(lane.visits)
        if room <= 0:
            return False
        leases = await self.storage.claim_due(
            now,
            LEASE,
            room,
            rooms=self.connections.rooms(lane.per_account),
            accounts=self.connections.held(),
            for_doors=for_doors,
        )
        for lease in leases:
            self._start(lane, lease)
        return len(leases) > 0

    def _start(self, lane: _Lane, lease: Lease) -> None:
        task = asyncio.get_running_loop().create_task(self._visit(lease))
        lane.begin(task, lease.connected_account_id)
        task.add_done_callback(lane.end)
        task.add_done_callback(self._ended)

    async def _visit(self, lease: Lease) -> None:
        try:
            await self.reconciler.visit(lease)
        except LatchworkError:
            log.warning("visit.storage_unavailable", device_id=lease.device_id, exc_info=True)
            await self._give_back(lease)

    async def _give_back(self, lease: Lease) -> None:
        """As soon as storage answers again, the lock is due again; its lease would keep it from
        being visited for minutes."""
        suspected = lease.suspected or self.connections.suspects.has(lease.device_id)
        unread = VisitChanges(suspected=suspected)
        while self.clock.now() < lease.leased_until:
            await self.clock.sleep(AFTER_TROUBLE)
            now = self.clock.now()
            try:
                await self.storage.release(lease, unread, now, now)
            except StaleTokenError:
                return
            except LatchworkError:
                continue
            return

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The lease runs out by itself, and the lock is visited anew.
            log.error("visit.failed", exc_info=error)

    async def _nap(self, looked_at: datetime) -> None:
        """Until something wakes the worker, or is due that was not when it last looked: timers ring
        a little early, and the instant may pass between that look and this one."""
        due_at = await self.storage.next_due(self.connections.held())
        pause = LONGEST_NAP
        if due_at is not None:
            pause = min(pause, due_at - self.clock.now())
            if due_at <= looked_at:
                # Its connection is busy or being made: a visit's end or a notice wakes us.
                pause = AFTER_TROUBLE
        if pause > timedelta(0):
            await nap(self._wake, pause)

    async def _stop_visits(self) -> None:
        await end((*self._visits.visits, *self._doors.visits))
