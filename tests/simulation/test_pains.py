"""Pains of lock software that no other test shows by itself; docs/reliability.md lists them all."""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from latchwork.drivers.protocol import DevicesFound
from support.chaos.world import ChaosWorld
from support.virtual_time import run
from support.world import DAY, HOUR, MINUTE, SECOND, World, one_lock

ZONES = (
    "Europe/Amsterdam",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
)


@pytest.mark.parametrize("truncated", [False, True], ids=["empty", "truncated"])
def test_pain_6_a_provider_that_lists_no_locks_loses_no_code(truncated: bool) -> None:
    async def story() -> None:
        locks = [{"key": key, "name": key, "latency": 0.2} for key in ("front", "back")]
        async with World({"locks": locks}) as world:
            code = await world.create("4711", key="back")
            await world.wait_for(code, "set", 3 * SECOND)
            lock, driver = world.lock("back"), world.driver
            before = lock.radio.write + lock.radio.clear
            whole = driver.house.discovered()
            driver._pushes.put_nowait(DevicesFound(whole[:1] if truncated else (), complete=True))
            await world.wait(DAY, 10 * MINUTE)
            assert world.keypad("4711", "back")
            assert await world.status(code) != "gone"
            assert "device.removed" in await world.told()
            assert "device_removed" in {e.code for e in (await world.device("back")).errors}
            driver._pushes.put_nowait(DevicesFound(whole, complete=True))
            await world.wait_for(code, "set", MINUTE)
            await world.wait(HOUR)
            assert lock.radio.write + lock.radio.clear == before
            assert (await world.told(code)).count("set_on_device") == 1

    run(story())


def changes_of(zone: ZoneInfo) -> Iterator[datetime]:
    """The instants of 2027 at which the clocks there change."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    while at.year == 2027:
        if at.astimezone(zone).utcoffset() != (at + HOUR / 2).astimezone(zone).utcoffset():
            yield at + HOUR / 2
        at += HOUR / 2


@pytest.mark.parametrize("name", ZONES)
def test_pain_10_a_stay_over_a_change_of_the_clocks_is_exact_to_the_minute(name: str) -> None:
    """On a lock that keeps its schedules in local time; the server's zone is another."""

    async def story(change: datetime) -> None:
        stay = (change - 20 * HOUR, change + 20 * HOUR)
        lock = {
            "key": "native",
            "name": "Front Door",
            "time_zone": name,
            "capabilities": {"native_scheduling": True},
        }
        async with ChaosWorld({"locks": [lock]}, 1, change - 2 * DAY, {"native": name}) as world:
            code = await world.create(
                "4711", starts_in=stay[0] - world.clock.now(), lasts=stay[1] - stay[0]
            )
            for edge in (stay[0], change, stay[1]):
                await world.wait(edge - 3 * MINUTE - world.clock.now(), HOUR)
                for _ in range(6):
                    await world.wait(MINUTE, MINUTE)
                    now = world.clock.now()
                    assert world.keypad("4711") == (stay[0] <= now < stay[1]), now
            told = await world.told(code)
            assert [kind for kind in told if "external" in kind or "delay" in kind] == []
            assert told.count("set_on_device") == told.count("scheduled_on_device") == 1

    found = list(changes_of(ZoneInfo(name)))
    assert len(found) == 2
    for change in found:
        run(story(change))


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
