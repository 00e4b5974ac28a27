"""Forgets in time what is kept for a time only."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError
from latchwork.engine.clock import Clock
from latchwork.storage.access import IdempotencyStorage
from latchwork.storage.inbound import InboundStorage
from latchwork.storage.retention import RetentionStorage

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=15)
AT_ONCE: Final = 1000
CODES_AT_ONCE: Final = 200
"""Each with some events and attempts."""
UNTAKEN: Final = timedelta(days=1)
"""After which a delivery that nobody could take tells nothing that the account's looks do not."""
BREATH: Final = timedelta(milliseconds=50)
"""Between two deletions, for those who wait."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """For how long; None: for ever."""

    events: timedelta | None = timedelta(days=90)
    deliveries: timedelta | None = timedelta(days=30)
    attempts: timedelta | None = timedelta(days=30)
    audit: timedelta | None = timedelta(days=365)
    codes: timedelta | None = timedelta(days=90)
    """After they are gone."""


class _Storage(IdempotencyStorage, RetentionStorage, InboundStorage, Protocol):
    pass


async def keep_house(storage: _Storage, clock: Clock, kept: Kept) -> None:
    """Ends only by cancellation."""
    while True:
        try:
            await _prune(storage.prune_requests, clock.now(), AT_ONCE, clock)
            for span, prune, at_once in (
                (UNTAKEN, storage.prune_inbound, AT_ONCE),
                (kept.events, storage.prune_events, AT_ONCE),
                (kept.deliveries, storage.prune_deliveries, AT_ONCE),
                (kept.attempts, storage.prune_attempts, AT_ONCE),
                (kept.codes, storage.prune_codes, CODES_AT_ONCE),
                (kept.audit, storage.prune_audit, AT_ONCE),
            ):
                if span is not None:
                    await _prune(prune, clock.now() - span, at_once, clock)
        except LatchworkError:
            log.warning("housekeeping.storage_unavailable", exc_info=True)
        await clock.sleep(EVERY)


async def _prune(
    some: Callable[[datetime, int], Awaitable[int]], when: datetime, at_once: int, clock: Clock
) -> None:
    while await some(when, at_once) >= at_once:
        await clock.sleep(BREATH)
