"""A connection made anew because its account was connected again."""

import asyncio
from datetime import datetime, timedelta

from latchwork.domain.errors import RetryLater
from latchwork.domain.pin import Secret
from latchwork.engine.housekeeping import EVERY, Kept, keep_house
from support.delivery import on_virtual_time
from support.virtual_time import VirtualClock
from support.world import SECOND, World

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
