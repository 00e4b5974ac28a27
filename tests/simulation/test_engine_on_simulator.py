"""The engine, its storage and simulated locks, over weeks of virtual time."""

from support.delivery import on_virtual_time
from support.world import DAY, HOUR, MINUTE, SECOND, World, one_lock


@on_virtual_time
async def test_ongoing_code_is_set_with_its_proof_and_removed_on_delete() -> None:
    async with World() as world:
        code = await world.create("4711")
        took = await world.wait_for(code, "set", 3 * SECOND)
        assert took <= 2 * SECOND
        evidence = (await world.view(code)).code.evidence
        assert evidence is not None
        assert evidence.kind.value == "read_back"
        assert world.keypad("4711")
        await world.delete(code)
        await world.wait_for(code, "gone", 3 * SECOND)
        assert not world.keypad("4711")
        assert await world.told(code) == [
            "created",
            "set_on_device",
            "mutations_requested",
            "removed_from_device",
            "deleted",
        ]


@on_virtual_time
async def test_lock_that_acknowledges_and_stores_nothing_is_never_believed() -> None:
    async with World() as world:
        world.lock().faults.ignore_writes = -1
        code = await world.create("4711")
        await world.wait(20 * MINUTE)
        assert await world.status(code) == "setting"
        told = await world.told(code)
        assert told == ["created", "delay_in_setting_on_device", "failed_to_set_on_device"]
        world.lock().faults.ignore_writes = 0
        await world.wait_for(code, "set", 6 * MINUTE)
        assert await world.problems(code) == set()


@on_virtual_time
async def test_pain_13_dropped_answer_is_read_back_and_not_written_twice() -> None:
    async with World() as world:
        world.lock().faults.drop_answer = 1
        code = await world.create("4711")
        await world.wait_for(code, "set", 15 * SECOND)
        assert world.lock().radio.write == 1


@on_virtual_time
async def test_lock_offline_at_creation_is_told_and_cured_when_it_is_back() -> None:
    async with World() as world:
        world.lock().faults.offline = True
        code = await world.create("4711")
        await world.wait(HOUR)
        assert await world.status(code) == "setting"
        told = await world.told(code)
        assert told == ["created", "delay_in_setting_on_device", "failed_to_set_on_device"]
        assert not (await world.device()).online
        world.lock().faults.offline = False
        await world.wait_for(code, "set", 6 * MINUTE)
        assert await world.problems(code) == set()
        assert (await world.device()).online


@on_virtual_time
async def test_disconnected_lock_that_says_it_is_back_is_worked_on() -> None:
    async with World() as world:
        await world.driver.simulate("front", "disconnect", {})
        await world.wait(MINUTE)
        code = await world.create("4711")
        await world.wait(HOUR)
        await world.driver.simulate("front", "connect", {})
        await world.wait_for(code, "set", 6 * MINUTE)


@on_virtual_time
async def test_time_bound_code_is_there_just_in_time_and_gone_at_its_end() -> None:
    async with World() as world:
        code = await world.create("4711", starts_in=5 * HOUR, lasts=2 * HOUR)
        await world.wait(4 * HOUR - MINUTE)
        assert await world.status(code) == "unset"
        assert world.lock().codes == {}
        await world.wait(2 * MINUTE)
        assert await world.status(code) == "set"
        await world.wait(3 * HOUR - 2 * MINUTE)
        assert await world.status(code) == "set"
        await world.wait(MINUTE + 5 * SECOND, every=SECOND)
        assert await world.status(code) == "gone"
        assert not world.keypad("4711")
        assert (await world.told(code))[-2:] == ["set_on_device", "removed_from_device"]


@on_virtual_time
async def test_native_schedule_is_preloaded_and_outlives_a_lost_link() -> None:
    async with World(one_lock(native_scheduling=True)) as world:
        code = await world.create("4711", starts_in=5 * DAY, lasts=2 * DAY)
        await world.wait(2 * DAY - HOUR)
        assert world.lock().codes == {}
        await world.wait(2 * HOUR)
        assert (await world.view(code)).code.scheduled_on_device
        assert await world.status(code) == "unset"
        assert not world.keypad("4711")
        world.lock().faults.offline = True
        await world.wait(3 * DAY)
        assert world.keypad("4711")
        assert await world.status(code) == "set"
        await world.wait(2 * DAY)
        assert not world.keypad("4711")
        world.lock().faults.offline = False
        await world.wait_for(code, "gone", 10 * MINUTE)
        assert world.lock().codes == {}


@on_virtual_time
async def test_pain_1_pin_of_another_hand_is_a_conflict_that_ends_when_it_is_gone() -> None:
    async with World(one_lock(refuses_duplicates=True)) as world:
        world.program_by_hand(1, "4711")
        code = await world.create("4711")
        await world.wait(10 * MINUTE)
        assert await world.status(code) != "set"
        assert "duplicate_code_on_device" in await world.problems(code)
        assert world.lock().radio.write <= 1
        world.foreign.clear()
        await world.driver.simulate("front", "clear_by_hand", {"position": 1, "told": True})
        await world.wait_for(code, "set", 10 * SECOND)


@on_virtual_time
async def test_position_taken_by_hand_is_left_alone() -> None:
    async with World() as world:
        world.program_by_hand(1, "9999")
        code = await world.create("4711")
        await world.wait_for(code, "set", 10 * SECOND)
        assert world.lock().codes[2].pin.reveal() == "4711"


@on_virtual_time
async def test_pin_changed_by_hand_is_told() -> None:
    async with World(one_lock(pushes_changes=True)) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        await world.wait(HOUR)
        world.promises = False
        await world.driver.simulate("front", "program_by_hand", {"code": "8080", "position": 1})
        await world.wait(MINUTE)
        world.promises = True
        assert "modified_external_to_seam" in await world.told(code)
        await world.look()


@on_virtual_time
async def test_pain_2_masked_read_back_is_set_and_never_rewritten() -> None:
    async with World(one_lock(reads="occupancy")) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 3 * SECOND)
        evidence = (await world.view(code)).code.evidence
        assert evidence is not None
        assert evidence.kind.value == "occupied"
        await world.wait(DAY)
        assert world.lock().radio.write == 1
        assert await world.status(code) == "set"


@on_virtual_time
async def test_masked_change_of_pin_that_is_not_applied_is_never_set() -> None:
    async with World(one_lock(reads="occupancy")) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 3 * SECOND)
        # Both are acknowledged; what the position shows does not change.
        await world.simulate("set_fault", name="ignore_clears", value=-1)
        await world.simulate("set_fault", name="ignore_writes", value=-1)
        await world.update(code, pin="5822")
        await world.wait(HOUR)
        assert await world.status(code) == "setting"
        assert world.keypad("4711")
        await world.simulate("clear_faults")
        await world.wait_for(code, "set", HOUR)
        assert world.keypad("5822")
        assert not world.keypad("4711")


@on_virtual_time
async def test_masked_change_of_pin_is_set_within_the_visit() -> None:
    async with World(one_lock(reads="occupancy")) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 3 * SECOND)
        await world.update(code, pin="5822")
        await world.wait_for(code, "set", 3 * SECOND)
        assert world.keypad("5822")
        assert not world.keypad("4711")
        assert (world.lock().radio.write, world.lock().radio.clear) == (2, 1)


@on_virtual_time
async def test_masked_change_of_pin_waits_for_the_earlier_write() -> None:
    async with World(one_lock({"late_apply": 20}, reads="occupancy")) as world:
        code = await world.create("4711")
        await world.wait(3 * SECOND)
        await world.update(code, pin="5822")
        await world.wait_for(code, "set", 10 * MINUTE)
        assert world.keypad("5822")
        await world.wait(MINUTE, SECOND)
        assert not world.keypad("4711")


@on_virtual_time
async def test_full_lock_goes_to_whoever_starts_first() -> None:
    async with World(one_lock(positions=2)) as world:
        late = await world.create("1111", starts_in=50 * MINUTE, lasts=DAY)
        first = await world.create("2222", starts_in=0 * HOUR, lasts=3 * HOUR)
        second = await world.create("3333")
        await world.wait(2 * HOUR)
        assert await world.status(first) == "set"
        states = {await world.status(late), await world.status(second)}
        assert states == {"set", "setting"}
        await world.wait(2 * HOUR)
        assert await world.status(first) == "gone"
        assert {await world.status(late), await world.status(second)} == {"set"}


@on_virtual_time
async def test_pain_11_stay_extended_while_it_lasts_has_no_gap_on_the_keypad() -> None:
    for native in (False, True):
        async with World(one_lock(native_scheduling=native)) as world:
            code = await world.create("4711", starts_in=HOUR, lasts=2 * HOUR)
            await world.wait(2 * HOUR)
            assert world.keypad("4711")
            ends_at = (await world.view(code)).code.ends_at
            assert ends_at is not None
            await world.update(code, ends_at=ends_at + DAY)
            for _ in range(300):
                await world.wait(SECOND / 10, SECOND / 10)
                assert world.keypad("4711")
            while world.clock.now() < ends_at + DAY - MINUTE:
                await world.wait(MINUTE)
                assert world.keypad("4711")
                assert await world.status(code) == "set"
            await world.wait(MINUTE + 10 * SECOND, SECOND)
            assert not world.keypad("4711")


@on_virtual_time
async def test_pain_5_restart_writes_nothing_for_confirmed_codes() -> None:
    async with World() as world:
        codes = [await world.create(f"471{n}") for n in range(5)]
        await world.wait(MINUTE)
        await world.restart()
        await world.wait(DAY)
        assert [await world.status(code) for code in codes] == ["set"] * 5
        assert world.lock().radio.write == 0
        assert world.lock().radio.clear == 0


@on_virtual_time
async def test_restart_at_any_moment_of_setting_ends_with_the_code_set_once() -> None:
    for tenth in range(1, 14):
        async with World(seed=tenth) as world:
            code = await world.create("4711")
            await world.wait(tenth * SECOND / 10, SECOND / 10)
            await world.restart()
            await world.wait(SECOND / 10, SECOND / 10)
            await world.wait_for(code, "set", 30 * SECOND)
            assert [s.pin.reveal() for s in world.lock().codes.values()] == ["4711"]
            await world.wait(MINUTE)
            assert (await world.told(code)).count("set_on_device") == 1


@on_virtual_time
async def test_pain_9_idle_lock_costs_at_most_four_radio_operations_a_day() -> None:
    async with World() as world:
        for n in range(10):
            await world.create(f"471{n}")
        await world.wait(HOUR)
        before = world.lock().radio.total
        await world.wait(14 * DAY, HOUR)
        assert world.lock().radio.total - before <= 14 * 4


@on_virtual_time
async def test_lock_that_refuses_unforeseen_is_asked_once() -> None:
    async with World(one_lock(refuses_duplicates=True, scan_on_adoption=False)) as world:
        world.program_by_hand(5, "4711")
        code = await world.create("4711")
        await world.wait(DAY)
        assert "duplicate_code_on_device" in await world.problems(code)
        assert (await world.told(code)).count("failed_to_set_on_device") == 1
        assert world.lock().radio.write == 1


@on_virtual_time
async def test_code_cleared_by_hand_unseen_is_found_by_the_next_proof() -> None:
    async with World() as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        world.promises = False
        await world.driver.simulate("front", "clear_by_hand", {"position": 1})
        await world.wait(7 * HOUR)
        world.promises = True
        assert "deleted_external_to_seam" in await world.told(code)
        await world.wait_for(code, "set", MINUTE)


@on_virtual_time
async def test_flapping_lock_gets_its_code_and_loses_it() -> None:
    async with World(one_lock({"flapping": {"period": 40, "share": 0.6}})) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 15 * MINUTE)
        await world.wait(DAY)
        await world.delete(code)
        await world.wait_for(code, "gone", 15 * MINUTE)
        assert world.lock().codes == {}


@on_virtual_time
async def test_clear_that_is_ignored_leaves_the_code_removing() -> None:
    async with World(one_lock({"ignore_clears": -1})) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        await world.delete(code)
        await world.wait(HOUR)
        assert await world.status(code) == "removing"
        assert "failed_to_remove_from_device" in await world.told(code)
        world.lock().faults.ignore_clears = 0
        await world.wait_for(code, "gone", 6 * MINUTE)


@on_virtual_time
async def test_pain_3_stale_reads_and_late_changes_are_waited_out() -> None:
    for fault in ({"stale_reads": 20}, {"late_apply": 20}):
        async with World(one_lock(fault)) as world:
            code = await world.create("4711")
            await world.wait_for(code, "set", 5 * MINUTE)
            await world.delete(code)
            await world.wait_for(code, "gone", 5 * MINUTE)
            await world.wait(MINUTE)
            assert world.lock().codes == {}


@on_virtual_time
async def test_entry_at_the_keypad_is_told_with_its_code() -> None:
    async with World() as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        await world.simulate("keypad_code_entry", code="4711")
        await world.wait(SECOND)
        await world.simulate("keypad_code_entry", code="0000")
        await world.wait(SECOND)
        assert (await world.told(code))[-1] == "lock.unlocked"
        assert (await world.told())[-1] == "lock.access_denied"
        assert (await world.device()).locked is False


@on_virtual_time
async def test_changed_pin_closes_the_old_one() -> None:
    async with World() as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 5 * SECOND)
        await world.update(code, pin="8080")
        await world.wait_for(code, "set", 5 * SECOND)
        assert world.keypad("8080")
        assert not world.keypad("4711")
