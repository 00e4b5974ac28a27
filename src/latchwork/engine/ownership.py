"""This process among others: what it owns, and that it is alive."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from latchwork.domain.errors import LatchworkError
from latchwork.engine.clock import Clock
from latchwork.storage.ownership import OwnershipStorage, Term

log = structlog.get_logger(__name__)

TERM: Final = Term(at_most=timedelta(seconds=8), without_session=timedelta(seconds=1.5))
"""A process that has not been heard of for so long is dead, and what it owned is free."""
BEAT: Final = timedelta(seconds=1)


class Ownership(Protocol):
    """Which accounts this process keeps connected."""

    async def hold(self) -> frozenset[str]:
        """The accounts to keep, for one term more."""

    async def give_back(self, keep: Collection[str]) -> None:
        """Lets others have all but these, after their connections ended."""

    def lapsed(self) -> bool:
        """Whether the term is over: others may own by now what this process did."""


class SharedOwnership:
    """See Ownership. Accounts are divided evenly among the processes that work."""

    def __init__(self, storage: OwnershipStorage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._process_id = storage.process_id
        self._until: datetime | None = None

    async def hold(self) -> frozenset[str]:
        now = self._clock.now()
        held = await self._storage.share_accounts(self._process_id, now, TERM)
        self._until = now + TERM.at_most
        return frozenset(held)

    async def give_back(self, keep: Collection[str]) -> None:
        await self._storage.give_accounts_back(self._process_id, sorted(keep))

    def lapsed(self) -> bool:
        return self._until is None or self._clock.now() >= self._until


@asynccontextmanager
async def among_others(storage: OwnershipStorage, clock: Clock) -> AsyncIterator[None]:
    """This process is alive: others know before it takes anything on, and when it has ended."""
    await storage.beat(storage.process_id, clock.now(), TERM)
    try:
        yield
    finally:
        try:
            await storage.leave(storage.process_id)
        except LatchworkError as error:
            log.info("ownership.not_left", reason=str(error))


async def beat(storage: OwnershipStorage, clock: Clock) -> None:
    """For a process that owns nothing; ends only by cancellation."""
    while True:
        await clock.sleep(BEAT)
        try:
            await storage.beat(storage.process_id, clock.now(), TERM)
        except LatchworkError as error:
            log.info("ownership.not_heard", reason=str(error))
