"""Door commands beside codes."""

from collections.abc import Callable
from typing import Any

from latchwork.domain.action_attempt import ActionType, AttemptStatus
from support.delivery import on_virtual_time
from support.world import ONE_LOCK, SECOND, World

CODES = 8


@on_virtual_time
async def test_a_door_does_not_wait_for_all_codes_to_be_on_its_lock() -> None:
    async with World({"locks": [{**ONE_LOCK, "latency": 2.0}]}) as world:
        codes = [await world.create(f"47{number}{number}") for number in range(CODES)]
        await world.wait(5 * SECOND)
        attempt_id = await world.ask(ActionType.UNLOCK_DOOR)
        await world.wait(6 * SECOND)
        assert await world.status_of(attempt_id) is AttemptStatus.SUCCESS
        assert "setting" in {await world.status(code) for code in codes}
        for code in codes:
            await world.wait_for(code, "set", 60 * SECOND)
        assert (await world.told()).count("action_attempt.unlock_door.succeeded") == 1


HOUSE: dict[str, Any] = {
    "locks": [
        {**ONE_LOCK, "key": key, "name": key, "latency": 2.0} for key in ("front", "back", "side")
    ],
    "concurrency": 1,
}
"""Their controller does one thing at a time, as a Z-Wave controller does."""


def busiest(world: World) -> Callable[[], int]:
    """How many calls were under way at once at most, from now on."""
    driver, under_way, most = world.driver, 0, 0
    reach = driver._reach

    async def counted(key: str) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return await reach(key)
        finally:
            under_way -= 1

    driver._reach = counted  # type: ignore[method-assign]
    return lambda: most


@on_virtual_time
async def test_a_door_does_not_wait_until_all_codes_are_on_another_lock() -> None:
    async with World(HOUSE) as world:
        at_once = busiest(world)
        codes = [
            await world.create(f"47{number}{number}", key=key)
            for number in range(CODES)
            for key in ("front", "side")
        ]
        await world.wait(5 * SECOND)
        attempt_id = await world.ask(ActionType.UNLOCK_DOOR, "back")
        await world.wait(6 * SECOND)
        assert await world.status_of(attempt_id) is AttemptStatus.SUCCESS
        assert not world.lock("back").locked
        assert "setting" in {await world.status(code) for code in codes}
        for code in codes:
            await world.wait_for(code, "set", 120 * SECOND)
        assert at_once() == 1


@on_virtual_time
async def test_many_doors_go_before_codes_one_after_the_other() -> None:
    async with World(HOUSE) as world:
        at_once = busiest(world)
        codes = [await world.create(f"47{number}{number}", key="front") for number in range(CODES)]
        await world.wait(5 * SECOND)
        asked = [await world.ask(ActionType.UNLOCK_DOOR, key) for key in ("side", "back", "front")]
        await world.wait(16 * SECOND)
        assert {await world.status_of(one) for one in asked} == {AttemptStatus.SUCCESS}
        for code in codes:
            await world.wait_for(code, "set", 120 * SECOND)
        assert (await world.told()).count("action_attempt.unlock_door.succeeded") == len(asked)
        assert at_once() == 1


@on_virtual_time
async def test_a_door_waits_neither_for_a_dead_lock_nor_for_many_due_ones() -> None:
    async with World(HOUSE) as world:
        for key in ("front", "side"):
            await world.simulate("set_fault", key, name="offline", value=True)
            await world.create("4711", key=key)
        await world.wait(10 * SECOND)
        attempt_id = await world.ask(ActionType.UNLOCK_DOOR, "back")
        await world.wait(12 * SECOND)
        assert await world.status_of(attempt_id) is AttemptStatus.SUCCESS


@on_virtual_time
async def test_what_a_door_left_waiting_is_done_after_it() -> None:
    """A visit for a door alone leaves the lock due."""
    async with World(HOUSE) as world:
        codes = [await world.create(f"47{number}{number}", key="front") for number in range(CODES)]
        await world.wait(5 * SECOND)
        await world.ask(ActionType.UNLOCK_DOOR, "back")
        waiting = await world.create("4711", key="back")
        for code in (*codes, waiting):
            await world.wait_for(code, "set", 120 * SECOND)
        assert world.keypad("4711", "back")
