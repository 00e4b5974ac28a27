"""/access_codes/unmanaged: what is listed, what a wish stores, and what is refused."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from latchwork.domain.window import Window
from support.api_house import ApiHouse, api_house
from support.other_hands import put_foreign
from support.shapes import assert_shape

HOUR = timedelta(hours=1)


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def by_hand(house: ApiHouse, lock: str, position: int, **fields: Any) -> str:
    """The id of another hand's code."""
    found = await put_foreign(house.storage, house.now, house.new_id(), lock, position, **fields)
    return found.unmanaged_access_code_id


async def test_shape_and_look_ups(house: ApiHouse) -> None:
    lock = await house.add_lock()
    other = await by_hand(house, lock, 3, pin="1848", name="Cleaner")
    [listed] = (await house.ok("/access_codes/unmanaged/list", device_id=lock))["access_codes"]
    assert_shape("unmanaged_access_code", listed)
    assert (listed["access_code_id"], listed["code"], listed["name"]) == (other, "1848", "Cleaner")
    assert (listed["type"], listed["status"], listed["is_managed"]) == ("ongoing", "set", False)
    assert "cannot_be_managed" not in listed
    by_id = await house.ok("/access_codes/unmanaged/get", access_code_id=other)
    by_pin = await house.ok("/access_codes/unmanaged/get", device_id=lock, code="1848")
    assert by_id["access_code"] == by_pin["access_code"] == listed
    for asked in ({"access_code_id": lock}, {"device_id": lock, "code": "0000"}):
        refused = await house.post("/access_codes/unmanaged/get", **asked)
        assert (refused.status_code, refused.json()["error"]["type"]) == (
            404,
            "access_code_not_found",
        )
    assert (await house.post("/access_codes/unmanaged/get")).status_code == 400
    assert (await house.post("/access_codes/get", access_code_id=other)).status_code == 404


async def test_windows_pages_and_search(house: ApiHouse) -> None:
    lock, elsewhere = await house.add_lock(), await house.add_lock()
    now = house.now
    for position, (start, end) in enumerate([(-2, -1), (-1, 1), (1, 2)], start=1):
        window = Window(now + start * HOUR, now + end * HOUR)
        await by_hand(house, lock, position, pin=f"111{position}", name="N", window=window)
    await by_hand(house, elsewhere, 1, pin="2222")
    found = (await house.ok("/access_codes/unmanaged/list", device_id=lock))["access_codes"]
    by_pin = {code["code"]: (code["type"], code["status"]) for code in found}
    assert by_pin == {
        "1111": ("time_bound", "unset"),
        "1112": ("time_bound", "set"),
        "1113": ("time_bound", "unset"),
    }
    first = await house.ok("/access_codes/unmanaged/list", device_id=lock, limit=2)
    cursor = first["pagination"]["next_page_cursor"]
    rest = await house.ok(
        "/access_codes/unmanaged/list", device_id=lock, limit=2, page_cursor=cursor
    )
    assert [len(first["access_codes"]), len(rest["access_codes"])] == [2, 1]
    none = await house.ok("/access_codes/unmanaged/list", device_id=lock, search="cleaner")
    assert none["access_codes"] == []
    assert (await house.post("/access_codes/unmanaged/list")).status_code == 400


async def test_a_conversion_waits_for_the_engine(house: ApiHouse) -> None:
    lock = await house.add_lock()
    other = await by_hand(house, lock, 3, pin="1848")
    await house.ok("/access_codes/unmanaged/convert_to_managed", access_code_id=other)
    await house.ok("/access_codes/unmanaged/update", access_code_id=other, is_managed=True)
    await house.ok("/access_codes/unmanaged/update", access_code_id=other, is_managed=False)
    still = await house.ok("/access_codes/unmanaged/get", access_code_id=other)
    assert still["access_code"]["is_managed"] is False
    attempts = await house.ok("/action_attempts/list", device_id=lock)
    assert attempts["action_attempts"] == []


async def test_a_removal_is_an_action_attempt(house: ApiHouse) -> None:
    lock = await house.add_lock()
    other = await by_hand(house, lock, 3, pin="1848")
    answer = await house.ok("/access_codes/unmanaged/delete", access_code_id=other)
    attempt = answer["action_attempt"]
    assert (attempt["action_type"], attempt["status"]) == ("DELETE_ACCESS_CODE", "pending")
    named = {"action_attempt_id": attempt["action_attempt_id"]}
    assert (await house.ok("/action_attempts/get", **named))["action_attempt"] == attempt


async def test_a_hidden_pin_can_neither_be_managed_nor_deleted(house: ApiHouse) -> None:
    lock = await house.add_lock()
    other = await by_hand(house, lock, 3)
    shown = (await house.ok("/access_codes/unmanaged/get", access_code_id=other))["access_code"]
    assert_shape("unmanaged_access_code", shown)
    assert shown["code"] is None
    assert shown["cannot_be_managed"] is shown["cannot_delete_unmanaged_access_code"] is True
    for path, error in (
        ("convert_to_managed", "access_code_cannot_be_managed"),
        ("delete", "unmanaged_access_code_cannot_be_deleted"),
    ):
        refused = await house.post(f"/access_codes/unmanaged/{path}", access_code_id=other)
        assert (refused.status_code, refused.json()["error"]["type"]) == (400, error)


async def test_what_cannot_be_taken_over_is_refused(house: ApiHouse) -> None:
    lock = await house.add_lock("no_zeros", "cannot_specify_pin_code")
    path = "/access_codes/unmanaged/convert_to_managed"
    over = Window(house.now - 2 * HOUR, house.now - HOUR)
    ended = await by_hand(house, lock, 1, pin="1111", window=over)
    assert (await house.post(path, access_code_id=ended)).json()["error"]["type"] == (
        "access_code_ended"
    )
    from_then_on = Window(house.now - HOUR, None)
    endless = await by_hand(house, lock, 5, pin="2222", window=from_then_on)
    assert (await house.post(path, access_code_id=endless)).json()["error"]["type"] == (
        "access_code_cannot_be_managed"
    )
    shown = (await house.ok("/access_codes/unmanaged/get", access_code_id=endless))["access_code"]
    assert shown["cannot_be_managed"] is True
    assert "cannot_delete_unmanaged_access_code" not in shown
    zeros = await by_hand(house, lock, 2, pin="1001")
    refused = (await house.post(path, access_code_id=zeros)).json()["error"]
    assert refused["data"] == {"violated_constraints": ["no_zeros"]}
    await house.ok(path, access_code_id=zeros, force=True)
    ours = await house.add_lock()
    await house.ok("/access_codes/create", device_id=ours, code="1848")
    same = await by_hand(house, ours, 3, pin="1848")
    refused = (await house.post(path, access_code_id=same)).json()["error"]
    assert refused["type"] == "duplicate_access_code"


async def test_others_see_nothing(house: ApiHouse) -> None:
    lock = await house.add_lock()
    other = await by_hand(house, lock, 3, pin="1848")
    await house.furnish_other()
    for path in ("get", "delete", "convert_to_managed"):
        refused = await house.post(f"/access_codes/unmanaged/{path}", access_code_id=other)
        assert refused.status_code == 404
    assert (await house.post("/access_codes/unmanaged/list", device_id=lock)).status_code == 404
