"""Forgets in time what is kept for a time only."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError
from latchwork.engine.clock import Clock
from latchwork.storage.access import IdempotencyStorage
from latchwork.storage.retention import RetentionStorage

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=15)
AT_ONCE: Final = 1000
BREATH: Final = timedelta(milliseconds=50)
"""Between two deletions, for those who wait."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """For how long; None: for ever."""

    events: timedelta | None = timedelta(days=90)
    deliveries: timedelta | None = timedelta(days=30)
    attempts: timedelta | None = timedelta(days=30)
    audit: timedelta | None = timedelta(days=365)


class _Storage(IdempotencyStorage, RetentionStorage, Protocol):
    pass


async def keep_house(storage: _Storage, clock: Clock, kept: Kept) -> None:
    """Ends only by cancellation."""
    while True:
        try:
            await _prune(lambda: storage.prune_requests(clock.now(), AT_ONCE), clock)
            for span, prune in (
                (kept.events, storage.prune_events),
                (kept.deliveries, storage.prune_deliveries),
                (kept.attempts, storage.prune_attempts),
                (kept.audit, storage.prune_audit),
            ):
                if span is not None:
                    await _prune(_of_before(prune, clock.now() - span), clock)
        except LatchworkError:
            log.warning("housekeeping.storage_unavailable", exc_info=True)
        await clock.sleep(EVERY)


def _of_before(
    prune: Callable[[datetime, int], Awaitable[int]], before: datetime
) -> Callable[[], Awaitable[int]]:
    return lambda: prune(before, AT_ONCE)


async def _prune(some: Callable[[], Awaitable[int]], clock: Clock) -> None:
    while await some() >= AT_ONCE:
        await clock.sleep(BREATH)
