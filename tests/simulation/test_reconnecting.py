"""A connection that is made anew, a storage that is away for a while, a lock that comes back."""

import asyncio
from datetime import datetime, timedelta

import pytest

from latchwork.domain.errors import RetryLater
from latchwork.domain.pin import Secret
from latchwork.engine.housekeeping import EVERY, Kept, keep_house
from support.away import Away
from support.delivery import on_virtual_time
from support.virtual_time import VirtualClock
from support.world import DAY, HOUR, MINUTE, ONE_LOCK, SECOND, World, one_lock

NOTHING_ELSE = Kept(events=None, deliveries=None, attempts=None, audit=None, codes=None)


async def renew(world: World, token: str) -> None:
    """As the configuration does with an account that stands."""
    settings, _ = await world.storage.account_settings(world.account.connected_account_id)
    await world.storage.add_account(world.account, settings, {"token": Secret(token)})
    await world.wait(SECOND)


@on_virtual_time
async def test_it_goes_on_where_it_was() -> None:
    async with World() as world:
        before = world.driver
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        await renew(world, "first")
        renewed = world.driver
        assert renewed is not before
        await renew(world, "first")
        assert world.driver is renewed
        await renew(world, "second")
        assert world.driver is not renewed
        assert world.keypad("4711")
        other = await world.create("5822")
        await world.wait_for(other, "set", 5 * SECOND)


@on_virtual_time
async def test_the_lock_is_not_to_blame_when_its_connection_ends_under_a_visit() -> None:
    slow = {"locks": [{**ONE_LOCK, "latency": 1.0}]}
    async with World(slow) as world:
        code = await world.create("4711")
        await world.wait(SECOND / 2)
        await renew(world, "another")
        device = await world.device()
        assert device.failures == 0
        assert device.retry_at is not None
        assert await world.status(code) == "setting"
        await world.wait_for(code, "set", 6 * SECOND)


@on_virtual_time
@pytest.mark.parametrize("method", ["load_visit", "checkpoint", "release"])
async def test_a_lock_waits_for_no_lease_once_storage_is_back(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with World() as world:
        away = Away(world, method, monkeypatch)
        code = await world.create("4711")
        await world.wait(20 * SECOND)
        assert away.calls >= 1
        away.is_away = False
        await world.wait_for(code, "set", 5 * SECOND)


@on_virtual_time
async def test_an_account_is_used_once_storage_knows_that_it_is_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with World() as world:
        await world.kill()
        away = Away(world, "set_account_state", monkeypatch)
        world.start()
        await world.wait(SECOND)
        code = await world.create("4711")
        await world.wait(5 * SECOND)
        assert away.calls >= 2
        away.is_away = False
        await world.wait_for(code, "set", 5 * SECOND)


@on_virtual_time
async def test_what_a_lock_told_while_storage_was_away_is_looked_at_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with World(one_lock(pushes_changes=True)) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        connection = world.driver
        away = Away(world, "rescan_device", monkeypatch)
        world.promises = False
        await world.driver.simulate(world.first_key, "clear_by_hand", {"position": 1})
        await world.wait(20 * SECOND)
        assert away.calls >= 2
        away.is_away = False
        await world.wait(10 * SECOND)
        assert world.keypad("4711")
        assert world.driver is connection


class _Requests:
    """Kept requests that are too many for one look, behind a database that fails at first."""

    def __init__(self) -> None:
        self.left = 2500
        self.looks: list[datetime] = []

    async def prune_inbound(self, before: datetime, limit: int) -> int:
        return 0

    async def prune_requests(self, now: datetime, limit: int = 1000) -> int:
        self.looks.append(now)
        if len(self.looks) == 1:
            raise RetryLater("The database did not answer.")
        pruned = min(self.left, limit)
        self.left -= pruned
        return pruned


@on_virtual_time
async def test_what_is_kept_for_a_day_is_forgotten_in_time() -> None:
    clock, requests = VirtualClock(), _Requests()
    task = asyncio.create_task(keep_house(requests, clock, NOTHING_ELSE))  # type: ignore[arg-type]
    await asyncio.sleep((EVERY + timedelta(seconds=1)).total_seconds())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert requests.left == 0
    assert requests.looks[1] - requests.looks[0] == EVERY


@on_virtual_time
async def test_what_comes_to_wait_for_a_lock_that_was_looked_for_seldom_is_done_at_once() -> None:
    async with World(one_lock()) as world:
        world.lock().faults.offline = True
        await world.create("4711", lasts=HOUR)
        await world.wait(HOUR + 10 * MINUTE)
        before = world.lock().radio.probe
        await world.wait(2 * DAY)
        assert 4 <= world.lock().radio.probe - before <= 10
        world.lock().faults.offline = False
        code = await world.create("4712")
        await world.wait_for(code, "set", 10 * SECOND)
