"""Visits, watched: how long they took, what they led to, and which requests woke them."""

import time
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from latchwork import request_ids
from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.events import SCHEDULED_ON_DEVICE, SET_ON_DEVICE, NewEvent
from latchwork.domain.external import CONFLICTING
from latchwork.domain.late import expected_at
from latchwork.domain.policy import Policy
from latchwork.domain.timing import program_from
from latchwork.domain.visit import LockView, VisitChanges
from latchwork.engine.worker import Visitor
from latchwork.observing.metrics import Metrics
from latchwork.observing.wakes import Wakes
from latchwork.storage.interface import Lease, StaleTokenError, VisitStorage

if TYPE_CHECKING:
    from latchwork.observing.tracing import Tracing

T = TypeVar("T")

log = structlog.get_logger(__name__)

_view: ContextVar[LockView | None] = ContextVar("latchwork_visit_view", default=None)
"""What the visit at hand found, None again when it lost its lease; a visit runs in a task of its
own."""
_CODES: Final = "access_code."


class WatchedVisits:
    """A reconciler's visits, timed and traced."""

    def __init__(self, visitor: Visitor, metrics: Metrics, tracing: "Tracing | None") -> None:
        self._visitor = visitor
        self._metrics = metrics
        self._tracing = tracing

    async def visit(self, lease: Lease) -> None:
        if self._tracing is None:
            return await self._timed(lease)
        with self._tracing.span("visit", {"latchwork.device_id": lease.device_id}):
            return await self._timed(lease)

    async def _timed(self, lease: Lease) -> None:
        _view.set(None)
        outcome, begin = "failed", time.perf_counter()
        try:
            await self._visitor.visit(lease)
            # A visit that found its lease gone ends without a word.
            outcome = "lost" if _view.get() is None else "done"
        finally:
            took = time.perf_counter() - begin
            view = _view.get()
            driver = "unknown" if view is None else view.account.provider
            self._metrics.visits.note(took, driver, outcome)
            log.debug(
                "visit.ended", device_id=lease.device_id, outcome=outcome, ms=round(took * 1000, 2)
            )


class WatchedVisitStorage:
    """What visits read and write back, counted when it is stored. See VisitStorage."""

    def __init__(
        self,
        storage: VisitStorage,
        metrics: Metrics,
        wakes: Wakes,
        policy: Policy,
        tracing: "Tracing | None",
    ) -> None:
        self._storage = storage
        self._metrics = metrics
        self._wakes = wakes
        self._policy = policy
        self._tracing = tracing

    async def load_visit(self, lease: Lease) -> LockView:
        view = await self._storage.load_visit(lease)
        _view.set(view)
        if not self._wakes:
            return view
        woken_by = self._wakes.take((lease.device_id, *(c.access_code_id for c in view.codes)))
        if woken_by:
            request_ids.current.set(",".join(woken_by))
            if self._tracing is not None:
                self._tracing.woken_by(woken_by)
        return view

    async def pending_actions(self, lease: Lease) -> Sequence[ActionAttempt]:
        return await _loss_noted(self._storage.pending_actions(lease))

    async def checkpoint(
        self, lease: Lease, changes: VisitChanges, now: datetime, extend_to: datetime
    ) -> Lease:
        extended = await _loss_noted(self._storage.checkpoint(lease, changes, now, extend_to))
        self._count(changes, now)
        return extended

    async def release(
        self, lease: Lease, changes: VisitChanges, now: datetime, due_at: datetime | None
    ) -> None:
        await _loss_noted(self._storage.release(lease, changes, now, due_at))
        self._count(changes, now)

    def _count(self, changes: VisitChanges, now: datetime) -> None:
        view = _view.get()
        if view is None or not changes.events:
            return
        driver = view.account.provider
        for event in changes.events:
            if event.event_type.startswith(_CODES):
                self._metrics.told.note(driver, event.event_type)
                if event.event_type in (SET_ON_DEVICE, SCHEDULED_ON_DEVICE):
                    self._measure(view, event, now)

    def _measure(self, view: LockView, event: NewEvent, now: datetime) -> None:
        """By the code as the visit found it: proof has cured by now what tells when it was due."""
        code = next((c for c in view.codes if c.access_code_id == event.access_code_id), None)
        if code is None or _was_proven(code):
            return
        driver = view.account.provider
        begin = program_from(code, view.device, view.account)
        if not code.scheduled_on_device:
            took = (now - _wished_from(code, begin)).total_seconds()
            self._metrics.time_to_set.note(max(took, 0.0), driver)
        if event.event_type == SET_ON_DEVICE:
            late = (now - expected_at(code, begin, self._policy)).total_seconds()
            self._metrics.lateness.note(max(late, 0.0), driver)


async def _loss_noted(asking: Awaitable[T]) -> T:
    """Marks the visit at hand when it lost its lease."""
    try:
        return await asking
    except StaleTokenError:
        _view.set(None)
        raise


def _was_proven(code: AccessCode) -> bool:
    """Proven before and found gone in this very visit: this is not its first setting."""
    evidence = code.evidence
    return (
        not code.scheduled_on_device
        and evidence is not None
        and evidence.generation == code.generation
    )


def _wished_from(code: AccessCode, begin: datetime) -> datetime:
    """From when the lock was to be programmed: the wish, its time, or what another hand did."""
    undone = [p.created_at for p in code.errors if p.code == CONFLICTING]
    return max(code.changed_at, begin, *undone)
