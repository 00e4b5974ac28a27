"""Door commands beside codes."""

from latchwork.domain.action_attempt import ActionType, AttemptStatus
from support.delivery import on_virtual_time
from support.world import ONE_LOCK, SECOND, World

CODES = 8


async def status_of(world: World, attempt_id: str) -> AttemptStatus:
    attempt = await world.storage.attempt(world.workspace_id, attempt_id)
    assert attempt is not None
    return attempt.status


@on_virtual_time
async def test_a_door_does_not_wait_for_all_codes_to_be_on_its_lock() -> None:
    async with World({"locks": [{**ONE_LOCK, "latency": 2.0}]}) as world:
        codes = [await world.create(f"47{number}{number}") for number in range(CODES)]
        await world.wait(5 * SECOND)
        attempt_id = await world.ask(ActionType.UNLOCK_DOOR)
        await world.wait(6 * SECOND)
        assert await status_of(world, attempt_id) is AttemptStatus.SUCCESS
        assert "setting" in {await world.status(code) for code in codes}
        for code in codes:
            await world.wait_for(code, "set", 60 * SECOND)
        assert (await world.told()).count("action_attempt.unlock_door.succeeded") == 1
