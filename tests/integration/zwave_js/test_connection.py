"""What locks and server tell by themselves, and what becomes of a lost connection."""

import asyncio

import pytest

from latchwork.domain.device import Reads
from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.observation import Empty, Holds
from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    LockOperated,
)
from support.zwave_connection import Connection, key, make_driver
from support.zwave_rig import CREDENTIAL_LOCK, LOCKS, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]
every_lock = pytest.mark.parametrize("node", LOCKS)


async def test_the_locks_are_found_with_what_they_can_do(live: Connection) -> None:
    found = await live.until(DevicesFound, lambda p: p.complete)
    v1, scheduled, credential = (
        next(d for d in found.devices if d.provider_key == key(node)) for node in LOCKS
    )
    assert (v1.manufacturer, v1.model, v1.display_name) == (
        "Mock Locks",
        "UC-1",
        "Mock Locks UC-1 2",
    )
    assert v1.capabilities.code_lengths == (4, 5, 6, 7, 8, 9, 10)
    assert (v1.capabilities.first_position, v1.capabilities.last_position) == (1, 10)
    assert not v1.capabilities.native_scheduling
    assert v1.capabilities.name_max_length is None
    assert scheduled.capabilities.native_scheduling
    assert scheduled.capabilities.characters == "0123456789"
    assert credential.capabilities.code_lengths == (4, 5, 6, 7, 8)
    assert credential.capabilities.name_max_length == 32
    assert credential.capabilities.refuses_duplicates
    for device in found.devices:
        assert device.capabilities.reads is Reads.PIN
        assert device.online
        assert device.locked is not None
        assert device.battery_level is not None


@every_lock
async def test_a_pin_at_the_keypad_is_told_with_its_position(
    rig: ZwaveRig, live: Connection, node: int
) -> None:
    await live.driver.write(key(node), 4, Pin("4711"), None, None)
    assert rig.keypad(node, "4711")
    operated = await live.until(LockOperated)
    assert operated == LockOperated(
        provider_key=key(node), locked=False, method="keycode", position=4
    )
    assert not rig.keypad(node, "9999")
    assert (await live.until(AccessDenied)).provider_key == key(node)


@every_lock
async def test_other_movements_of_the_bolt_are_told(
    rig: ZwaveRig, live: Connection, node: int
) -> None:
    for event, method in ((1, "manual"), (3, "remote"), (9, "automatic")):
        rig.notify(node, event)
        await live.until(LockOperated, lambda p, m=method: p.locked and p.method == m)


@every_lock
async def test_bolt_and_battery_are_told(rig: ZwaveRig, live: Connection, node: int) -> None:
    rig.bolt(node, locked=False)
    rig.bolt(node, locked=True)
    await live.until(DeviceChanged, lambda p: p.locked is True)
    rig.battery(node, 100)
    rig.battery(node, 17)
    await live.until(DeviceChanged, lambda p: p.battery_level == 0.17)


@every_lock
async def test_locking_and_unlocking_by_radio(rig: ZwaveRig, live: Connection, node: int) -> None:
    await live.driver.lock(key(node))
    assert rig.state(node)["locked"]
    await live.driver.unlock(key(node))
    assert not rig.state(node)["locked"]


@every_lock
async def test_codes_changed_at_the_lock_are_told_and_own_work_is_not(
    rig: ZwaveRig, live: Connection, node: int
) -> None:
    await live.driver.write(key(node), 1, Pin("4711"), None, None)
    await live.driver.observe(key(node), [1, 2, 3])
    await live.driver.clear(key(node), 1)
    rig.program(node, 5, "5555")
    told = await live.until(CodesChanged)
    assert told == CodesChanged(provider_key=key(node), positions=(5,))
    rig.erase(node, 5)
    live.pushes.clear()
    await live.until(CodesChanged, lambda p: p.positions == (5,))


@every_lock
async def test_an_offline_lock_is_told_and_comes_back(
    rig: ZwaveRig, live: Connection, node: int
) -> None:
    rig.fault(node, offline=True)
    with pytest.raises(RetryLater):
        await live.driver.write(key(node), 1, Pin("4711"), None, None)
    await live.until(DeviceChanged, lambda p: p.online is False)
    assert not await live.driver.probe(key(node))
    assert rig.pins(node) == {}
    rig.fault(node, offline=False)
    assert await live.driver.probe(key(node))
    await live.until(DeviceChanged, lambda p: p.online is True)
    await live.driver.write(key(node), 1, Pin("4711"), None, None)
    assert rig.pins(node) == {1: "4711"}


async def test_operations_take_turns(rig: ZwaveRig, live: Connection) -> None:
    await asyncio.gather(
        *(live.driver.write(key(n), p, Pin(f"{n}{p}00"), None, None) for n in LOCKS for p in (1, 2))
    )
    for node in LOCKS:
        assert rig.pins(node) == {1: f"{node}100", 2: f"{node}200"}


async def test_a_slow_lock_is_waited_for(rig: ZwaveRig, live: Connection) -> None:
    rig.fault(V1_LOCK, delayMs=700)
    await live.driver.write(key(V1_LOCK), 1, Pin("4711"), None, None)
    assert rig.pins(V1_LOCK) == {1: "4711"}


async def test_a_restart_of_the_server_is_survived(rig: ZwaveRig, live: Connection) -> None:
    await live.driver.write(key(CREDENTIAL_LOCK), 1, Pin("4711"), "Ana", None)
    await asyncio.to_thread(rig.stop_server)
    with pytest.raises(RetryLater):
        await live.running
    with pytest.raises(RetryLater):
        await live.driver.observe(key(CREDENTIAL_LOCK), [1])
    refused = Connection(make_driver(rig.url))
    with pytest.raises(RetryLater):
        await refused.running
    assert not refused.connected.is_set()
    await refused.end()
    await asyncio.to_thread(rig.start_server)
    again = Connection(make_driver(rig.url))
    try:
        found = await again.until(DevicesFound)
        assert found.complete
        assert {d.provider_key for d in found.devices} == {key(node) for node in LOCKS}
        assert all(d.battery_level is not None for d in found.devices)
        # Z-Wave JS has not heard the locks yet; they can be worked with all the same.
        await again.driver.write(key(V1_LOCK), 1, Pin("2222"), None, None)
        assert await again.driver.observe(key(V1_LOCK), [1]) == {1: Holds(Pin("2222"))}
        seen = await again.driver.observe(key(CREDENTIAL_LOCK), [1, 2])
        assert seen == {1: Holds(Pin("4711")), 2: Empty()}
        await again.driver.clear(key(CREDENTIAL_LOCK), 1)
        await again.driver.write(key(SCHEDULE_LOCK), 1, Pin("4711"), None, None)
        assert rig.keypad(SCHEDULE_LOCK, "4711")
        await again.until(LockOperated)
    finally:
        await again.end()


async def test_an_address_that_is_no_z_wave_js_server_needs_attention(rig: ZwaveRig) -> None:
    wrong = Connection(make_driver(rig.control_url))
    with pytest.raises(NeedsAttention):
        await wrong.running
    await wrong.end()
