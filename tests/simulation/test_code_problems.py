"""Every error and warning that an access code can carry in this house, reached on simulated locks
and held to Seam's fields; and the events that tell of them."""

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest

from latchwork.api import code_serializers, serializers
from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.drivers.simulator.driver import SimulatorDriver
from latchwork.storage.interface import EventFilter
from support.delivery import on_virtual_time
from support.shapes import SHAPES, assert_event, assert_shape
from support.world import DAY, HOUR, MINUTE, World, one_lock

COMPUTING = {
    "key": "shed",
    "name": "Shed",
    "capabilities": {"access_codes": False, "offline": {}, "reads": "nothing"},
}
OPTIONAL = {"managed_access_code_id", "unmanaged_access_code_id"}


async def shown(world: World, code: str) -> dict[str, Any]:
    """As the API shows it, each problem held to its fields."""
    found = code_serializers.access_code(await world.view(code), world.clock.now())
    assert_shape("access_code", found)
    for kind, key in (("errors", "error_code"), ("warnings", "warning_code")):
        for problem in found[kind]:
            fields = set(SHAPES["code_fields"][f"access_code.{kind}"][problem[key]])
            assert problem.keys() - OPTIONAL == fields - OPTIONAL, problem[key]
            assert problem.keys() <= fields
    return found


async def problems(world: World, code: str) -> set[str]:
    found = await shown(world, code)
    return {e["error_code"] for e in found["errors"]} | {
        w["warning_code"] for w in found["warnings"]
    }


async def events(world: World) -> list[str]:
    """The types of all events, each held to its fields."""
    page = await world.storage.events(world.workspace_id, EventFilter(), limit=900, cursor=None)
    told = [serializers.event(event) for event in page.items]
    for event in told:
        assert_event(event)
    return [event["event_type"] for event in told]


async def late(world: World) -> str:
    world.lock().faults.offline = True
    code = await world.create("4711")
    await world.wait(HOUR)
    return code


async def not_removable(world: World) -> str:
    code = await world.create("4711")
    await world.wait(MINUTE)
    world.lock().faults.ignore_clears = -1
    await world.delete(code)
    await world.wait(HOUR)
    return code


async def foreign_duplicate(world: World) -> str:
    world.program_by_hand(1, "4711")
    code = await world.create("4711")
    await world.wait(MINUTE)
    return code


async def own_duplicate(world: World) -> str:
    # One PIN, of two codes: the keypad cannot tell them apart.
    world.promises = False
    await world.create("4711", lasts=2 * HOUR)
    code = await world.create("4711", starts_in=2 * HOUR, lasts=HOUR)
    await world.wait(HOUR + MINUTE)
    return code


async def no_room(world: World) -> str:
    for pin in ("1111", "2222"):
        await world.create(pin)
    await world.wait(MINUTE)
    code = await world.create("4711")
    await world.wait(MINUTE)
    return code


async def changed_by_hand(world: World, **change: Any) -> str:
    code = await world.create("4711", name="Ana")
    await world.wait(MINUTE)
    # The lock does not take it back at once.
    world.lock().faults.ignore_writes = -1
    world.promises = False
    await world.driver.simulate("front", "change_by_hand", {"position": 1, "told": True, **change})
    await world.wait(MINUTE)
    return code


async def removed_by_hand(world: World, *, allowed: bool = False) -> str:
    code = await world.create("4711", allow_external_modification=allowed)
    await world.wait(MINUTE)
    world.lock().faults.ignore_writes = -1
    world.promises = False
    await world.driver.simulate("front", "clear_by_hand", {"position": 1, "told": True})
    await world.wait(MINUTE)
    return code


async def refused_by_the_lock(world: World) -> str:
    code = await world.create("12345678901")
    await world.wait(MINUTE)
    return code


async def late_update(world: World) -> str:
    code = await world.create("4711", lasts=4 * HOUR)
    await world.wait(MINUTE)
    world.lock().faults.offline = True
    ends_at = (await world.view(code)).code.ends_at
    assert ends_at is not None
    await world.update(code, ends_at=ends_at + HOUR)
    await world.wait(HOUR)
    return code


async def expired_subscription(world: World) -> str:
    world.lock().faults.subscription_expired = True
    await world.driver.simulate("front", "paid_subscription", {"is_expired": True})
    code = await world.create("4711")
    await world.wait(MINUTE)
    return code


async def provider_refuses(world: World) -> str:
    world.lock().faults.subscription_expired = True
    code = await world.create_offline(lasts=2 * HOUR)
    await world.wait(MINUTE)
    return code


async def not_issued(world: World) -> str:
    world.lock().faults.fail_next = -1
    code = await world.create_offline(lasts=2 * HOUR)
    await world.wait(HOUR)
    return code


async def one_use(world: World) -> str:
    code = await world.create_offline()
    await world.wait(MINUTE)
    return code


async def pulled(world: World) -> str:
    code = await world.create("4711", lasts=DAY, use_backup_pool=True)
    await world.wait(MINUTE)
    await world.pull_backup(code)
    return code


async def no_backup(world: World) -> str:
    world.lock().faults.offline = True
    code = await world.create("4711", lasts=DAY, use_backup_pool=True)
    await world.wait(HOUR)
    return code


def lost(action: str, **values: Any) -> Callable[[World], Awaitable[str]]:
    async def scenario(world: World) -> str:
        code = await world.create("4711")
        await world.wait(MINUTE)
        world.promises = action != "remove"
        await world.driver.simulate("front", action, values)
        await world.wait(MINUTE)
        return code

    return scenario


def account_lost(error: Exception) -> Callable[[World], Awaitable[str]]:
    async def scenario(world: World) -> str:
        code = await world.create("4711")
        await world.wait(MINUTE)
        await world.kill()
        with patch.object(SimulatorDriver, "run", side_effect=error):
            world.start()
            await world.clock.sleep(MINUTE)
            await world.kill()
        return code

    return scenario


async def low_battery(world: World) -> str:
    await world.driver.simulate("front", "battery", {"level": 0.1})
    world.lock().faults.ignore_writes = -1
    code = await world.create("4711")
    await world.wait(MINUTE)
    return code


Case = tuple[Callable[[World], Awaitable[str]], set[str], str | None, dict[str, Any]]
"""What is done, which codes stand then, which event told of it, and on what lock."""

CASES: dict[str, Case] = {
    "late": (
        late,
        {"delay_in_setting_on_device", "failed_to_set_on_device", "device_disconnected"},
        "access_code.failed_to_set_on_device",
        {},
    ),
    "not removable": (
        not_removable,
        {"being_deleted", "delay_in_removing_from_device", "failed_to_remove_from_device"},
        "access_code.failed_to_remove_from_device",
        {},
    ),
    "foreign duplicate": (
        foreign_duplicate,
        {"duplicate_code_on_device", "failed_to_set_on_device"},
        "access_code.failed_to_set_on_device",
        {},
    ),
    "own duplicate": (
        own_duplicate,
        {"duplicate_code_on_device", "failed_to_set_on_device"},
        None,
        {"refuses_duplicates": True},
    ),
    "no room": (
        no_room,
        {"no_space_for_access_code_on_device"},
        None,
        {"positions": 2},
    ),
    "renamed": (
        lambda world: changed_by_hand(world, name="Zoe"),
        {"conflicting_external_modification"},
        "access_code.modified_external_to_seam",
        {"name_max_length": 10},
    ),
    "switched off": (
        lambda world: changed_by_hand(world, enabled=False),
        {"access_code_inactive", "conflicting_external_modification"},
        "access_code.modified_external_to_seam",
        {},
    ),
    "another PIN": (
        lambda world: changed_by_hand(world, code="8080"),
        {"conflicting_external_modification"},
        "access_code.modified_external_to_seam",
        {},
    ),
    "removed": (
        removed_by_hand,
        {"conflicting_external_modification"},
        "access_code.deleted_external_to_seam",
        {},
    ),
    "removed as allowed": (
        lambda world: removed_by_hand(world, allowed=True),
        {"external_modification_in_effect"},
        "access_code.deleted_external_to_seam",
        {},
    ),
    "refused": (
        refused_by_the_lock,
        {"code_constraints_violated", "failed_to_set_on_device"},
        "access_code.failed_to_set_on_device",
        {},
    ),
    "late update": (
        late_update,
        {"failed_to_update", "device_disconnected"},
        "access_code.failed_to_update",
        {"native_scheduling": True},
    ),
    "subscription": (
        expired_subscription,
        {"subscription_required", "device_disconnected"},
        "device.error.subscription_required",
        {},
    ),
    "provider": (
        provider_refuses,
        {"provider_issue", "time_frame_adjusted_for_unknown_time_zone"},
        None,
        COMPUTING,
    ),
    "not issued": (
        not_issued,
        {"delay_in_issuing", "failed_to_issue", "time_frame_adjusted_for_unknown_time_zone"},
        "access_code.failed_to_issue",
        COMPUTING,
    ),
    "one use": (
        one_use,
        {
            "igloo_algopin_must_be_used_within_24_hours",
            "time_frame_adjusted_for_unknown_time_zone",
        },
        "access_code.issued",
        COMPUTING,
    ),
    "pulled": (
        pulled,
        {"using_backup_access_code"},
        "access_code.backup_access_code_pulled",
        {},
    ),
    "no backup": (
        no_backup,
        {
            "empty_backup_access_code_pool",
            "device_disconnected",
            "delay_in_setting_on_device",
            "failed_to_set_on_device",
        },
        None,
        {},
    ),
    "hub": (lost("disconnect_from_hub"), {"hub_disconnected"}, None, {}),
    "other integration": (
        lost("condition", name="third_party_integration_detected", stands=True),
        {"third_party_integration_detected"},
        None,
        {},
    ),
    "credentials": (
        lost("condition", name="missing_device_credentials", stands=True),
        {"missing_device_credentials"},
        None,
        {},
    ),
    "permissions": (
        lost("condition", name="insufficient_permissions", stands=True),
        {"insufficient_permissions"},
        None,
        {},
    ),
    "gone": (lost("remove"), {"device_removed"}, None, {}),
    "bridge": (account_lost(RetryLater("no route")), {"bridge_disconnected"}, None, {}),
    "account": (account_lost(NeedsAttention("revoked")), {"account_disconnected"}, None, {}),
    "low battery": (
        low_battery,
        {"unknown_issue_with_access_code"},
        None,
        {},
    ),
}

NOT_APPLICABLE = {
    "failed_to_expire": "the same is told as failed_to_remove_from_device",
    "device_offline": "the same is told as device_disconnected",
    "salto_ks_subscription_limit_exceeded": "Salto KS",
    "dormakaba_sites_disconnected": "dormakaba",
    "august_lock_not_authorized": "August's own cloud",
    "auxiliary_heat_running": "thermostats",
    "code_rotates_periodically": "no driver's lock changes its codes by itself",
    "management_transferred": "a lock is in one workspace alone",
}


@pytest.mark.parametrize("name", CASES)
def test_a_code_says_what_stands_in_its_way(name: str) -> None:
    scenario, expected, event, lock = CASES[name]

    @on_virtual_time
    async def run() -> None:
        settings = {"locks": [lock]} if "key" in lock else one_lock(**lock)
        async with World(settings) as world:
            code = await scenario(world)
            assert await problems(world, code) == expected
            told = await events(world)
            assert event is None or event in told

    run()


def test_every_code_of_seams_is_reached_or_is_not_ours() -> None:
    reached = set().union(*(expected for _, expected, _, _ in CASES.values()))
    listed = {
        code
        for kind in ("errors", "warnings")
        for code in SHAPES["code_fields"][f"access_code.{kind}"]
    }
    assert reached | NOT_APPLICABLE.keys() == listed
    assert not reached & NOT_APPLICABLE.keys()
