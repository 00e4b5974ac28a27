"""Forgets in time what is kept for a time only."""

from datetime import timedelta
from typing import Final

import structlog

from latchwork.domain.errors import LatchworkError
from latchwork.engine.clock import Clock
from latchwork.storage.access import IdempotencyStorage

log = structlog.get_logger(__name__)

EVERY: Final = timedelta(minutes=15)
AT_ONCE: Final = 1000


async def keep_house(storage: IdempotencyStorage, clock: Clock) -> None:
    """Ends only by cancellation."""
    while True:
        try:
            while await storage.prune_requests(clock.now(), AT_ONCE) == AT_ONCE:
                pass
        except LatchworkError:
            log.warning("housekeeping.storage_unavailable", exc_info=True)
        await clock.sleep(EVERY)
