"""Accounts that are suspended, listed anew and forgotten; devices that nobody manages."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import msgspec

from latchwork.domain.account_commands import resumed, suspended, to_be_listed
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.device_commands import (
    DeviceChanges,
    account_deleted,
    changed_device,
    device_deleted,
)
from latchwork.storage.interface import Lease
from support.delivery import on_virtual_time
from support.world import DAY, HOUR, MINUTE, SECOND, World


class Street(World):
    async def change(self, change: Any) -> None:
        """Of the account, as the API makes it."""
        account_id = self.account.connected_account_id
        changed = await self.storage.change_account(
            self.workspace_id, account_id, lambda account: (change(account), ())
        )
        assert changed is not None
        await self.clock.sleep(2 * SECOND)

    async def set_managed(self, *, is_managed: bool) -> None:
        account, now = self.account, self.clock.now()
        changes = DeviceChanges(is_managed=is_managed)
        device = await self.device()
        await self.storage.change_device(
            device.device_id, lambda d: changed_device(d, account, changes, now), now
        )

    async def forget_device(self, device: Device) -> None:
        now = self.clock.now()
        assert await self.storage.delete_device(
            self.workspace_id, device.device_id, lambda d, a, c: device_deleted(d, a, c, now)
        )


@on_virtual_time
async def test_a_suspended_account_stays_disconnected_until_somebody_wishes_otherwise() -> None:
    async with Street() as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        lock = world.lock()
        await world.change(suspended)
        for _ in range(3):
            await world.clock.sleep(2 * HOUR)
            account = await world.storage.account(
                world.workspace_id, world.account.connected_account_id
            )
            assert account is not None
            assert [e.code for e in account.errors] == ["account_disconnected"]
            assert world.connections.driver(account.connected_account_id) is None
        assert lock.opens(world.codes[code].pin, world.clock.now()), "the lock was touched"
        await world.change(resumed)
        await world.wait(MINUTE)
        assert await world.status(code) == "set"
        told = await world.told()
        assert told[-5:] == [
            "connected_account.disconnected",
            "device.disconnected",
            "connected_account.connected",
            "device.connected",
            "connected_account.completed_first_sync_after_reconnection",
        ]


@on_virtual_time
async def test_a_restart_keeps_a_suspended_account_suspended() -> None:
    async with Street() as world:
        await world.change(suspended)
        await world.restart()
        await world.clock.sleep(HOUR)
        assert world.connections.driver(world.account.connected_account_id) is None
        assert (await world.told()).count("connected_account.disconnected") == 1


@on_virtual_time
async def test_a_sync_lists_the_locks_anew_without_a_new_connection() -> None:
    async with Street() as world:
        driver = world.driver
        device = await world.device()
        await world.forget_device(device)
        await world.wait(HOUR)
        account_id = world.account.connected_account_id
        assert await world.storage.devices_of_account(account_id) == []
        await world.change(lambda account: to_be_listed(account, world.clock.now()))
        assert world.driver is driver
        [found] = await world.storage.devices_of_account(account_id)
        assert found.device_id != device.device_id
        assert (await world.told())[-2:] == ["device.added", "device.connected"]


@on_virtual_time
async def test_a_new_lock_is_left_alone_where_the_account_says_so() -> None:
    async with Street() as world:
        await world.forget_device(await world.device())
        spent = world.lock().radio.total

        def changed(account: ConnectedAccount) -> ConnectedAccount:
            account = to_be_listed(account, world.clock.now())
            return msgspec.structs.replace(account, automatically_manage_new_devices=False)

        await world.change(changed)
        await world.wait(2 * DAY, HOUR)
        assert not (await world.device()).is_managed
        assert world.lock().radio.total == spent, "the radio of an unmanaged lock was used"
        assert (await world.told())[-1] == "device.unmanaged.connected"
        await world.driver.simulate("front", "disconnect", {})
        await world.wait(SECOND)
        assert (await world.told())[-1] == "device.unmanaged.disconnected"
        await world.driver.simulate("front", "connect", {})
        await world.set_managed(is_managed=True)
        code = await world.create("4711")
        await world.wait_for(code, "set", 10 * SECOND)


@on_virtual_time
async def test_codes_of_a_lock_that_is_left_alone_since_are_seen_through() -> None:
    async with Street() as world:
        code = await world.create("4711", lasts=2 * HOUR)
        await world.wait_for(code, "set", 10 * SECOND)
        await world.set_managed(is_managed=False)
        await world.wait(2 * HOUR + MINUTE)
        assert await world.status(code) == "gone"
        assert world.lock().codes == {}
        spent = world.lock().radio.total
        await world.wait(2 * DAY, HOUR)
        assert world.lock().radio.total == spent


@on_virtual_time
async def test_a_forgotten_account_touches_no_lock_and_is_let_go() -> None:
    async with Street() as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 10 * SECOND)
        await world.create("4712", starts_in=DAY, lasts=DAY)
        lock, now = world.lock(), world.clock.now()
        spent = lock.radio.total
        account_id = world.account.connected_account_id
        assert await world.storage.delete_account(
            world.workspace_id, account_id, lambda a, held: account_deleted(a, held, now)
        )
        await world.clock.sleep(DAY)
        assert world.connections.driver(account_id) is None
        assert lock.opens(world.codes[code].pin, world.clock.now())
        assert lock.radio.total == spent
        assert (await world.told())[-4:] == [
            "deleted",
            "deleted",
            "device.deleted",
            "connected_account.deleted",
        ]


@on_virtual_time
async def test_a_lock_that_is_forgotten_during_a_visit_ends_the_visit() -> None:
    async with Street() as world:
        world.lock().faults.delay = 2.0
        await world.create("4711")
        await world.clock.sleep(SECOND)
        await world.forget_device(await world.device())
        world.codes.clear()
        await world.wait(HOUR)
        assert await world.storage.devices_of_account(world.account.connected_account_id) == []


@on_virtual_time
async def test_an_account_that_does_one_thing_at_a_time_keeps_no_other_from_many() -> None:
    async with Street({"count": 40, "concurrency": 40}) as world:
        slow = msgspec.structs.replace(world.account, connected_account_id=world.new_id())
        await world.storage.add_account(slow, {"count": 5, "concurrency": 1}, {})
        await world.clock.sleep(MINUTE)
        locks = await world.storage.devices_of_account(world.account.connected_account_id)
        assert len(locks) == 40
        claimed = Counter[str]()
        claim_due = world.storage.claim_due

        async def noted(*args: Any, **wanted: Any) -> Sequence[Lease]:
            leases = await claim_due(*args, **wanted)
            claimed["locks"] += len(leases)
            claimed["times"] += bool(leases)
            return leases

        with patch.object(world.storage, "claim_due", noted):
            now = world.clock.now()
            await asyncio.gather(
                *(
                    world.storage.rescan_device(lock.device_id, now, positions=True)
                    for lock in locks
                )
            )
            await world.clock.sleep(MINUTE)
        assert claimed["locks"] >= 40
        assert claimed["times"] < 10
