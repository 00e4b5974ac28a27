"""Connections among other processes: that hang while they are closed, or end while nothing can be
stored."""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from latchwork.domain.account_commands import suspended
from latchwork.domain.errors import RetryLater
from latchwork.domain.pin import Secret
from latchwork.drivers.protocol import DriverContext, Sink
from latchwork.drivers.simulator.driver import SimulatorDriver
from latchwork.engine.connections import Connections
from latchwork.engine.ending import INSIST_AFTER
from latchwork.storage.interface import StorageUnavailable
from support.away import Away
from support.delivery import on_virtual_time
from support.world import HOUR, ONE_LOCK, SECOND, World

SLOW = (INSIST_AFTER - 1) * SECOND
HANGS = 60 * SECOND


class _Frail(SimulatorDriver):
    """Ends when it is told to, and takes its time to close."""

    def __init__(self, context: DriverContext, street: "Street") -> None:
        super().__init__(context)
        self._street = street
        self._account_id = context.connected_account_id
        street.open[self._account_id] += 1
        assert street.open[self._account_id] == 1, "connected twice at a time"

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        if not self._street.broken.is_set():
            running = asyncio.create_task(super().run(sink, connected))
            breaking = asyncio.create_task(self._street.broken.wait())
            try:
                await asyncio.wait((running, breaking), return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                if not self._street.is_deaf:
                    raise
                await breaking
            finally:
                running.cancel()
                breaking.cancel()
        raise RetryLater("The connection was lost.")

    async def aclose(self) -> None:
        try:
            await asyncio.sleep(self._street.close_takes)
        finally:
            self._street.open[self._account_id] -= 1
        if self._street.close_fails:
            raise OSError("no goodbye")


class Street(World):
    """Its process is one among others: it has the accounts that `shared` names; None: all."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = asyncio.Event()
        self.close_takes = 0.0
        self.close_fails = False
        self.is_away = False
        self.is_deaf = False
        """Connections miss their cancellation."""
        self.open = Counter[str]()
        self.shared: Collection[str] | None = None
        self.held_at: list[datetime] = []
        self.given: set[str] = set()
        """What others may have."""

    def new_connections(self) -> Connections:
        factory: Any = lambda context: _Frail(context, self)  # noqa: E731
        return Connections(
            self.storage, {"simulator": factory}, self.clock, self.rng, self.new_id, ownership=self
        )

    async def add(self) -> str:
        """The id of another account, with as many locks as none has."""
        account = msgspec.structs.replace(self.account, connected_account_id=self.new_id())
        settings = {"count": len(await self.every()) + 1}
        account = await self.storage.add_account(account, settings, {})
        await self.clock.sleep(3 * SECOND)
        return account.connected_account_id

    async def every(self) -> set[str]:
        return {account.connected_account_id for account in await self.storage.all_accounts()}

    # See Ownership

    async def hold(self) -> frozenset[str]:
        self.held_at.append(self.clock.now())
        return frozenset(await self.every() if self.shared is None else self.shared)

    async def give_back(self, keep: Collection[str]) -> None:
        if self.is_away:
            raise StorageUnavailable("The database did not answer.")
        self.given = await self.every() - set(keep)
        assert not any(self.open[account_id] for account_id in self.given)

    def lapsed(self) -> bool:
        return False


@on_virtual_time
async def test_one_that_hangs_is_broken_off_and_keeps_the_process_from_nothing_else() -> None:
    async with Street() as world:
        away = [await world.add() for _ in range(3)]
        world.close_takes = HANGS.total_seconds()
        world.shared = [world.account.connected_account_id]
        code = await world.create("4711")
        begin = world.clock.now()
        await world.wait_for(code, "set", 5 * SECOND)
        assert [world.open[account_id] for account_id in away] == [1, 1, 1]
        assert world.given == set()
        await world.clock.sleep((INSIST_AFTER + 1) * SECOND)
        assert world.given == set(away)
        beats = [at for at in world.held_at if at >= begin]
        assert max(b - a for a, b in pairwise(beats)) <= 2 * SECOND


@on_virtual_time
async def test_one_that_misses_its_end_is_ended_all_the_same() -> None:
    async with Street() as world:
        world.is_deaf = True
        other = await world.add()
        world.shared = [world.account.connected_account_id]
        await world.clock.sleep(3 * SECOND)
        assert world.open[other] == 1
        await world.clock.sleep(INSIST_AFTER * SECOND)
        assert world.given == {other}
        await world.restart()
        await world.clock.sleep(3 * SECOND)
        assert world.open[world.account.connected_account_id] == 1


@on_virtual_time
async def test_others_get_what_could_not_be_given_back_at_first() -> None:
    async with Street() as world:
        other = await world.add()
        world.is_away = True
        world.shared = [world.account.connected_account_id]
        await world.clock.sleep(10 * SECOND)
        assert world.open[other] == 0
        world.is_away = False
        await world.clock.sleep(3 * SECOND)
        assert world.given == {other}


@on_virtual_time
async def test_others_get_what_was_not_connected_here() -> None:
    async with Street() as world:
        other = await world.add()
        await world.storage.change_account(
            world.workspace_id, other, lambda account: (suspended(account), ())
        )
        await world.clock.sleep(3 * SECOND)
        assert world.given == set()
        world.shared = [world.account.connected_account_id]
        await world.clock.sleep(3 * SECOND)
        assert world.given == {other}


@on_virtual_time
async def test_accounts_are_read_again_when_something_of_them_has_changed() -> None:
    async with Street() as world:
        account_id = world.account.connected_account_id
        world.shared = await world.every()
        await world.clock.sleep(3 * SECOND)
        with patch.object(
            world.storage, "all_accounts", wraps=world.storage.all_accounts
        ) as reading:
            await world.clock.sleep(60 * SECOND)
            assert not reading.called
            await world.storage.change_account(
                world.workspace_id, account_id, lambda account: (suspended(account), ())
            )
            await world.clock.sleep(3 * SECOND)
        assert world.open[account_id] == 0


@on_virtual_time
async def test_it_is_made_anew_once_it_is_closed_and_not_asked_meanwhile() -> None:
    async with Street() as world:
        world.close_takes = SLOW.total_seconds()
        account_id = world.account.connected_account_id
        await world.storage.add_account(world.account, world.settings, {"token": Secret("new")})
        await world.clock.sleep(1.5 * SECOND)
        code = await world.create("4711", key=ONE_LOCK["key"])
        assert world.connections.driver(account_id) is None
        await world.clock.sleep(SECOND)
        assert await world.status(code) == "setting"
        await world.clock.sleep(SLOW)
        await world.wait_for(code, "set", 5 * SECOND)


@on_virtual_time
@pytest.mark.parametrize("trouble", ["storage is away", "closing fails", "closing hangs"])
async def test_it_comes_back_whatever_went_wrong_while_it_ended(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Street() as world:
        world.close_fails = trouble == "closing fails"
        world.close_takes = HOUR.total_seconds() * 24 if trouble == "closing hangs" else 0.0
        away = Away(world, "set_account_state", monkeypatch)
        away.is_away = trouble == "storage is away"
        world.broken.set()
        await world.clock.sleep(HOUR)
        assert (away.calls > 1) == (trouble == "storage is away")
        away.is_away = False
        world.broken.clear()
        await world.clock.sleep(60 * SECOND)
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
