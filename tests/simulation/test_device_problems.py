"""Every error, warning and event of devices and accounts that this house can tell, reached on
simulated locks and held to Seam's fields, one by one."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import pytest

from latchwork.api import code_serializers, device_serializers, serializers
from latchwork.domain.action_attempt import ActionType
from latchwork.domain.conditions import OF_ACCOUNTS, OF_DEVICES
from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.drivers.simulator.driver import SimulatorDriver
from latchwork.storage.interface import DeviceView, EventFilter
from support.delivery import on_virtual_time
from support.shapes import SHAPES, assert_event
from support.world import DAY, HOUR, MINUTE, SECOND, World, one_lock

TELLING = "device.error.subscription_required"


async def device_of(world: World) -> dict[str, Any]:
    """As the API shows it."""
    view = await world.storage.device(
        world.workspace_id, device_id=(await world.device("front")).device_id, is_managed=None
    )
    assert view is not None
    return device_serializers.device(view, is_sandbox=True)


async def account_of(world: World) -> dict[str, Any]:
    account = await world.storage.account(world.workspace_id, world.account.connected_account_id)
    assert account is not None
    return device_serializers.connected_account(account)


async def events(world: World) -> list[dict[str, Any]]:
    """All of them, oldest first, as the API shows them, held to their fields."""
    page = await world.storage.events(world.workspace_id, EventFilter(), limit=900, cursor=None)
    shown = [serializers.event(e) for e in sorted(page.items, key=lambda e: e.sequence)]
    for event in shown:
        assert_event(event)
    return shown


def check(kind: str, key: str, problems: list[dict[str, Any]]) -> set[str]:
    """The codes of the problems, each held to exactly its fields."""
    for problem in problems:
        expected = set(SHAPES["code_fields"][kind][problem[key]])
        assert problem.keys() == expected, problem[key]
    return {problem[key] for problem in problems}


async def problems(world: World) -> set[str]:
    shown = await device_of(world)
    errors = check("device.errors", "error_code", shown["errors"])
    return errors | check("device.warnings", "warning_code", shown["warnings"])


async def account_problems(world: World) -> set[str]:
    shown = await account_of(world)
    errors = check("connected_account.errors", "error_code", shown["errors"])
    return errors | check("connected_account.warnings", "warning_code", shown["warnings"])


def types(told: list[dict[str, Any]]) -> list[str]:
    return [event["event_type"] for event in told]


@pytest.mark.parametrize("code", sorted(OF_DEVICES))
def test_what_a_driver_reports_of_a_lock_stands_until_it_ends(code: str) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World() as world:
            for _ in range(2):
                await world.driver.simulate("front", "condition", {"name": code, "stands": True})
            await world.wait(SECOND)
            assert await problems(world) == {code}
            for _ in range(2):
                await world.driver.simulate("front", "condition", {"name": code, "stands": False})
            await world.wait(SECOND)
            assert await problems(world) == set()
            kind = OF_DEVICES[code]
            expected = [e for e in (kind.begun, kind.ended) if e is not None]
            assert types(await events(world))[4:] == expected

    scenario()


@pytest.mark.parametrize("code", sorted(OF_ACCOUNTS))
def test_what_a_driver_reports_of_an_account_stands_until_it_ends(code: str) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World() as world:
            change: Mapping[str, Any] = {"name": code, "stands": True}
            await world.driver.simulate("front", "account_condition", change)
            await world.wait(SECOND)
            assert await account_problems(world) == {code}
            await world.driver.simulate("front", "account_condition", {**change, "stands": False})
            await world.wait(SECOND)
            assert await account_problems(world) == set()
            expected = [e for e in (OF_ACCOUNTS[code].begun,) if e is not None]
            assert types(await events(world))[4:] == expected

    scenario()


@on_virtual_time
async def test_an_expired_subscription_is_told_and_its_renewal_too() -> None:
    async with World() as world:
        await world.driver.simulate("front", "paid_subscription", {"is_expired": True})
        await world.wait(SECOND)
        assert await problems(world) == {"subscription_required"}
        code = await world.create("4711")
        await world.wait(MINUTE)
        assert await world.status(code) == "setting"
        await world.driver.simulate("front", "paid_subscription", {"is_expired": False})
        await world.wait_for(code, "set", 20 * MINUTE)
        assert await problems(world) == set()
        told = types(await events(world))
        assert told.count(TELLING) == told.count(f"{TELLING}.resolved") == 1


@pytest.mark.parametrize(
    ("lost", "found", "code"),
    [
        ("disconnect", "connect", "device_disconnected"),
        ("disconnect_from_hub", "connect_to_hub", "hub_disconnected"),
    ],
)
def test_a_lost_lock_says_what_was_lost(lost: str, found: str, code: str) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World() as world:
            await world.driver.simulate("front", lost, {})
            await world.wait(MINUTE)
            assert await problems(world) == {code}
            await world.driver.simulate("front", found, {})
            await world.wait(MINUTE)
            assert await problems(world) == set()
            told = (await events(world))[4:]
            assert types(told) == ["device.disconnected", "device.connected"]
            assert told[0]["error_code"] == code
            assert [e["error_code"] for e in told[0]["device_errors"]] == [code]

    scenario()


@on_virtual_time
async def test_a_removed_lock_is_told() -> None:
    async with World() as world:
        await world.driver.simulate("front", "remove", {})
        await world.wait(SECOND)
        page = await world.storage.devices_of_account(world.account.connected_account_id)
        view = DeviceView(device=page[0], account=world.account)
        shown = device_serializers.device(view, is_sandbox=True)
        assert check("device.errors", "error_code", shown["errors"]) == {"device_removed"}
        assert types(await events(world))[-1] == "device.removed"


@on_virtual_time
async def test_a_weak_link_is_told_before_a_lost_one() -> None:
    async with World() as world:
        world.lock().faults.fail_next = 2
        code = await world.create("4711")
        await world.wait(10 * SECOND)
        assert await problems(world) == {"device_has_flaky_connection"}
        await world.wait_for(code, "set", MINUTE)
        assert await problems(world) == set()
        told = types(await events(world))
        assert "device.connection_became_flaky" in told
        assert "device.connection_stabilized" in told


@on_virtual_time
async def test_battery_and_tampering_are_told() -> None:
    async with World() as world:
        await world.driver.simulate("front", "battery", {"level": 0.1})
        await world.driver.simulate("front", "tamper", {})
        await world.wait(SECOND)
        assert await problems(world) == {"accessory_keypad_low_battery"}
        told = (await events(world))[4:]
        assert sorted(types(told)) == [
            "device.battery_status_changed",
            "device.low_battery",
            "device.tampered",
        ]
        low = next(e for e in told if e["event_type"] == "device.low_battery")
        assert (low["battery_level"], low["battery_source"]) == (0.1, "lock")


@on_virtual_time
async def test_a_full_lock_is_told_with_its_counts() -> None:
    async with World(one_lock(positions=2)) as world:
        codes = [await world.create(pin) for pin in ("4711", "4712", "4713")]
        await world.wait(MINUTE)
        assert await problems(world) == {"max_access_codes_reached"}
        [warning] = (await device_of(world))["warnings"]
        assert warning["active_access_code_count"] == 2
        assert warning["max_active_access_code_count"] == 2
        waiting = [c for c in codes if await world.status(c) != "set"]
        await world.delete(waiting[0])
        await world.delete(next(c for c in codes if c not in waiting))
        await world.wait(MINUTE)
        assert await problems(world) == set()


@on_virtual_time
async def test_a_lock_that_keeps_schedules_in_no_known_zone_is_told() -> None:
    async with World(one_lock(native_scheduling=True)) as world:
        assert await problems(world) == {"time_zone_unknown"}


@pytest.mark.parametrize(
    ("error", "code", "further"),
    [
        (RetryLater("no route"), "bridge_disconnected", set()),
        (NeedsAttention("The token was revoked."), "account_disconnected", set()),
        (ValueError("?"), "bridge_disconnected", {"unknown_issue_with_connected_account"}),
    ],
)
def test_a_lost_account_is_told_on_itself_and_on_its_locks(
    error: Exception, code: str, further: set[str]
) -> None:
    @on_virtual_time
    async def scenario() -> None:
        async with World() as world:
            guest = await world.create("4711")
            await world.wait_for(guest, "set", 10 * SECOND)
            await world.kill()
            with patch.object(SimulatorDriver, "run", side_effect=error):
                world.start()
                await world.clock.sleep(MINUTE)
                assert await account_problems(world) == {code} | further
                assert await problems(world) == {code}
                shown = code_serializers.access_code(await world.view(guest), world.clock.now())
                assert shown["status"] == "unknown"
                assert check("access_code.errors", "error_code", shown["errors"]) == {code}
            await world.clock.sleep(10 * MINUTE)
            assert await account_problems(world) == await problems(world) == set()
            assert await world.status(guest) == "set"
            told = types(await events(world))[-5:]
            assert told == [
                "connected_account.disconnected",
                "device.disconnected",
                "connected_account.connected",
                "device.connected",
                "connected_account.completed_first_sync_after_reconnection",
            ]

    scenario()


@on_virtual_time
async def test_a_lock_locks_itself_when_told_to() -> None:
    async with World(one_lock(auto_lock=True)) as world:
        device = await world.device()
        assert (device.auto_lock_enabled, device.auto_lock_delay) == (False, 30.0)
        await _configure(world, enabled=True, delay=45.0)
        shown = (await device_of(world))["properties"]
        assert (shown["auto_lock_enabled"], shown["auto_lock_delay_seconds"]) == (True, 45.0)
        await world.driver.unlock("front")
        await world.wait(40 * SECOND)
        assert not world.lock().locked
        await world.wait(10 * SECOND)
        assert world.lock().locked
        last = (await events(world))[-1]
        assert (last["event_type"], last["method"]) == ("lock.locked", "automatic")
        await _configure(world, enabled=False, delay=None)
        await world.driver.unlock("front")
        await world.wait(DAY, HOUR)
        assert not world.lock().locked


async def _configure(world: World, *, enabled: bool, delay: float | None) -> None:
    values = {"enabled": enabled, "delay": delay}
    attempt_id = await world.ask(ActionType.CONFIGURE_AUTO_LOCK, values=values)
    await world.wait(2 * SECOND)
    ended = await world.storage.attempt(world.workspace_id, attempt_id)
    assert ended is not None
    assert ended.status.value == "success"
