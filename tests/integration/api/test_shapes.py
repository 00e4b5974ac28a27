"""Answers of the API against Seam's published shapes."""

from collections.abc import AsyncIterator

import pytest

from latchwork.domain.device import battery_status
from support.api_house import ApiHouse, api_house
from support.shapes import SHAPES, assert_event, assert_shape


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def test_devices(house: ApiHouse) -> None:
    lock = await house.add_lock("no_zeros", battery_level=0.1)
    device = (await house.ok("/devices/get", device_id=lock))["device"]
    assert_shape("device", device)
    assert {"access_code", "lock"} <= set(device["capabilities_supported"])
    assert device["can_program_online_access_codes"] is True
    assert device["can_simulate_disconnection"] is True
    properties = device["properties"]
    assert properties["online"] is True
    assert properties["locked"] is True
    assert properties["battery"] == {"level": 0.1, "status": battery_status(0.1)}
    assert properties["supported_code_lengths"] == [4, 5, 6, 7, 8]
    assert properties["max_active_codes_supported"] == 30
    assert properties["code_constraints"] == [{"constraint_type": "no_zeros"}]
    assert properties["supports_backup_access_code_pool"] is True
    assert properties["model"]["display_name"] == "Assure"
    assert properties["manufacturer"] == "yale"
    both = await house.ok("/locks/get", device_id=lock)
    assert both["lock"] == both["device"]
    listed = await house.ok("/locks/list")
    assert listed["locks"] == listed["devices"] == [both["device"]]
    by_name = await house.ok("/devices/get", name="Front Door")
    assert by_name["device"]["device_id"] == lock


async def test_device_filters_and_pages(house: ApiHouse) -> None:
    locks = [await house.add_lock(display_name=f"Lock {n}") for n in range(5)]
    other = await house.add_lock(manufacturer="schlage", device_type="schlage_lock")
    found = await house.ok("/devices/list", manufacturer="schlage")
    assert [d["device_id"] for d in found["devices"]] == [other]
    found = await house.ok("/devices/list", device_ids=locks[:2])
    assert {d["device_id"] for d in found["devices"]} == set(locks[:2])
    first = await house.ok("/devices/list", limit=4)
    assert first["pagination"]["has_next_page"] is True
    assert_shape("pagination", first["pagination"])
    rest = await house.ok(
        "/devices/list", limit=4, page_cursor=first["pagination"]["next_page_cursor"]
    )
    assert len(first["devices"]) + len(rest["devices"]) == 6


async def test_workspace_accounts_and_webhooks(house: ApiHouse) -> None:
    assert_shape("workspace", (await house.ok("/workspaces/get"))["workspace"])
    [account] = (await house.ok("/connected_accounts/list"))["connected_accounts"]
    assert_shape("connected_account", account)
    made = (await house.ok("/webhooks/create", url="https://example.com/hook"))["webhook"]
    assert_shape("webhook", made)
    assert made["secret"].startswith("whsec_")
    assert made["event_types"] == ["*"]
    named = {"webhook_id": made["webhook_id"]}
    await house.ok("/webhooks/update", **named, event_types=["access_code.set_on_device"])
    found = (await house.ok("/webhooks/get", **named))["webhook"]
    assert found["event_types"] == ["access_code.set_on_device"]
    await house.ok("/webhooks/delete", **named)
    assert (await house.post("/webhooks/get", **named)).status_code == 404


async def test_access_codes_and_their_events(house: ApiHouse) -> None:
    lock = await house.add_lock()
    made = (await house.ok("/access_codes/create", device_id=lock, code="1848"))["access_code"]
    assert_shape("access_code", made)
    named = {"access_code_id": made["access_code_id"]}
    await house.ok(
        "/access_codes/update", **named, code="2959", name="Ben", ends_at="2026-12-01T00:00:00Z"
    )
    await house.ok("/access_codes/delete", **named)
    events = (await house.ok("/events/list", **named))["events"]
    assert {e["event_type"] for e in events} == {
        "access_code.created",
        "access_code.changed",
        "access_code.code_changed",
        "access_code.name_changed",
        "access_code.time_frame_changed",
        "access_code.mutations_requested",
    }
    for event in events:
        assert_event(event)
    one = await house.ok("/events/get", event_id=events[0]["event_id"])
    assert one["event"] == events[0]


async def test_door_commands_wait_for_the_engine(house: ApiHouse) -> None:
    lock = await house.add_lock()
    attempt = (await house.ok("/locks/lock_door", device_id=lock))["action_attempt"]
    assert (attempt["action_type"], attempt["status"]) == ("LOCK_DOOR", "pending")
    assert attempt["result"] is None
    listed = await house.ok("/action_attempts/list", device_id=lock)
    assert [a["action_attempt_id"] for a in listed["action_attempts"]] == [
        attempt["action_attempt_id"]
    ]


def test_every_code_that_we_tell_is_one_of_seams() -> None:
    ours = {
        "access_code.errors": {
            "failed_to_set_on_device", "failed_to_remove_from_device", "duplicate_code_on_device",
            "no_space_for_access_code_on_device", "conflicting_external_modification",
            "code_constraints_violated", "provider_issue", "device_disconnected",
            "hub_disconnected", "device_removed", "account_disconnected", "bridge_disconnected",
        },
        "access_code.warnings": {
            "delay_in_setting_on_device", "delay_in_removing_from_device",
            "external_modification_in_effect", "unknown_issue_with_access_code",
        },
        "device.errors": {
            "device_disconnected", "hub_disconnected", "device_removed", "account_disconnected",
            "bridge_disconnected",
        },
        "device.warnings": {"device_has_flaky_connection", "accessory_keypad_low_battery"},
        "connected_account.errors": {"account_disconnected", "bridge_disconnected"},
    }  # fmt: skip
    for kind, codes in ours.items():
        assert codes <= set(SHAPES["codes"][kind]), kind
