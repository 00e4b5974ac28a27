"""/connected_accounts: what callers say of them, and forgetting them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.api_house import ApiHouse, api_house
from support.shapes import assert_event, assert_shape


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def shown(house: ApiHouse) -> dict[str, Any]:
    named = {"connected_account_id": house.account_id}
    account: dict[str, Any] = (await house.ok("/connected_accounts/get", **named))[
        "connected_account"
    ]
    assert_shape("connected_account", account)
    return account


async def test_an_account_is_changed(house: ApiHouse) -> None:
    named = {"connected_account_id": house.account_id}
    answer = await house.ok(
        "/connected_accounts/update",
        **named,
        display_name="Home",
        custom_metadata={"floor": "2", "vip": True},
        automatically_manage_new_devices=False,
        accepted_capabilities=["lock", "camera"],
    )
    account = await shown(house)
    assert answer["connected_account"] == account
    assert account["display_name"] == "Home"
    assert account["custom_metadata"] == {"floor": "2", "vip": True}
    assert account["automatically_manage_new_devices"] is False
    assert account["accepted_capabilities"] == ["lock"]
    await house.ok("/connected_accounts/update", **named, custom_metadata={"vip": None})
    account = await shown(house)
    assert account["custom_metadata"] == {"floor": "2"}
    assert account["automatically_manage_new_devices"] is False
    found = await house.ok("/connected_accounts/list", custom_metadata_has={"floor": "2"})
    assert found["connected_accounts"] == [account]
    found = await house.ok("/connected_accounts/list", custom_metadata_has={"floor": "3"})
    assert found["connected_accounts"] == []
    assert (await house.ok("/connected_accounts/list", search="hom"))["connected_accounts"]
    assert not (await house.ok("/connected_accounts/list", space_id="s"))["connected_accounts"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"display_name": ""},
        {"display_name": "x" * 256},
        {"accepted_capabilities": ["camera"]},
        {"accepted_capabilities": ["flying"]},
        {"customer_key": "c"},
    ],
)
async def test_what_an_account_cannot_be(house: ApiHouse, wrong: dict[str, Any]) -> None:
    before = await shown(house)
    named = {"connected_account_id": house.account_id}
    assert (await house.post("/connected_accounts/update", **named, **wrong)).status_code == 400
    assert await shown(house) == before


async def test_a_forgotten_account_takes_devices_and_codes_along(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock(is_managed=False)]
    code = (await house.ok("/access_codes/create", device_id=locks[0], code="1848"))["access_code"]
    named = {"connected_account_id": house.account_id}
    await house.ok("/connected_accounts/update", **named, custom_metadata={"floor": "2"})
    await house.ok("/connected_accounts/delete", **named)
    for path in ("get", "delete", "update", "sync", "simulate/disconnect"):
        assert (await house.post(f"/connected_accounts/{path}", **named)).status_code == 404
    assert (await house.ok("/devices/list"))["devices"] == []
    assert (await house.ok("/devices/unmanaged/list"))["devices"] == []
    assert (await house.ok("/access_codes/list"))["access_codes"] == []
    events = (await house.ok("/events/list", **named))["events"]
    for event in events:
        assert_event(event)
    types = [e["event_type"] for e in events]
    assert (types[0], types[-1]) == ("connected_account.deleted", "access_code.created")
    assert sorted(types[1:-1]) == ["access_code.deleted", "device.deleted", "device.deleted"]
    assert events[0]["connected_account_type"] == "simulator"
    assert events[0]["connected_account_custom_metadata"] == {"floor": "2"}
    [gone] = [e for e in events if e["event_type"] == "access_code.deleted"]
    assert gone["access_code_id"] == code["access_code_id"]


async def test_an_account_of_others_is_out_of_reach(house: ApiHouse) -> None:
    named = {"connected_account_id": house.account_id}
    await house.furnish_other()
    for path in ("get", "delete", "update", "sync", "simulate/disconnect"):
        assert (await house.post(f"/connected_accounts/{path}", **named)).status_code == 404


async def test_events_of_one_account_pages_and_offsets(house: ApiHouse) -> None:
    lock = await house.add_lock()
    for name in ("A", "B", "C"):
        await house.ok("/devices/update", device_id=lock, name=name)
    named = {"connected_account_id": house.account_id, "event_type": "device.name_changed"}
    every = (await house.ok("/events/list", **named))["events"]
    assert [e["device_name"] for e in every] == ["C", "B", "A"]
    assert (await house.ok("/events/list", **named, unstable_offset=2))["events"] == every[2:]
    first = await house.ok("/events/list", **named, limit=2)
    cursor = first["pagination"]["next_page_cursor"]
    rest = await house.ok("/events/list", **named, limit=2, page_cursor=cursor)
    assert first["events"] + rest["events"] == every
    by_ids = await house.ok("/events/list", event_ids=[every[1]["event_id"]])
    assert by_ids["events"] == [every[1]]
    types = ["device.name_changed", "device.removed"]
    assert len((await house.ok("/events/list", event_types=types))["events"]) == 3
    for nobody in ({"customer_key": "c"}, {"acs_system_ids": ["x"]}, {"device_ids": [lock[::-1]]}):
        assert (await house.ok("/events/list", **nobody))["events"] == []
    span = ["2026-11-24T14:00:00Z", "2026-11-24T16:00:00Z"]
    assert len((await house.ok("/events/list", between=span))["events"]) >= 3
    assert (await house.ok("/events/list", since="2026-11-24T15:00:00Z"))["events"] == []
    assert (await house.post("/events/list", between=span[:1])).status_code == 400
    newest = await house.ok("/events/get", event_type="device.name_changed", device_id=lock)
    assert newest["event"] == every[0]
