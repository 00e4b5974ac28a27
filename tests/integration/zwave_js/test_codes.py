"""Setting, reading and clearing PINs on real Z-Wave JS, on locks of all three kinds."""

import pytest

from latchwork.domain.errors import Conflict, NeedsAttention, Rejected, RetryLater, Unsupported
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import Driver
from support.zwave_connection import Connection, key, make_driver
from support.zwave_rig import CREDENTIAL_LOCK, LOCKS, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]
every_lock = pytest.mark.parametrize("node", LOCKS)
code_locks = pytest.mark.parametrize("node", [V1_LOCK, SCHEDULE_LOCK])


def pin_in(seen: Observation) -> Pin | None:
    return seen.pin if isinstance(seen, Holds) else None


async def read(driver: Driver, node: int, position: int) -> Observation:
    return (await driver.observe(key(node), [position]))[position]


@every_lock
async def test_a_code_is_set_read_back_changed_and_cleared(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    assert await driver.observe(key(node), [1, 2]) == {1: Empty(), 2: Empty()}
    await driver.write(key(node), 1, Pin("4711"), "Ana", None)
    assert rig.pins(node) == {1: "4711"}
    assert pin_in(await read(driver, node, 1)) == Pin("4711")
    await driver.write(key(node), 1, Pin("4711"), "Ana", None)
    await driver.write(key(node), 1, Pin("0815"), "Ana", None)
    assert rig.keypad(node, "0815")
    assert not rig.keypad(node, "4711")
    assert pin_in(await read(driver, node, 1)) == Pin("0815")
    await driver.clear(key(node), 1)
    await driver.clear(key(node), 1)
    assert rig.pins(node) == {}
    assert rig.state(node)["users"] == {}
    assert await read(driver, node, 1) == Empty()


@every_lock
async def test_a_lock_that_acknowledges_and_stores_nothing_is_exposed_by_the_read(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    rig.fault(node, ignoreNext=1)
    try:
        await driver.write(key(node), 2, Pin("5555"), None, None)
    except RetryLater:
        assert node == CREDENTIAL_LOCK
    assert await read(driver, node, 2) == Empty()
    await driver.write(key(node), 2, Pin("5555"), None, None)
    assert pin_in(await read(driver, node, 2)) == Pin("5555")


@every_lock
async def test_a_lock_that_ignores_a_change_still_shows_the_old_pin(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    await driver.write(key(node), 2, Pin("5555"), None, None)
    rig.fault(node, ignoreNext=1)
    try:
        await driver.write(key(node), 2, Pin("6666"), None, None)
    except RetryLater:
        assert node == CREDENTIAL_LOCK
    assert pin_in(await read(driver, node, 2)) == Pin("5555")


@every_lock
async def test_a_refused_code_is_retried_later_and_leaves_nothing_behind(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    rig.fault(node, failNext=1)
    with pytest.raises(RetryLater):
        await driver.write(key(node), 3, Pin("1357"), "Ben", None)
    assert rig.pins(node) == {}
    assert rig.state(node)["users"] == {}
    await driver.write(key(node), 3, Pin("1357"), "Ben", None)
    assert rig.pins(node) == {3: "1357"}


@every_lock
async def test_a_write_whose_answer_is_lost_is_found_by_the_read(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    rig.fault(node, dropAnswer=1)
    try:
        await driver.write(key(node), 4, Pin("2468"), None, None)
    except RetryLater:
        assert node == CREDENTIAL_LOCK
    assert pin_in(await read(driver, node, 4)) == Pin("2468")


@every_lock
async def test_late_answers_are_never_taken_for_those_of_another_position(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    truth = {1: Pin("1111"), 3: Pin("3333")}
    for position, pin in truth.items():
        rig.program(node, position, pin.reveal(), told=False)
    rig.fault(node, delayMs=1300)
    seen: dict[int, Observation] = {}
    for position in (1, 2, 3, 4):
        try:
            seen |= await driver.observe(key(node), [position])
        except RetryLater:
            continue
    for position, observation in seen.items():
        assert not isinstance(observation, NotRead), "a lock that was not heard is told as that"
        if isinstance(observation, Holds):
            assert observation.pin == truth[position]
        else:
            assert position not in truth or not isinstance(observation, Empty)


@every_lock
async def test_masked_pins_are_occupied(rig: ZwaveRig, driver: Driver, node: int) -> None:
    await driver.write(key(node), 1, Pin("4711"), None, None)
    rig.fault(node, maskReads=True)
    seen = await driver.observe(key(node), [1, 2])
    assert isinstance(seen[1], Occupied)
    assert seen[2] == Empty()


@code_locks
async def test_a_duplicate_is_a_conflict_at_the_position_that_holds_it(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    rig.fault(node, rejectDuplicates=True)
    await driver.write(key(node), 6, Pin("4711"), None, None)
    with pytest.raises(Conflict) as caught:
        await driver.write(key(node), 7, Pin("4711"), None, None)
    assert caught.value.position == 6
    assert rig.pins(node) == {6: "4711"}


@code_locks
async def test_a_duplicate_of_an_unknown_code_is_told_by_the_notification(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    rig.fault(node, rejectDuplicates=True)
    rig.program(node, 6, "8642", told=False)
    with pytest.raises(Conflict) as caught:
        await driver.write(key(node), 7, Pin("8642"), None, None)
    assert caught.value.position is None


async def test_a_refused_credential_leaves_no_user_behind(rig: ZwaveRig, driver: Driver) -> None:
    rig.program(CREDENTIAL_LOCK, 6, "4711")
    with pytest.raises(Conflict) as caught:
        await driver.write(key(CREDENTIAL_LOCK), 7, Pin("4711"), "Cleo", None)
    assert caught.value.position == 6
    assert rig.pins(CREDENTIAL_LOCK) == {6: "4711"}
    assert set(rig.state(CREDENTIAL_LOCK)["users"]) == {"6"}


async def test_a_left_behind_user_is_removed_by_the_clear(rig: ZwaveRig, driver: Driver) -> None:
    rig.program(CREDENTIAL_LOCK, 8, "1212", told=False)
    rig.erase(CREDENTIAL_LOCK, 8, told=False)
    assert set(rig.state(CREDENTIAL_LOCK)["users"]) == {"8"}
    await driver.clear(key(CREDENTIAL_LOCK), 8)
    assert rig.state(CREDENTIAL_LOCK)["users"] == {}


async def test_users_and_slots_of_others_are_occupied_and_never_touched(
    rig: ZwaveRig, driver: Driver
) -> None:
    rig.program(CREDENTIAL_LOCK, 3, "7777", user_id=5, told=False)
    before = rig.state(CREDENTIAL_LOCK)["users"]
    seen = await driver.observe(key(CREDENTIAL_LOCK), [3, 5])
    assert pin_in(seen[3]) == Pin("7777")
    assert isinstance(seen[5], Occupied)
    with pytest.raises(Conflict) as caught:
        await driver.write(key(CREDENTIAL_LOCK), 3, Pin("8888"), "Dora", None)
    assert caught.value.position == 3
    await driver.clear(key(CREDENTIAL_LOCK), 3)
    await driver.clear(key(CREDENTIAL_LOCK), 5)
    assert rig.pins(CREDENTIAL_LOCK) == {3: "7777"}
    assert rig.state(CREDENTIAL_LOCK)["users"] == before


@every_lock
async def test_work_on_one_position_leaves_foreign_codes_alone(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    rig.program(node, 9, "9999")
    await driver.write(key(node), 1, Pin("4711"), None, None)
    await driver.clear(key(node), 1)
    assert rig.pins(node) == {9: "9999"}
    assert pin_in((await driver.observe(key(node), [9]))[9]) == Pin("9999")


async def test_only_a_credential_lock_tells_all_its_codes_at_once(
    rig: ZwaveRig, driver: Driver
) -> None:
    rig.program(CREDENTIAL_LOCK, 9, "9999")
    assert pin_in((await driver.scan(key(CREDENTIAL_LOCK)))[9]) == Pin("9999")
    with pytest.raises(Unsupported):
        await driver.scan(key(V1_LOCK))


async def test_a_disabled_code_is_told_as_valid_never(rig: ZwaveRig, driver: Driver) -> None:
    await driver.write(key(V1_LOCK), 1, Pin("4711"), None, None)
    rig.disable(V1_LOCK, 1)
    seen = await read(driver, V1_LOCK, 1)
    assert isinstance(seen, Holds)
    assert seen.window is not None
    await driver.write(key(V1_LOCK), 1, Pin("4711"), None, None)
    assert rig.keypad(V1_LOCK, "4711")


@every_lock
async def test_a_pin_that_the_lock_cannot_hold_is_not_stored(
    rig: ZwaveRig, driver: Driver, node: int
) -> None:
    with pytest.raises((Rejected, RetryLater)) as caught:
        await driver.write(key(node), 1, Pin("12"), None, None)
    assert "12" not in str(caught.value).replace("ZW0322", "")
    assert rig.pins(node) == {}
    assert rig.state(node)["users"] == {}


async def test_names_are_stored_as_the_lock_can(rig: ZwaveRig, driver: Driver) -> None:
    await driver.write(key(CREDENTIAL_LOCK), 1, Pin("4711"), "Zoë Łukasz " + "x" * 40, None)
    assert rig.state(CREDENTIAL_LOCK)["users"]["1"]["userName"] == "Zoe ukasz " + "x" * 22


async def test_reads_and_writes_cost_few_radio_operations(rig: ZwaveRig, driver: Driver) -> None:
    await driver.write(key(V1_LOCK), 1, Pin("4711"), None, None)
    await driver.observe(key(V1_LOCK), [1])
    assert rig.state(V1_LOCK)["commands"] == ["UserCodeCCSet", "UserCodeCCGet"]


async def test_without_a_connection_everything_is_retried_later(rig: ZwaveRig) -> None:
    driver = make_driver(rig.url)
    with pytest.raises(RetryLater):
        await driver.observe(key(V1_LOCK), [1])
    with pytest.raises(RetryLater):
        await driver.write(key(V1_LOCK), 1, Pin("4711"), None, None)


async def test_a_lock_that_is_not_there_needs_attention(live: Connection) -> None:
    with pytest.raises(NeedsAttention):
        await live.driver.observe(key(77), [1])
