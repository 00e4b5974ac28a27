"""Pains of lock software that no other test shows by itself; docs/reliability.md lists them all."""

from support.virtual_time import run
from support.world import HOUR, MINUTE, World, one_lock


def test_pain_7_a_lock_full_of_other_peoples_codes_is_told_and_left_alone() -> None:
    async def story() -> None:
        async with World(one_lock(positions=3)) as world:
            for position, pin in enumerate(("9001", "9002", "9003"), 1):
                world.program_by_hand(position, pin)
            code = await world.create("4711")
            await world.wait(8 * HOUR, 10 * MINUTE)
            assert await world.status(code) == "setting"
            assert "no_space_for_access_code_on_device" in await world.problems(code)
            assert world.lock().radio.write == world.lock().radio.clear == 0
            del world.foreign["front", 2]
            world.lock().put(2, None, world.clock.now())
            await world.wait_for(code, "set", 7 * HOUR, 10 * MINUTE)

    run(story())


def test_pain_8_a_dead_lock_delays_none_of_the_others() -> None:
    async def story() -> None:
        keys = [f"lock {number}" for number in range(6)]
        locks = [{"key": key, "name": key, "latency": 0.2} for key in keys]
        locks[3]["faults"] = {"offline": True}
        async with World({"locks": locks, "concurrency": 1}) as world:
            codes = {key: await world.create("4711", key=key) for key in keys}
            await world.wait(2 * MINUTE)
            dead = codes.pop(keys[3])
            for code in codes.values():
                assert await world.status(code) == "set"
            await world.wait(8 * HOUR, 10 * MINUTE)
            assert await world.status(dead) == "setting"
            assert "failed_to_set_on_device" in await world.problems(dead)
            for code in codes.values():
                assert await world.status(code) == "set"
                assert await world.problems(code) == set()
                assert (await world.told(code)).count("set_on_device") == 1

    run(story())
