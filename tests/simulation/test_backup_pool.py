"""The backup pool on virtual time, with the keypad as the judge."""

from latchwork.domain.access_code import CodeStatus, Pool
from latchwork.domain.device_commands import DeviceChanges, changed_device
from latchwork.domain.problem import has
from support.delivery import on_virtual_time
from support.world import DAY, HOUR, MINUTE, SECOND, World, one_lock


@on_virtual_time
async def test_pool_stands_on_the_lock_while_a_code_asks_for_it() -> None:
    async with World() as world:
        code = await world.create("4711", lasts=DAY, use_backup_pool=True)
        await world.wait(MINUTE)
        pool = await world.pool()
        assert len(pool) == world.policy.backup_pool_size
        for backup in pool:
            assert backup.status is CodeStatus.SET
            assert world.keypad(backup.pin.reveal())
        assert (await world.view(code)).backup_available
        await world.wait(DAY + HOUR, 10 * MINUTE)
        assert await world.pool() == []
        assert world.lock().codes == {}
        for backup in pool:
            assert await world.told(backup.access_code_id) == [
                "created",
                "set_on_device",
                "removed_from_device",
                "deleted",
            ]


@on_virtual_time
async def test_pool_is_filled_long_before_the_code_that_asks_for_it_starts() -> None:
    async with World() as world:
        code = await world.create("4711", starts_in=30 * DAY, lasts=DAY, use_backup_pool=True)
        await world.wait(MINUTE)
        assert (await world.view(code)).backup_available
        assert not world.keypad("4711")


@on_virtual_time
async def test_pool_is_given_up_where_the_device_shall_have_none() -> None:
    async with World() as world:
        await world.create("4711", lasts=DAY, use_backup_pool=True)
        await world.wait(MINUTE)
        assert await world.pool() != []
        device, now = await world.device(), world.clock.now()
        changes = DeviceChanges(backup_pool_enabled=False)
        await world.storage.change_device(
            device.device_id, lambda d: changed_device(d, world.account, changes, now), now
        )
        await world.wait(MINUTE)
        assert await world.pool() == []
        assert len(world.lock().codes) == 1


@on_virtual_time
async def test_ongoing_code_brings_no_pool() -> None:
    async with World() as world:
        await world.create("4711", use_backup_pool=True)
        await world.wait(MINUTE)
        assert await world.pool() == []


@on_virtual_time
async def test_pulled_code_opens_at_once_until_the_end_of_the_code_it_stands_in_for() -> None:
    for native in (False, True):
        async with World(one_lock(native_scheduling=native)) as world:
            code = await world.create("4711", lasts=DAY, use_backup_pool=True)
            await world.wait(HOUR)
            pulled = await world.pull_backup(code)
            pin = (await world.view(pulled)).code.pin.reveal()
            for _ in range(60):
                assert world.keypad(pin)
                assert await world.status(pulled) == "set"
                await world.wait(SECOND / 2, SECOND / 2)
            original = (await world.view(code)).code
            assert original.pulled_backup_id == pulled
            assert has(original.warnings, "using_backup_access_code")
            assert "backup_access_code_pulled" in await world.told(code)
            standing = (await world.view(pulled)).code
            assert (standing.window, standing.pool) == (original.window, Pool.PULLED)
            assert len(await world.pool()) == world.policy.backup_pool_size, "not filled again"
            assert not (await world.view(code)).backup_available
            await world.wait(DAY, 10 * MINUTE)
            assert await world.status(pulled) == "gone"
            assert not world.keypad(pin)


@on_virtual_time
async def test_backup_opens_where_the_code_itself_never_came_to_stand() -> None:
    async with World(one_lock(refuses_duplicates=True, scan_on_adoption=False)) as world:
        world.program_by_hand(9, "4711")
        code = await world.create("4711", lasts=DAY, use_backup_pool=True)
        await world.wait(HOUR)
        assert "duplicate_code_on_device" in await world.problems(code)
        pulled = await world.pull_backup(code)
        assert world.keypad((await world.view(pulled)).code.pin.reveal())


@on_virtual_time
async def test_backup_codes_yield_a_scarce_position_to_guests() -> None:
    async with World(one_lock(positions=3)) as world:
        await world.create("1111", lasts=DAY, use_backup_pool=True)
        await world.wait(MINUTE)
        assert len(world.lock().codes) == 3
        guests = [await world.create(pin, lasts=DAY) for pin in ("2222", "3333")]
        await world.wait(5 * MINUTE)
        assert [await world.status(guest) for guest in guests] == ["set", "set"]
        assert has((await world.device()).errors, "empty_backup_access_code_pool")
        for guest in guests:
            await world.delete(guest)
        await world.wait(10 * MINUTE)
        assert not has((await world.device()).errors, "empty_backup_access_code_pool")
        assert len(world.lock().codes) == 3


@on_virtual_time
async def test_pool_that_cannot_be_set_is_told_and_mended() -> None:
    async with World() as world:
        world.lock().faults.offline = True
        await world.create("4711", lasts=DAY, use_backup_pool=True)
        await world.wait(HOUR)
        assert has((await world.device()).errors, "empty_backup_access_code_pool")
        world.lock().faults.offline = False
        await world.wait(10 * MINUTE)
        assert not has((await world.device()).errors, "empty_backup_access_code_pool")
        assert {code.status for code in await world.pool()} == {CodeStatus.SET}


@on_virtual_time
async def test_crash_at_any_moment_leaves_one_whole_pool() -> None:
    for tenth in range(1, 30, 2):
        async with World(seed=tenth) as world:
            await world.create("4711", lasts=DAY, use_backup_pool=True)
            await world.wait(tenth * SECOND / 10, SECOND / 10)
            await world.restart()
            await world.wait(MINUTE)
            pool = await world.pool()
            assert {code.status for code in pool} == {CodeStatus.SET}
            assert len(pool) == world.policy.backup_pool_size
            assert len(world.lock().codes) == 1 + len(pool)
