"""The simulator as a driver: pushes, turns, durability and the sandbox's actions."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from latchwork.domain.errors import NeedsAttention, Rejected, RetryLater
from latchwork.domain.observation import Empty, Holds
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    DriverContext,
    LockOperated,
)
from latchwork.drivers.simulator.driver import factory
from support.delivery import on_virtual_time
from support.driver_context import KeptStore
from support.simulated import Connection, connect
from support.virtual_time import VirtualClock

PIN = Pin("4711")
TWO = {"count": 2, "latency": 0.2}
HOUR = timedelta(hours=1)


def one(**capabilities: Any) -> dict[str, Any]:
    return {"locks": [{"key": "front", "name": "Front Door", "capabilities": capabilities}]}


@on_virtual_time
async def test_all_locks_are_found_first() -> None:
    async with connect({"locks": "demo"}) as connection:
        (found,) = connection.pushes
        assert isinstance(found, DevicesFound)
        assert found.complete
        assert [d.provider_key for d in found.devices] == list(connection.driver.house.locks)


@on_virtual_time
async def test_calls_wait_for_the_connection() -> None:
    context = DriverContext(
        connected_account_id="a", settings=TWO, secrets={}, clock=VirtualClock(), store=KeptStore()
    )
    with pytest.raises(RetryLater):
        await factory(context).observe("lock-1", [1])
    async with connect(TWO) as connection:
        driver = connection.driver
    with pytest.raises(RetryLater):
        await driver.observe("lock-1", [1])


@on_virtual_time
async def test_one_lock_does_one_thing_at_a_time_and_two_work_side_by_side() -> None:
    async with connect(TWO) as connection:
        began = connection.clock.now()
        await asyncio.gather(*(connection.driver.observe(f"lock-{n}", [1]) for n in (1, 2)))
        assert connection.clock.now() - began == timedelta(seconds=0.2)
        await asyncio.gather(*(connection.driver.observe("lock-1", [1]) for _ in range(3)))
        assert connection.clock.now() - began == timedelta(seconds=0.8)


@on_virtual_time
async def test_delay_is_added_to_every_call_and_cut_short_leaves_the_lock_as_it_was() -> None:
    async with connect(TWO) as connection:
        await simulate(connection, "set_fault", key="lock-1", name="delay", value=30)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(20):
                await connection.driver.write("lock-1", 1, PIN, None, None)
        await simulate(connection, "clear_faults", key="lock-1")
        assert await connection.driver.observe("lock-1", [1]) == {1: Empty()}


@on_virtual_time
async def test_locks_remember_everything_after_a_restart() -> None:
    store = KeptStore()
    settings = one(native_scheduling=True, name_max_length=10)
    async with connect(settings, store) as connection:
        now = connection.clock.now()
        window = Window(now, now + HOUR)
        await connection.driver.write("front", 1, PIN, "Guest", window)
        await connection.driver.unlock("front")
        await simulate(connection, "battery", level=0.4)
        await simulate(connection, "disconnect")
        await simulate(connection, "set_fault", name="flapping", value={"period": 7, "share": 0})
        before = connection.driver.house.lock("front")
    async with connect(settings, store) as connection:
        after = connection.driver.house.lock("front")
        for fact in ("codes", "locked", "battery_level", "online", "faults"):
            assert getattr(after, fact) == getattr(before, fact), fact
        (found,) = connection.pushes
        assert isinstance(found, DevicesFound)
        assert found.devices[0].online is False
        assert found.devices[0].locked is False
        assert found.devices[0].battery_level == 0.4


@on_virtual_time
async def test_acknowledged_change_that_is_still_to_come_survives_a_restart() -> None:
    store = KeptStore()
    async with connect(one(), store) as connection:
        await simulate(connection, "set_fault", name="late_apply", value=60)
        await connection.driver.write("front", 1, PIN, None, None)
    async with connect(one(), store) as connection:
        lock, now = connection.driver.house.lock("front"), connection.clock.now()
        assert not lock.opens(PIN, now)
        assert lock.opens(PIN, now + timedelta(seconds=61))


@on_virtual_time
async def test_write_is_stored_when_its_answer_is_lost() -> None:
    store = KeptStore()
    async with connect(one(), store) as connection:
        await simulate(connection, "set_fault", name="drop_answer", value=1)
        with pytest.raises(RetryLater):
            await connection.driver.write("front", 1, PIN, None, None)
    async with connect(one(), store) as connection:
        assert await connection.driver.observe("front", [1]) == {1: Holds(PIN)}


@on_virtual_time
async def test_locks_that_are_not_durable_store_nothing() -> None:
    store = KeptStore()
    async with connect({**one(), "durable": False}, store) as connection:
        await connection.driver.write("front", 1, PIN, None, None)
    assert store.values == {}


async def simulate(connection: Connection, action: str, key: str = "front", **values: Any) -> bool:
    return await connection.driver.simulate(key, action, values)


@on_virtual_time
async def test_bolt_moved_from_afar_is_pushed() -> None:
    async with connect(one()) as connection:
        await connection.driver.unlock("front")
        await connection.driver.lock("front")
        pushes = await connection.told()
        assert [(p.locked, p.method) for p in pushes if isinstance(p, LockOperated)] == [
            (False, "remote"),
            (True, "remote"),
        ]


@on_virtual_time
async def test_keypad_entry_opens_to_a_stored_pin_and_tells_whose() -> None:
    async with connect(one()) as connection:
        await connection.driver.write("front", 3, PIN, None, None)
        assert await simulate(connection, "keypad_code_entry", code="4711")
        assert not await simulate(connection, "keypad_code_entry", code=Pin("0000"))
        assert not connection.driver.house.lock("front").locked
        assert await simulate(connection, "manual_lock_via_keypad")
        assert connection.driver.house.lock("front").locked
        entry, denied, manual = await connection.told()
        assert isinstance(entry, LockOperated)
        assert (entry.locked, entry.method, entry.position) == (False, "keycode", 3)
        assert isinstance(denied, AccessDenied)
        assert isinstance(manual, LockOperated)
        assert (manual.locked, manual.method) == (True, "manual")


@on_virtual_time
async def test_lock_out_of_reach_tells_nothing_of_its_keypad() -> None:
    async with connect(one()) as connection:
        await simulate(connection, "set_fault", name="offline", value=True)
        assert not await simulate(connection, "keypad_code_entry", code="4711")
        assert await connection.told() == []


@pytest.mark.parametrize(
    ("lost", "found", "hub_offline"),
    [("disconnect", "connect", None), ("disconnect_from_hub", "connect_to_hub", True)],
)
def test_lost_and_mended_connection_is_pushed(
    lost: str, found: str, hub_offline: bool | None
) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with connect(one()) as connection:
            await simulate(connection, lost)
            with pytest.raises(RetryLater):
                await connection.driver.observe("front", [1])
            assert not await connection.driver.probe("front")
            await simulate(connection, found)
            assert await connection.driver.probe("front")
            assert await connection.told() == [
                DeviceChanged(provider_key="front", online=False, hub_offline=hub_offline),
                DeviceChanged(provider_key="front", online=True),
            ]

    scenario()


@on_virtual_time
async def test_battery_is_pushed() -> None:
    async with connect(one()) as connection:
        await simulate(connection, "battery", level=0.1)
        assert await connection.told() == [DeviceChanged(provider_key="front", battery_level=0.1)]


@on_virtual_time
async def test_subscription_that_expired_stops_everything_until_it_is_renewed() -> None:
    async with connect(one()) as connection:
        await simulate(connection, "paid_subscription", is_expired=True)
        with pytest.raises(NeedsAttention):
            await connection.driver.observe("front", [1])
        await simulate(connection, "paid_subscription", is_expired=False)
        assert await connection.driver.observe("front", [1]) == {1: Empty()}


@on_virtual_time
async def test_removed_lock_is_gone_for_good() -> None:
    store = KeptStore()
    async with connect(TWO, store) as connection:
        await simulate(connection, "remove", key="lock-1")
        await connection.told()
        found = connection.pushes[-1]
        assert isinstance(found, DevicesFound)
        assert found.complete
        assert [d.provider_key for d in found.devices] == ["lock-2"]
        with pytest.raises(NeedsAttention):
            await connection.driver.probe("lock-1")
    async with connect(TWO, store) as connection:
        assert list(connection.driver.house.locks) == ["lock-2"]


@on_virtual_time
async def test_codes_changed_by_hand_are_told_as_the_lock_does_or_as_asked() -> None:
    async with connect(one()) as silent:
        assert await simulate(silent, "program_by_hand", code="1234")
        assert await silent.told() == []
        assert await simulate(silent, "program_by_hand", code="1235", told=True)
        assert await silent.told() == [CodesChanged(provider_key="front", positions=(2,))]
    async with connect(one(pushes_changes=True)) as telling:
        assert await simulate(telling, "program_by_hand", code="1234", position=7, name="Eve")
        assert await simulate(telling, "clear_by_hand", position=7)
        assert not await simulate(telling, "clear_by_hand", position=7)
        assert await telling.told() == [CodesChanged(provider_key="front", positions=(7,))] * 2


@on_virtual_time
async def test_telling_lock_reports_our_own_changes_too() -> None:
    async with connect(one(pushes_changes=True)) as connection:
        for _ in range(2):
            await connection.driver.write("front", 1, PIN, None, None)
        assert await connection.told() == [CodesChanged(provider_key="front", positions=(1,))]


@on_virtual_time
async def test_code_by_hand_finds_no_position_on_a_full_lock() -> None:
    async with connect(one(positions=1)) as connection:
        assert await simulate(connection, "program_by_hand", code="1234")
        assert not await simulate(connection, "program_by_hand", code="1235")


@pytest.mark.parametrize(
    ("action", "values", "rule"),
    [
        ("explode", {}, "action"),
        ("paid_subscription", {}, "is_expired"),
        ("paid_subscription", {"is_expired": "yes"}, "is_expired"),
        ("battery", {"level": 2}, "level"),
        ("keypad_code_entry", {}, "code"),
        ("keypad_code_entry", {"code": 4711}, "code"),
        ("set_fault", {"name": "fire", "value": 1}, "name"),
        ("program_by_hand", {"code": "1", "position": 99}, "position"),
        ("clear_by_hand", {}, "position"),
    ],
)
def test_wrong_action_or_value_is_rejected_by_name(
    action: str, values: dict[str, Any], rule: str
) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with connect(one()) as connection:
            with pytest.raises(Rejected) as refusal:
                await connection.driver.simulate("front", action, values)
            assert refusal.value.rule == rule

    scenario()


def test_pins_are_not_shown_by_what_the_driver_keeps() -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with connect(one()) as connection:
            await connection.driver.write("front", 1, PIN, None, None)
            assert "4711" not in repr(connection.driver.house.lock("front").codes)

    scenario()
