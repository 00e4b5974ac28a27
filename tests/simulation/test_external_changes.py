"""Changes by another hand on virtual time: told, set again or let be; the keypad is the judge."""

from typing import Any

import pytest

from latchwork.domain.action_attempt import ActionType
from latchwork.domain.problem import Problem
from support.delivery import on_virtual_time
from support.world import DAY, HOUR, MINUTE, SECOND, World, one_lock

LOCK = {"pushes_changes": True, "native_scheduling": True, "name_max_length": 12}


async def changed(world: World, code_id: str, **change: Any) -> list[Problem]:
    """What stands on the code from the change until it is mended, seen every tenth of a second."""
    world.promises = False
    await world.driver.simulate("front", "change_by_hand", {"position": 1, **change})
    seen: dict[str, Problem] = {}
    for _ in range(100):
        await world.wait(SECOND / 10, SECOND / 10)
        found = (await world.view(code_id)).code
        seen |= {problem.code: problem for problem in (*found.errors, *found.warnings)}
    world.promises = True
    return list(seen.values())


@pytest.mark.parametrize("pause", [0 * SECOND, HOUR])
@pytest.mark.parametrize(
    ("change", "codes", "fields"),
    [
        ({"name": "Zoe"}, ["conflicting_external_modification"], ["name"]),
        ({"code": "8080"}, ["conflicting_external_modification"], ["code"]),
        (
            {"starts_at": "2026-11-20T08:00:00Z", "ends_at": "2026-11-23T10:00:00Z"},
            ["conflicting_external_modification"],
            ["starts_at", "ends_at"],
        ),
        (
            {"enabled": False},
            ["access_code_inactive", "conflicting_external_modification"],
            [],
        ),
    ],
)
def test_a_change_is_told_and_taken_back(
    pause: Any, change: dict[str, Any], codes: list[str], fields: list[str]
) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World(one_lock(**LOCK)) as world:
            code = await world.create("4711", lasts=DAY, name="Ana")
            await world.wait_for(code, "set", 5 * SECOND)
            await world.wait(pause)
            problems = await changed(world, code, **change)
            assert sorted(problem.code for problem in problems) == codes
            detail = problems[-1].detail
            assert detail is not None
            assert detail["change_type"] == "modified"
            assert [field["field"] for field in detail["modified_fields"]] == fields
            assert "8080" not in str(problems)
            assert await world.problems(code) == set()
            assert await world.status(code) == "set"
            assert world.keypad("4711")
            told = await world.told(code)
            assert told.count("modified_external_to_seam") == 1
            stored = [s for s in world.lock().codes.values() if s.pin.reveal() == "4711"]
            assert [(s.name, s.window) for s in stored] == [
                ("Ana", (await world.view(code)).code.window)
            ]
            await world.look()

    scenario()


@pytest.mark.parametrize("pause", [0 * SECOND, HOUR])
def test_a_removal_is_told_and_the_code_set_again(pause: Any) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World(one_lock(**LOCK)) as world:
            code = await world.create("4711")
            await world.wait_for(code, "set", 5 * SECOND)
            await world.wait(pause)
            world.promises = False
            await world.driver.simulate("front", "clear_by_hand", {"position": 1})
            await world.wait(5 * SECOND, SECOND)
            world.promises = True
            assert world.keypad("4711")
            assert await world.status(code) == "set"
            told = await world.told(code)
            assert told[1:] == ["set_on_device", "deleted_external_to_seam", "set_on_device"]

    scenario()


@on_virtual_time
async def test_what_the_owner_allows_is_let_be_but_for_the_window() -> None:
    async with World(one_lock(**LOCK)) as world:
        code = await world.create("4711", lasts=DAY, name="Ana", allow_external_modification=True)
        await world.wait_for(code, "set", 5 * SECOND)
        await world.wait(MINUTE)
        [warning] = await changed(world, code, name="Zoe")
        assert warning.code == "external_modification_in_effect"
        assert world.lock().codes[1].name == "Zoe"
        [warning] = await changed(world, code, code="8080")
        assert warning.code == "external_modification_in_effect"
        assert (await world.view(code)).code.pin.reveal() == "8080"
        assert await world.status(code) == "set"
        problems = await changed(
            world, code, starts_at="2026-11-20T08:00:00Z", ends_at="2027-11-20T08:00:00Z"
        )
        assert "conflicting_external_modification" in {problem.code for problem in problems}
        assert world.lock().codes[1].window == (await world.view(code)).code.window
        await world.update(code, name="Bo")
        await world.wait(MINUTE)
        assert await world.problems(code) == set()
        assert world.lock().codes[1].name == "Bo"


@on_virtual_time
async def test_name_that_the_lock_does_not_take_over_is_written_with_growing_pauses() -> None:
    async with World(one_lock(**LOCK)) as world:
        code = await world.create("4711", name="Ana")
        await world.wait_for(code, "set", 5 * SECOND)
        world.lock().faults.ignore_writes = -1
        await world.update(code, name="Bo")
        await world.wait(HOUR)
        assert await world.status(code) == "set"
        assert await world.problems(code) == {"failed_to_update"}
        assert world.lock().radio.write < 25
        world.lock().faults.ignore_writes = 0
        await world.wait(6 * MINUTE)
        assert world.lock().codes[1].name == "Bo"
        assert await world.problems(code) == set()


@pytest.mark.parametrize("fault", ["fail_next", "unread"])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("killed", [False, True])
def test_a_change_that_could_not_be_read_at_once_is_found_soon(
    fault: str, times: int, killed: bool
) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World(one_lock(**LOCK)) as world:
            codes = [await world.create(f"471{number}", lasts=DAY) for number in range(3)]
            for code in codes:
                await world.wait_for(code, "set", 10 * SECOND)
            await world.wait(HOUR)
            world.promises = False
            setattr(world.lock().faults, fault, times)
            await world.driver.simulate("front", "clear_by_hand", {"position": 3})
            if killed:
                await world.wait(3 * SECOND)
                await world.restart()
            await world.wait(3 * MINUTE)
            world.promises = True
            assert all([await world.status(code) == "set" for code in codes])
            assert all(world.keypad(f"471{number}") for number in range(3))

    scenario()


def test_a_change_is_found_though_the_process_that_was_told_of_it_is_gone() -> None:
    """The lock waits for its turn while another one is programmed, and is visited for its door
    before it."""

    @on_virtual_time
    async def scenario() -> None:
        keys = ("front", "back")
        locks = [{"key": k, "name": k, "latency": 2.0, "capabilities": LOCK} for k in keys]
        async with World({"locks": locks, "concurrency": 1}) as world:
            codes = [await world.create(f"471{number}", key="back") for number in range(3)]
            for code in codes:
                await world.wait_for(code, "set", 2 * MINUTE)
            await world.wait(HOUR)
            for number in range(6):
                await world.create(f"472{number}", key="front")
            await world.wait(5 * SECOND)
            world.promises = False
            await world.driver.simulate("back", "clear_by_hand", {"position": 3})
            await world.wait(SECOND)
            await world.restart()
            await world.wait(3 * SECOND)
            await world.ask(ActionType.UNLOCK_DOOR, "back")
            await world.wait(3 * MINUTE)
            world.promises = True
            assert all([await world.status(code) == "set" for code in codes])
            assert all(world.keypad(f"471{number}", "back") for number in range(3))

    scenario()


@on_virtual_time
async def test_a_code_by_another_hand_that_is_told_of_costs_one_read_of_its_position() -> None:
    async with World(one_lock(**LOCK)) as world:
        for number in range(8):
            await world.create(f"471{number}")
        await world.wait(HOUR)
        before = world.lock().radio.read
        await world.simulate("program_by_hand", code="5811", told=True)
        await world.wait(MINUTE)
        assert world.lock().radio.read - before <= 2
