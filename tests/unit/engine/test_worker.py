"""When the worker looks for what is due, and when it looks again."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from latchwork.engine.worker import AFTER_TROUBLE, Worker
from latchwork.storage.interface import Lease
from support.delivery import on_virtual_time
from support.virtual_time import VirtualClock

DUE_AFTER = timedelta(minutes=5)
A_LOOK = timedelta(milliseconds=3)


class _Storage:
    """One lock, due once. A look for the next one takes a while, as it does over a network."""

    def __init__(self, clock: VirtualClock, *, claimable: bool = True) -> None:
        self.clock = clock
        self.due_at: datetime | None = clock.now() + DUE_AFTER
        self.claimable = claimable
        self.looks = 0
        """Since it is due."""

    def listen_due(self, listener: Callable[[], None]) -> None:
        self.wake = listener

    async def claim_due(
        self, now: datetime, _lease: timedelta, _limit: int, *, for_doors: bool, **_where: Any
    ) -> Sequence[Lease]:
        if self.due_at is None or now < self.due_at:
            return []
        self.looks += not for_doors
        if not self.claimable:
            return []
        self.due_at = None
        return [
            Lease(device_id="lock", connected_account_id="acc", token=1, leased_until=now + A_LOOK)
        ]

    async def next_due(self, _accounts: Sequence[str] | None = None) -> datetime | None:
        await self.clock.sleep(A_LOOK)
        return self.due_at


class _Connections:
    def listen(self, listener: Callable[[], None]) -> None:
        """Nothing happens to connections here."""

    def rooms(self, _visits: Any) -> dict[str, int]:
        return {}

    def held(self) -> None:
        """All are this process's."""


class _Visitor:
    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.at: list[datetime] = []

    async def visit(self, _lease: Lease) -> None:
        self.at.append(self.clock.now())


async def work(storage: _Storage, visitor: _Visitor, wakes: Sequence[timedelta] = ()) -> None:
    """Until ten seconds after the lock is due; the worker is woken in between."""
    begin = storage.clock.now()
    worker = Worker(storage, _Connections(), storage.clock, visitor)  # type: ignore[arg-type]
    running = asyncio.create_task(worker.run())
    for wake in wakes:
        await storage.clock.sleep(begin + wake - storage.clock.now())
        storage.wake()
    await storage.clock.sleep(begin + DUE_AFTER + timedelta(seconds=10) - storage.clock.now())
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("early", [timedelta(0), A_LOOK / 3, A_LOOK, A_LOOK * 2])
def test_a_lock_is_visited_when_it_is_due_however_close_to_it_the_last_look_was(
    early: timedelta,
) -> None:
    @on_virtual_time
    async def story() -> None:
        clock = VirtualClock()
        storage, visitor = _Storage(clock), _Visitor(clock)
        due_at = clock.now() + DUE_AFTER
        await work(storage, visitor, [DUE_AFTER - early])
        [visited_at] = visitor.at
        assert timedelta(0) <= visited_at - due_at <= A_LOOK

    story()


@on_virtual_time
async def test_what_is_due_and_cannot_be_claimed_is_looked_for_once_in_a_while() -> None:
    clock = VirtualClock()
    storage, visitor = _Storage(clock, claimable=False), _Visitor(clock)
    await work(storage, visitor)
    assert not visitor.at
    assert storage.looks <= timedelta(seconds=10) / AFTER_TROUBLE + 1
