"""The driver on a real Matter server and matter.js's locks, judged by what the locks store."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from latchwork.domain.errors import Conflict, Rejected
from latchwork.domain.observation import Empty, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.matter.codes import NEVER
from latchwork.drivers.matter.discovery import marker_of
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    Driver,
    LockOperated,
)
from support.matter_bench import local_now
from support.matter_rig import FRONT, GARAGE, LOCKS, SHED, MatterRig
from support.zwave_connection import Connection

pytestmark = [pytest.mark.acceptance]

PIN, OTHER = Pin("4711"), Pin("2580")
SINCE_2000 = datetime(2000, 1, 1, tzinfo=UTC)


def seconds(*local: int) -> int:
    """What a lock's clock shows, in seconds since 2000."""
    return int((datetime(*local, tzinfo=UTC) - SINCE_2000).total_seconds())  # type: ignore[misc]


async def test_every_lock_of_every_node_is_found(rig: MatterRig, live: Connection) -> None:
    found = await live.until(DevicesFound, lambda p: p.complete)
    assert {d.provider_key: d.display_name for d in found.devices} == {
        rig.key(FRONT): "Front door",
        rig.key(GARAGE): "Garage",
        rig.key(SHED): "Shed",
    }
    by_key = {d.provider_key: d.capabilities for d in found.devices}
    assert [by_key[rig.key(lock)].positions for lock in LOCKS] == [10, 5, 5]
    assert [by_key[rig.key(lock)].native_scheduling for lock in LOCKS] == [True, False, False]


async def test_a_code_is_stored_with_a_user_of_ours_and_goes_with_it(
    rig: MatterRig, driver: Driver
) -> None:
    key = rig.key(FRONT)
    await driver.write(key, 3, PIN, "Zoë the guest", None)
    assert rig.pins(FRONT) == {3: "4711"}
    user = rig.users(FRONT)[3]
    assert (user["userName"], user["userUniqueId"]) == ("Zoë the g", marker_of("account"))
    assert await driver.observe(key, [3, 4]) == {
        3: Occupied(window=None, name="Zoë the g"),
        4: Empty(),
    }
    await driver.write(key, 3, OTHER, "Bo", None)
    assert rig.pins(FRONT) == {3: "2580"}
    await driver.clear(key, 3)
    await driver.clear(key, 3)
    assert not rig.users(FRONT)
    assert await driver.observe(key, [3]) == {3: Empty()}


@pytest.mark.parametrize(
    ("start", "end", "local_start", "local_end"),
    [
        (
            datetime(2027, 3, 27, 14, tzinfo=UTC),
            datetime(2027, 3, 28, 9, tzinfo=UTC),
            seconds(2027, 3, 27, 15),
            seconds(2027, 3, 28, 11),
        ),
        (
            datetime(2027, 10, 30, 13, tzinfo=UTC),
            datetime(2027, 10, 31, 10, tzinfo=UTC),
            seconds(2027, 10, 30, 15),
            seconds(2027, 10, 31, 11),
        ),
    ],
    ids=["spring", "autumn"],
)
async def test_a_window_across_a_change_of_the_clocks_is_exact(
    rig: MatterRig,
    driver: Driver,
    start: datetime,
    end: datetime,
    local_start: int,
    local_end: int,
) -> None:
    key, window = rig.key(FRONT), Window(start, end)
    await driver.write(key, 1, PIN, "Ana", window)
    [schedule] = rig.state(FRONT)["schedules"]
    assert (schedule["localStartTime"], schedule["localEndTime"]) == (local_start, local_end)
    assert await driver.observe(key, [1]) == {1: Occupied(window=window, name="Ana")}
    times = (local_start - 1, local_start, local_end - 1, local_end)
    assert [rig.keypad(FRONT, "4711", now=now) for now in times] == [False, True, True, False]


async def test_a_window_is_moved_and_lifted_without_taking_the_pin_off(
    rig: MatterRig, driver: Driver
) -> None:
    key = rig.key(FRONT)
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    await driver.write(key, 1, PIN, "Ana", Window(begin, begin + timedelta(hours=2)))
    moved = Window(begin, begin + timedelta(days=1))
    await driver.write(key, 1, PIN, "Ana", moved)
    assert await driver.observe(key, [1]) == {1: Occupied(window=moved, name="Ana")}
    await driver.write(key, 1, PIN, "Ana", None)
    assert await driver.observe(key, [1]) == {1: Occupied(window=None, name="Ana")}
    state = rig.state(FRONT)
    assert not state["schedules"]
    assert "clearCredential" not in state["commands"]
    assert rig.keypad(FRONT, "4711", now=local_now())


async def test_a_duplicate_and_an_occupied_position_are_told_apart_and_leave_no_user(
    rig: MatterRig, driver: Driver
) -> None:
    key = rig.key(FRONT)
    rig.program(FRONT, 2, "4711", user=7)
    with pytest.raises(Conflict) as duplicate:
        await driver.write(key, 3, PIN, "Ana", None)
    assert duplicate.value.position is None
    for position in (2, 7):
        with pytest.raises(Conflict) as occupied:
            await driver.write(key, position, OTHER, "Ana", None)
        assert occupied.value.position == position
    assert rig.pins(FRONT) == {2: "4711"}
    assert set(rig.users(FRONT)) == {7}


@pytest.mark.parametrize("pin", ["12", "123456789"])
async def test_a_pin_of_a_wrong_length_is_rejected_and_leaves_no_user(
    rig: MatterRig, driver: Driver, pin: str
) -> None:
    with pytest.raises(Rejected) as caught:
        await driver.write(rig.key(FRONT), 3, Pin(pin), "Ana", None)
    assert caught.value.rule == "supported_code_lengths"
    assert not rig.users(FRONT)


async def test_what_is_another_hands_is_told_so_and_left_alone(
    rig: MatterRig, driver: Driver
) -> None:
    key = rig.key(FRONT)
    await driver.write(key, 1, PIN, "Ana", None)
    rig.program(FRONT, 1, "9999", told=False)
    rig.program(FRONT, 2, "8888", told=False)
    rig.add_user(FRONT, 3)
    assert await driver.observe(key, [1, 2, 3, 4]) == {
        1: Occupied(by_other=True, name="Ana"),
        2: Occupied(by_other=True, name="Other"),
        3: Occupied(by_other=True, name="Other"),
        4: Empty(),
    }
    scanned = await driver.scan(key)
    assert [p for p, seen in scanned.items() if isinstance(seen, Occupied)] == [1, 2, 3]
    for position in (1, 2):
        with pytest.raises(Conflict):
            await driver.clear(key, position)
    await driver.clear(key, 3)
    assert rig.pins(FRONT) == {1: "9999", 2: "8888"}
    assert set(rig.users(FRONT)) == {1, 2, 3}


async def test_a_user_disabled_by_hand_is_told_and_opens_at_no_time(
    rig: MatterRig, live: Connection
) -> None:
    key = rig.key(FRONT)
    await live.driver.write(key, 4, PIN, "Ana", None)
    rig.change_user(FRONT, 4, userStatus=3)
    await live.until(CodesChanged, lambda p: p.positions == (4,))
    assert await live.driver.observe(key, [4]) == {4: Occupied(window=NEVER, name="Ana")}
    await live.driver.write(key, 4, PIN, "Ana", None)
    assert await live.driver.observe(key, [4]) == {4: Occupied(window=None, name="Ana")}


async def test_what_happens_at_the_door_is_told(rig: MatterRig, live: Connection) -> None:
    front = rig.key(FRONT)
    await live.driver.write(front, 4, PIN, "Ana", None)
    before = datetime.now(UTC) - timedelta(seconds=1)
    rig.keypad(FRONT, "4711", now=local_now())
    typed = await live.until(LockOperated, lambda p: p.method == "keycode")
    assert (typed.provider_key, typed.locked, typed.position) == (front, False, 4)
    assert typed.occurred_at is not None
    assert before < typed.occurred_at < datetime.now(UTC) + timedelta(seconds=1)
    assert typed.report_id is not None
    rig.keypad(FRONT, "0000")
    assert (await live.until(AccessDenied)).provider_key == front
    rig.turn(SHED, locked=True)
    turned = await live.until(LockOperated, lambda p: p.method == "manual")
    assert (turned.provider_key, turned.locked) == (rig.key(SHED), True)
    rig.alarm(GARAGE, 5)
    tampered = await live.until(DeviceChanged, lambda p: p.tampered is True)
    assert tampered.provider_key == rig.key(GARAGE)


async def test_facts_of_bridged_locks_are_told_of_the_one_that_they_concern(
    rig: MatterRig, live: Connection
) -> None:
    def shed(**facts: Any) -> Any:
        return lambda push: any(
            d.provider_key == rig.key(SHED)
            and all(getattr(d, name) == value for name, value in facts.items())
            for d in push.devices
        )

    rig.reachable(SHED, reachable=False)
    try:
        lost = await live.until(DevicesFound, shed(online=False))
        assert len(lost.devices) == 1
    finally:
        rig.reachable(SHED, reachable=True)
    live.pushes.clear()
    rig.battery(SHED, 0.55)
    await live.until(DevicesFound, shed(online=True, battery_level=0.55))
    rig.battery(SHED, 1.0)


async def test_the_bolt_is_moved_and_the_lock_is_told_to_lock_itself(
    rig: MatterRig, live: Connection
) -> None:
    key, driver = rig.key(FRONT), live.driver
    await driver.unlock(key)
    assert rig.state(FRONT)["lockState"] == 2
    await driver.lock(key)
    assert rig.state(FRONT)["lockState"] == 1
    assert await driver.probe(key)
    await driver.configure_auto_lock(key, enabled=True, delay=90)  # type: ignore[attr-defined]
    await live.until(DevicesFound, lambda p: any(d.auto_lock_delay == 90 for d in p.devices))
    await driver.configure_auto_lock(key, enabled=False, delay=None)  # type: ignore[attr-defined]


async def test_locks_of_different_nodes_are_programmed_side_by_side(
    rig: MatterRig, driver: Driver
) -> None:
    work = [
        driver.write(rig.key(lock), position, Pin(f"1{lock.endpoint}{position}9"), None, None)
        for lock in LOCKS
        for position in (1, 2, 3)
    ]
    await asyncio.gather(*work)
    for lock in LOCKS:
        assert rig.pins(lock) == {n: f"1{lock.endpoint}{n}9" for n in (1, 2, 3)}
