"""/devices and /locks: filters, what callers say of devices, and forgetting them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from latchwork.api.routes.devices import OF_THE_LOCK
from latchwork.domain.device import LockCapabilities
from support.api_house import ApiHouse, api_house
from support.other_hands import put_foreign
from support.shapes import assert_event, assert_shape


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def told(house: ApiHouse, **where: Any) -> list[dict[str, Any]]:
    """Events, oldest first, each held to the fields of its type."""
    events: list[dict[str, Any]] = (await house.ok("/events/list", **where))["events"]
    for event in events:
        assert_event(event)
    return events[::-1]


async def ids(house: ApiHouse, path: str = "/devices/list", **where: Any) -> set[str]:
    return {device["device_id"] for device in (await house.ok(path, **where))["devices"]}


async def test_filters(house: ApiHouse) -> None:
    front = await house.add_lock(display_name="Front Door")
    mute = await house.add_lock(capabilities={"can_lock": False, "access_codes": False})
    await house.ok("/devices/update", device_id=front, custom_metadata={"floor": "2", "vip": True})
    account = house.account_id
    everyone = {front, mute}
    for where, expected in (
        ({"connected_account_id": account}, everyone),
        ({"connected_account_ids": [account, front]}, everyone),
        ({"connected_account_id": front}, set()),
        ({"device_type": "yale_lock", "device_types": ["schlage_lock"]}, everyone),
        ({"device_types": ["schlage_lock"]}, set()),
        ({"custom_metadata_has": {"floor": "2"}}, {front}),
        ({"custom_metadata_has": {"vip": True}}, {front}),
        ({"custom_metadata_has": {"vip": "true"}}, set()),
        ({"search": "FRONT"}, everyone),
        ({"created_before": "2026-11-24T15:00:00Z"}, set()),
        ({"created_before": "2026-11-24T15:00:01Z"}, everyone),
        ({"include_if": ["can_remotely_lock"]}, {front}),
        ({"exclude_if": ["can_remotely_lock"]}, {mute}),
        ({"include_if": ["can_program_online_access_codes", "can_unlock_with_code"]}, {front}),
        ({"include_if": ["can_simulate_removal"]}, everyone),
        ({"exclude_if": ["can_simulate_removal"]}, set()),
        ({"include_if": ["can_hvac_heat"]}, set()),
        ({"exclude_if": ["can_hvac_heat"]}, everyone),
        ({"customer_key": "c"}, set()),
        ({"device_ids": [mute]}, {mute}),
        ({"manufacturer": "yale", "limit": 5}, everyone),
    ):
        assert await ids(house, **where) == expected, where
        assert await ids(house, "/locks/list", **where) == expected, where
    refused = await house.post("/devices/list", include_if=["can_fly"])
    assert refused.status_code == 400


async def test_name_and_metadata(house: ApiHouse) -> None:
    lock = await house.add_lock(display_name="Front Door")
    await house.ok("/devices/update", device_id=lock, name="Gate", custom_metadata={"a": "1"})
    await house.ok("/devices/update", device_id=lock, custom_metadata={"b": True, "a": "2"})
    device = (await house.ok("/devices/get", name="Gate"))["device"]
    assert (device["display_name"], device["nickname"]) == ("Gate", "Gate")
    assert device["custom_metadata"] == {"a": "2", "b": True}
    await house.ok("/devices/update", device_id=lock, custom_metadata={"a": None}, name=None)
    device = (await house.ok("/devices/get", device_id=lock))["device"]
    assert (device["display_name"], device["custom_metadata"]) == ("Front Door", {"b": True})
    await house.ok("/devices/update", device_id=lock, properties={"name": "Side Gate"})
    events = await told(house, device_id=lock)
    assert [(e["event_type"], e.get("device_name")) for e in events] == [
        ("device.name_changed", "Gate"),
        ("device.name_changed", "Front Door"),
        ("device.name_changed", "Side Gate"),
    ]
    assert "device_custom_metadata" in events[1]


@pytest.mark.parametrize(
    "metadata",
    [
        {"k" * 41: "x"},
        {"": "x"},
        {"k": "x" * 501},
        {"k": 7},
        {"k": ["x"]},
        {f"k{n}": "x" for n in range(51)},
    ],
)
async def test_metadata_that_breaks_a_rule_leaves_all_as_it_was(
    house: ApiHouse, metadata: dict[str, Any]
) -> None:
    lock = await house.add_lock()
    for path, named in (
        ("/devices/update", {"device_id": lock, "name": "Gate"}),
        ("/connected_accounts/update", {"connected_account_id": house.account_id}),
    ):
        refused = await house.post(path, **named, custom_metadata=metadata)
        assert refused.status_code == 400
        assert "custom_metadata" in refused.json()["error"]["validation_errors"]
    device = (await house.ok("/devices/get", device_id=lock))["device"]
    assert (device["nickname"], device["custom_metadata"]) == (None, {})


async def test_fifty_keys_can_be_changed_in_place(house: ApiHouse) -> None:
    lock = await house.add_lock()
    fifty = {f"k{n}": "x" for n in range(50)}
    await house.ok("/devices/update", device_id=lock, custom_metadata=fifty)
    await house.ok("/devices/update", device_id=lock, custom_metadata={"k1": None, "new": "y"})
    device = (await house.ok("/devices/get", device_id=lock))["device"]
    assert len(device["custom_metadata"]) == 50


async def test_a_backup_pool_is_switched_where_one_can_be(house: ApiHouse) -> None:
    able, unable = await house.add_lock(), await house.add_lock(capabilities={"positions": 1})
    switch = {"backup_access_code_pool_enabled": False}
    properties = (await house.ok("/devices/get", device_id=able))["device"]["properties"]
    assert properties["backup_access_code_pool_enabled"] is True
    await house.ok("/devices/update", device_id=able, **switch)
    properties = (await house.ok("/devices/get", device_id=able))["device"]["properties"]
    assert properties["backup_access_code_pool_enabled"] is False
    refused = await house.post(
        "/devices/update", device_id=unable, backup_access_code_pool_enabled=True
    )
    assert "backup_access_code_pool_enabled" in refused.json()["error"]["validation_errors"]


async def test_an_unmanaged_device_is_left_alone(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok("/devices/update", device_id=lock, is_managed=False)
    assert await ids(house) == set()
    for path, asked in (
        ("/devices/get", {}),
        ("/devices/update", {}),
        ("/locks/get", {}),
        ("/locks/lock_door", {}),
        ("/locks/configure_auto_lock", {"auto_lock_enabled": True}),
        ("/access_codes/create", {"code": "1848"}),
        ("/access_codes/unmanaged/list", {}),
        ("/devices/simulate/disconnect", {}),
    ):
        refused = await house.post(path, device_id=lock, **asked)
        assert (refused.status_code, refused.json()["error"]["type"]) == (404, "device_not_found")
    device = (await house.ok("/devices/unmanaged/get", device_id=lock))["device"]
    assert_shape("unmanaged_device", device)
    assert device["is_managed"] is False
    assert await ids(house, "/devices/unmanaged/list") == {lock}
    assert await ids(house, "/devices/unmanaged/list", search="nothing") == set()
    by_name = await house.ok("/devices/unmanaged/get", name="Front Door")
    assert by_name["device"] == device
    await house.ok("/devices/unmanaged/update", device_id=lock, custom_metadata={"a": "1"})
    refused = await house.post("/devices/unmanaged/update", device_id=lock, is_managed=False)
    assert refused.status_code == 400
    await house.ok("/devices/unmanaged/update", device_id=lock, is_managed=True)
    assert (await house.ok("/devices/get", device_id=lock))["device"]["is_managed"] is True
    assert (await house.post("/devices/unmanaged/get", device_id=lock)).status_code == 404
    assert [e["event_type"] for e in await told(house, device_id=lock)] == [
        "device.converted_to_unmanaged",
        "device.unmanaged.converted_to_managed",
    ]


async def test_a_forgotten_device_takes_its_codes_along(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok("/devices/update", device_id=lock, custom_metadata={"floor": "2"})
    code = (await house.ok("/access_codes/create", device_id=lock, code="1848"))["access_code"]
    await put_foreign(house.storage, house.now, house.new_id(), lock, 3, pin="2959")
    await house.ok("/devices/delete", device_id=lock)
    assert (await house.post("/devices/delete", device_id=lock)).status_code == 404
    assert (await house.post("/devices/get", device_id=lock)).status_code == 404
    named = {"access_code_id": code["access_code_id"]}
    assert (await house.post("/access_codes/get", **named)).status_code == 404
    events = await told(house, device_id=lock)
    assert [e["event_type"] for e in events] == [
        "access_code.created",
        "access_code.deleted",
        "device.deleted",
    ]
    assert events[1]["code"] == "1848"
    assert events[2]["device_name"] == "Front Door"
    assert events[2]["device_custom_metadata"] == {"floor": "2"}


async def test_a_reported_time_zone_goes_before_the_providers(house: ApiHouse) -> None:
    told_zone = await house.add_lock(time_zone="Europe/Berlin")
    unknown = await house.add_lock(capabilities={"native_scheduling": True})
    path = "/devices/report_provider_metadata"
    zone = {"time_zone": "Europe/Paris"}
    reports = [
        {"device_id": told_zone, "schlage_metadata": zone},
        {"device_id": unknown, "ultraloq_metadata": zone},
    ]
    for wrong in (
        {"device_id": unknown, "omnitec_metadata": {"time_zone": "Mars/Base"}},
        {"device_id": house.account_id, "omnitec_metadata": zone},
    ):
        assert (await house.post(path, devices=[*reports, wrong])).status_code in (400, 404)
    device = (await house.ok("/devices/get", device_id=told_zone))["device"]
    assert device["location"]["time_zone"] == "Europe/Berlin", "half-written"
    await house.ok(path, devices=reports)
    device = (await house.ok("/devices/get", device_id=told_zone))["device"]
    assert device["location"] == {"time_zone": "Europe/Paris", "timezone": "Europe/Paris"}
    assert [w["warning_code"] for w in device["warnings"]] == ["time_zone_mismatch"]
    device = (await house.ok("/devices/get", device_id=unknown))["device"]
    assert device["location"]["time_zone"] == "Europe/Paris"
    agreed = {"device_id": told_zone, "schlage_metadata": {"time_zone": "Europe/Berlin"}}
    await house.ok(path, devices=[agreed])
    device = (await house.ok("/devices/get", device_id=told_zone))["device"]
    assert device["warnings"] == []


async def test_auto_lock_is_asked_of_locks_that_have_it(house: ApiHouse) -> None:
    plain = await house.add_lock()
    able = await house.add_lock(capabilities={"auto_lock": True})
    path = "/locks/configure_auto_lock"
    refused = await house.post(path, device_id=plain, auto_lock_enabled=True)
    assert refused.json()["error"]["type"] == "device_cannot_configure_auto_lock"
    for delay in (0, 61, -1):
        wrong = await house.post(
            path, device_id=able, auto_lock_enabled=True, auto_lock_delay_seconds=delay
        )
        assert wrong.status_code == 400
    answer = await house.ok(
        path, device_id=able, auto_lock_enabled=True, auto_lock_delay_seconds=45
    )
    attempt = answer["action_attempt"]
    assert (attempt["action_type"], attempt["status"]) == ("CONFIGURE_AUTO_LOCK", "pending")
    assert (await house.ok("/devices/get", device_id=able))["device"]["can_configure_auto_lock"]


async def test_providers_are_the_installed_drivers(house: ApiHouse) -> None:
    """But for the sandbox's own."""
    path = "/devices/list_device_providers"
    providers = (await house.ok(path))["device_providers"]
    for provider in providers:
        assert_shape("device_provider", provider)
        assert provider["image_url"].startswith("data:image/svg+xml,")
    names = {provider["device_provider_name"] for provider in providers}
    assert "zwave_js" in names
    assert "simulator" not in names
    assert (await house.ok(path, provider_category="stable"))["device_providers"] == providers
    assert (await house.ok(path, provider_category="cameras"))["device_providers"] == []
    assert (await house.post(path, provider_category="toasters")).status_code == 400


def test_capability_flags_that_filters_name_exist() -> None:
    assert set(OF_THE_LOCK.values()) <= set(LockCapabilities.__struct_fields__)
