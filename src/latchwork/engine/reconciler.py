"""A visit to one lock: read, let the pure functions judge, do one step after the other, read
again, write back what is proven, and say when to look next.

Whatever woke the engine, the visit is the same: it may be repeated, skipped or killed at any
await. Every write to a lock is announced in the ledger, committed, before the lock is touched.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random

import msgspec
import structlog

from latchwork.domain import contact
from latchwork.domain.action_attempt import OF_UNMANAGED, ActionAttempt
from latchwork.domain.backup import keep_pool
from latchwork.domain.believe import believe, believe_scan
from latchwork.domain.errors import LatchworkError, RetryLater, Unsupported
from latchwork.domain.lock_state import LockState
from latchwork.domain.observation import NotRead, Observation
from latchwork.domain.plan import (
    Clear,
    Program,
    Read,
    Rest,
    Scan,
    Write,
    plan,
    positions_at_once,
)
from latchwork.domain.policy import Policy
from latchwork.domain.reserve import reserve
from latchwork.domain.rest import next_due, note_failures, note_fullness, renew_audit
from latchwork.domain.settle import settle
from latchwork.domain.slots import Phase
from latchwork.domain.unmanaged import fulfil
from latchwork.domain.visit import LockView
from latchwork.domain.wanted import can_reach, has_work
from latchwork.drivers.protocol import Driver
from latchwork.engine.actions import carry_out
from latchwork.engine.clock import Clock
from latchwork.engine.connections import Connections
from latchwork.engine.issuing import issue_codes
from latchwork.engine.outcome import note_refusal
from latchwork.engine.patience import Patience
from latchwork.engine.turns import Turn
from latchwork.storage.interface import Lease, StaleTokenError, VisitStorage

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=180)
LEASE_MARGIN = timedelta(seconds=90)
"""A lease with less than this left is extended before the next step."""
CALL_TIMEOUT = 30.0
"""Seconds that one step on a lock may take; well below the margin."""
READ_TIMEOUT_PER_POSITION = 3.0
LONGEST_READ = 80.0
BEING_CONNECTED = timedelta(seconds=2)
"""Until a lock is looked at again whose connection is being made."""
LOOK_FOR_ACTIONS = timedelta(seconds=2)
"""A visit that goes on looks so often whether the door shall be opened meanwhile."""
POOL_PAUSE = timedelta(seconds=1)
"""Before backup codes are put on a lock, or taken off: guests' codes go first."""
SCAN_STRETCH = timedelta(seconds=10)
"""A visit that scans position by position leaves the rest to the next one after this: what was
wished meanwhile goes first."""
MAX_ROUNDS = 200
"""A visit that still finds work after so many rounds gives the others a turn."""


class Reconciler:
    """Makes visits. One instance serves all locks of an event loop; it keeps no state between
    visits."""

    def __init__(
        self,
        storage: VisitStorage,
        connections: Connections,
        clock: Clock,
        policy: Policy,
        rng: Random,
        new_id: Callable[[], str],
    ) -> None:
        self.storage = storage
        self.connections = connections
        self.clock = clock
        self.policy = policy
        self.rng = rng
        self.new_id = new_id
        self.patience = Patience()

    async def visit(self, lease: Lease) -> None:
        """Brings one claimed lock as far as it will go now, and releases it."""
        if lease.suspected:
            self.connections.suspects.recall(lease.device_id)
        if lease.scan_anew:
            self.connections.scans.forget(lease.device_id)
        try:
            async with self.connections.turn(lease.connected_account_id) as turn:
                view = await self.storage.load_visit(lease)
                await _Visit(self, lease, view, turn).run()
        except StaleTokenError:
            log.info("visit.lease_lost", device_id=lease.device_id)


class _Visit:
    def __init__(self, reconciler: Reconciler, lease: Lease, view: LockView, turn: Turn) -> None:
        self.r = reconciler
        self.lease = lease
        self.turn = turn
        self.actions = view.actions
        self.state = LockState(view, reconciler.new_id)
        self.fresh: dict[int, Observation] = {}
        self.key = view.device.provider_key
        self.driver: Driver | None = reconciler.connections.driver(lease.connected_account_id)
        self.touched = False
        self.looked_at = self.now

    @property
    def now(self) -> datetime:
        return self.r.clock.now()

    async def run(self) -> None:
        await self._carry_out(self.actions)
        if self.lease.for_doors:
            await self._release(self.now)
            return
        if self.driver is None and self.state.account.connected:
            # Nothing is known to be wrong yet.
            await self._release(self.now + BEING_CONNECTED)
            return
        if self.driver is not None and self.state.account.connected:
            await issue_codes(self.state, self.driver, self.r.clock, self.r.policy, self.r.rng)
        driver = await self._reachable()
        if driver is not None:
            look_again = await self._read_suspects(driver)
            due_at = await self._reconcile(driver)
            due_at = min((at for at in (due_at, look_again) if at is not None), default=None)
        else:
            due_at = self._settle_unreached()
        await self._release(due_at)

    async def _carry_out(self, actions: Sequence[ActionAttempt]) -> None:
        for action in actions:
            if action.action_type in OF_UNMANAGED:
                continue
            await carry_out(self.state, self.driver, action, self.now, self.r.policy)
            await self._checkpoint()
        self.looked_at = self.now

    async def _before_step(self) -> datetime:
        """When the step begins. Nobody stands at a door until all codes are on the lock."""
        await self.turn.pass_on()
        now = self.now
        if self.lease.leased_until - now < LEASE_MARGIN:
            await self._checkpoint()
            now = self.now
        if now - self.looked_at >= LOOK_FOR_ACTIONS:
            await self._carry_out(await self.r.storage.pending_actions(self.lease))
            now = self.now
        return now

    async def _reachable(self) -> Driver | None:
        """The driver when the lock can be spoken to; a lock that was lost is asked for a sign of
        life first, seldom while nothing waits for it."""
        driver = self.driver
        if driver is None or not can_reach(self.state, self.now):
            return None
        if self.state.device.online:
            return driver
        if self.state.device.failures == 0 and not has_work(self.state, self.now, self.r.policy):
            return None
        return driver if await self._probe(driver) else None

    async def _probe(self, driver: Driver) -> bool:
        try:
            with self.r.patience.within(CALL_TIMEOUT):
                answered = await driver.probe(self.key)
        except (LatchworkError, TimeoutError):
            answered = False
        if answered:
            contact.reached(self.state, self.now)
        elif not self._cut_off():
            contact.unreached(self.state, self.now, self.r.policy, self.r.rng.random())
        return answered

    def _settle_unreached(self) -> datetime | None:
        # Old proofs stand where no newer read is to be had.
        self.state.tried.update(self.state.ledger)
        now = self.now
        fulfil(self.state, {}, now, self.r.policy)
        settle(self.state, now, self.r.policy)
        return next_due(self.state, now, self.r.policy)

    async def _read_suspects(self, driver: Driver) -> datetime | None:
        """Positions that the lock said were changed by another hand. When to try those again that
        could not be read."""
        suspects, policy = self.r.connections.suspects, self.r.policy
        positions = suspects.take(self.lease.device_id, self.state.ledger)
        if not positions:
            return None
        at_once = positions_at_once(self.state, policy)
        try:
            for start in range(0, len(positions), at_once):
                if not can_reach(self.state, self.now):
                    break
                await self._before_step()
                await self._read(driver, positions[start : start + at_once])
        finally:
            unread = [p for p in positions if isinstance(self.fresh.get(p, NotRead()), NotRead)]
            wait = suspects.put_back(self.lease.device_id, unread, policy, self.r.rng.random())
        return None if wait is None else self.now + wait

    async def _reconcile(self, driver: Driver) -> datetime | None:
        policy = self.r.policy
        for _ in range(MAX_ROUNDS):
            now = self.now
            if not can_reach(self.state, now):
                return self._settle_unreached()
            fulfil(self.state, self.fresh, now, policy)
            settle(self.state, now, policy)
            step = plan(self.state, self.fresh, now, policy)
            if isinstance(step, Rest):
                note_failures(self.state, now, policy, self.r.rng.random())
                note_fullness(self.state, now)
                if self.touched or self.state.device.audit_at is None:
                    renew_audit(self.state, now, policy, self.r.rng.random())
                return next_due(self.state, now, policy)
            await self._before_step()
            if isinstance(step, Read):
                await self._read(driver, step.positions)
            elif isinstance(step, Scan):
                if not await self._scan(driver):
                    return self.now
            else:
                await self._program(driver, step)
        return self.now + timedelta(seconds=1)

    async def _read(self, driver: Driver, positions: Sequence[int]) -> None:
        self.touched = True
        self.state.tried.update(positions)
        limit = min(CALL_TIMEOUT + READ_TIMEOUT_PER_POSITION * len(positions), LONGEST_READ)
        try:
            with self.r.patience.within(limit):
                observed = await driver.observe(self.key, positions)
        except Exception as error:  # noqa: BLE001 - whatever escapes a driver is a failed read
            self.fresh.update(dict.fromkeys(positions, NotRead()))
            self._unreached(error)
            return
        read = {p: observed.get(p, NotRead()) for p in positions}
        self.fresh.update(read)
        now = self.now
        if any(not isinstance(seen, NotRead) for seen in read.values()):
            contact.reached(self.state, now)
        believe(self.state, read, now)

    async def _scan(self, driver: Driver) -> bool:
        """Whether the visit may go on; else the rest of the scan is for the next one."""
        self.state.set_device(scanned_at=self.now)
        if not self.state.device.capabilities.scan_on_adoption:
            return True
        try:
            with self.r.patience.within(LONGEST_READ):
                scanned = await driver.scan(self.key)
        except Unsupported:
            return await self._scan_in_parts(driver)
        except Exception as error:  # noqa: BLE001 - whatever escapes a driver is a failed read
            self.state.set_device(scanned_at=None)
            self._unreached(error)
            return True
        believe_scan(self.state, scanned, self.now)
        return True

    async def _scan_in_parts(self, driver: Driver) -> bool:
        """Position after position, from where the last visit left off. One that the lock passes
        over in silence stays unknown."""
        scans, began = self.r.connections.scans, self.now
        unread = scans.unread(self.state.device)
        at_once = positions_at_once(self.state, self.r.policy)
        self.state.set_device(scanned_at=None)
        while unread and can_reach(self.state, self.now):
            if self.now - began >= SCAN_STRETCH:
                return False
            await self._before_step()
            if others := [p for p in unread[:at_once] if p not in self.state.ledger]:
                await self._read(driver, others)
            if can_reach(self.state, self.now) or await self._probe(driver):
                del unread[:at_once]
        if not unread:
            scans.forget(self.lease.device_id)
            self.state.set_device(scanned_at=self.now)
        return True

    def _unreached(self, error: Exception) -> None:
        after = error.after if isinstance(error, RetryLater) else None
        if not isinstance(error, LatchworkError | TimeoutError):
            log.error("driver.failed", device_id=self.lease.device_id, exc_info=error)
        log.info(
            "lock.unreached",
            device_id=self.lease.device_id,
            reason=str(error) or type(error).__name__,
            failures=self.state.device.failures + 1,
        )
        if self._cut_off():
            return
        contact.unreached(self.state, self.now, self.r.policy, self.r.rng.random(), after=after)

    def _cut_off(self) -> bool:
        """Whether the connection ended under the visit, as it does when another process takes it
        over: the lock is not to blame, and is looked at again soon."""
        if self.r.connections.driver(self.lease.connected_account_id) is self.driver:
            return False
        self.state.set_device(retry_at=self.now + BEING_CONNECTED)
        return True

    async def _program(self, driver: Driver, step: Program) -> None:
        standing = any(one.position in self.state.ledger for one in step.steps)
        for one in step.steps:
            reserve(self.state, one)
        # Status, reservations and their events are on disk before the lock is touched. The status
        # of a code that was at no position is what it was; that of another may have changed.
        if standing:
            settle(self.state, self.now, self.r.policy)
        await self._checkpoint()
        for one in step.steps:
            begun = await self._before_step()
            ended = await self._do(driver, one, begun)
            self.fresh.pop(one.position, None)
            if not can_reach(self.state, ended):
                return

    async def _do(self, driver: Driver, step: Write | Clear, begun: datetime) -> datetime:
        """When the step ended."""
        self.touched = True
        self.state.attempted.add(step.access_code_id)
        self.r.connections.suspects.note_write(self.state.device.device_id, step.position, begun)
        failure: Exception | None = None
        try:
            with self.r.patience.within(CALL_TIMEOUT):
                if isinstance(step, Clear):
                    await driver.clear(self.key, step.position)
                else:
                    await driver.write(self.key, step.position, step.pin, step.name, step.window)
        except (LatchworkError, TimeoutError) as error:
            failure = error
        except Exception as error:
            log.exception("driver.failed", device_id=self.lease.device_id, call="write")
            failure = error
        ended = self.now
        self._note_outcome(step, failure, ended)
        return ended

    def _note_outcome(self, step: Write | Clear, failure: Exception | None, now: datetime) -> None:
        entry = self.state.ledger.get(step.position)
        if entry is not None and isinstance(step, Write):
            acknowledged = failure is None
            self.state.set_entry(
                msgspec.structs.replace(
                    entry,
                    phase=Phase.ACKNOWLEDGED if acknowledged else Phase.RESERVED,
                    written_at=now,
                )
            )
        if failure is None:
            contact.reached(self.state, now)
            return
        log.info(
            "lock.step_failed",
            device_id=self.lease.device_id,
            access_code_id=step.access_code_id,
            position=step.position,
            step=type(step).__name__,
            error=type(failure).__name__,
        )
        note_refusal(self.state, step, failure, now, self.r.policy)

    async def _checkpoint(self) -> None:
        now = self.now
        self.lease = await self.r.storage.checkpoint(
            self.lease, self.state.drain(), now, now + LEASE
        )

    async def _release(self, due_at: datetime | None) -> None:
        now = self.now
        if keep_pool(self.state, now, self.r.policy, self.r.rng.randrange):
            due_at = now + POOL_PAUSE
        changes = self.state.drain()
        converged = (*changes.converged, *self.state.converged())
        suspected = self.r.connections.suspects.has(self.lease.device_id)
        await self.r.storage.release(
            self.lease,
            msgspec.structs.replace(changes, converged=converged, suspected=suspected),
            self.now,
            due_at,
        )
