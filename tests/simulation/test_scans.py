"""Locks that tell their codes position by position when they are found."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import pytest

from latchwork.domain.action_attempt import ActionType, AttemptStatus
from latchwork.domain.errors import RetryLater
from latchwork.domain.observation import Observation
from latchwork.drivers.simulator.driver import SimulatorDriver
from support.delivery import on_virtual_time
from support.world import HOUR, MINUTE, ONE_LOCK, SECOND, World

POSITIONS = 100
AT_ONCE = 4
LONG_ENOUGH = 2 * MINUTE
SLOW: dict[str, Any] = {"latency": 2.0, "scans": False, "capabilities": {"positions": POSITIONS}}
"""Its scan takes 25 calls, most of a minute."""


def house(*keys: str) -> dict[str, Any]:
    """Settings of such locks, on a controller that does one thing at a time."""
    locks = [{**ONE_LOCK, **SLOW, "key": key, "name": key} for key in keys]
    return {"locks": locks, "concurrency": 1}


async def is_scanned(world: World, key: str = "front") -> bool:
    return (await world.device(key)).scanned_at is not None


async def others(world: World) -> set[int]:
    """Where codes of other hands are known."""
    return {view.code.position for view in await world.others()}


@on_virtual_time
async def test_each_position_is_read_once_and_what_is_there_is_listed() -> None:
    async with World(house("front")) as world:
        world.program_by_hand(50, "1111")
        world.program_by_hand(POSITIONS, "9999")
        assert not await is_scanned(world)
        await world.wait(LONG_ENOUGH)
        assert await is_scanned(world)
        assert await others(world) == {50, POSITIONS}
        assert world.lock().radio.read == POSITIONS


@on_virtual_time
async def test_a_code_wished_meanwhile_does_not_wait_for_the_end() -> None:
    async with World(house("front")) as world:
        code = await world.create("4711")
        await world.wait_for(code, "set", 20 * SECOND)
        assert not await is_scanned(world)
        await world.wait(LONG_ENOUGH)
        assert await is_scanned(world)


@pytest.mark.parametrize("door", ["front", "back"])
def test_a_door_waits_for_one_part_at_most(door: str) -> None:
    @on_virtual_time
    async def story() -> None:
        async with World(house("front", "back")) as world:
            attempt_id = await world.ask(ActionType.UNLOCK_DOOR, door)
            await world.wait(6 * SECOND)
            assert await world.status_of(attempt_id) is AttemptStatus.SUCCESS
            assert not await is_scanned(world)

    story()


@on_virtual_time
async def test_a_lock_that_was_lost_meanwhile_goes_on_where_it_was() -> None:
    async with World(house("front")) as world:
        world.program_by_hand(POSITIONS, "9999")
        await world.simulate("set_fault", name="offline", value=True)
        await world.wait(10 * MINUTE)
        assert not await is_scanned(world)
        asked = world.lock().radio.read
        await world.driver.simulate("front", "set_fault", {"name": "offline", "value": False})
        await world.wait(7 * HOUR, MINUTE)
        assert await is_scanned(world)
        assert await others(world) == {POSITIONS}
        assert world.lock().radio.read - asked <= POSITIONS - 2 * AT_ONCE


def silent(*positions: int) -> Callable[..., Any]:
    """Reads of a lock that gives no answer of these positions, though it answers else."""
    observe = SimulatorDriver.observe

    async def observed(
        self: SimulatorDriver, key: str, asked: Sequence[int]
    ) -> Mapping[int, Observation]:
        found = await observe(self, key, [p for p in asked if p not in positions])
        if not found:
            raise RetryLater("The lock did not answer.")
        return found

    return observed


@on_virtual_time
async def test_positions_that_a_lock_is_silent_of_hold_up_nothing() -> None:
    with patch.object(SimulatorDriver, "observe", silent(*range(61, 73), 78)):
        async with World(house("front")) as world:
            world.program_by_hand(80, "9999")
            await world.wait(LONG_ENOUGH)
            assert await is_scanned(world)
            assert await others(world) == {80}
            assert (await world.device()).online
            code = await world.create("4711")
            await world.wait_for(code, "set", 20 * SECOND)


@on_virtual_time
async def test_what_another_hand_did_meanwhile_has_all_read_anew() -> None:
    async with World(house("front")) as world:
        await world.wait(20 * SECOND)
        world.program_by_hand(1, "1111")
        device = await world.device()
        await world.storage.rescan_device(device.device_id, world.clock.now(), positions=True)
        await world.wait(LONG_ENOUGH)
        assert await is_scanned(world)
        assert await others(world) == {1}
