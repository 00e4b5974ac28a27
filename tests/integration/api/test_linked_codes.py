"""/access_codes/create_multiple and update_multiple: one PIN on several locks, all or nothing."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.api_house import ApiHouse, api_house

MULTIPLE = "/access_codes/create_multiple"
LATER = "2026-12-24T11:00:00.000Z"


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def create(house: ApiHouse, locks: list[str], **fields: Any) -> list[dict[str, Any]]:
    body = await house.ok(MULTIPLE, device_ids=locks, **fields)
    codes: list[dict[str, Any]] = body["access_codes"]
    return codes


async def refused(house: ApiHouse, status: int, locks: list[str], **fields: Any) -> dict[str, Any]:
    before = await house.contents()
    response = await house.post(MULTIPLE, device_ids=locks, **fields)
    assert response.status_code == status, response.text
    assert await house.contents() == before, "something was stored"
    error: dict[str, Any] = response.json()["error"]
    return error


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_locks_with_different_rules_share_one_generated_pin(
    house: ApiHouse, method: str
) -> None:
    locks = [
        await house.add_lock(capabilities={"code_lengths": (4, 5, 6)}),
        await house.add_lock("no_zeros", capabilities={"code_lengths": (5, 6, 7, 8)}),
        await house.add_lock(capabilities={"characters": "123456"}),
    ]
    response = await house.client.request(method, MULTIPLE, json={"device_ids": locks, "name": "A"})
    assert response.status_code == 200, response.text
    codes = response.json()["access_codes"]
    assert [code["device_id"] for code in codes] == locks
    [pin] = {code["code"] for code in codes}
    assert len(pin) in {5, 6}
    assert set(pin) <= set("123456")
    [key] = {code["common_code_key"] for code in codes}
    assert key
    assert {code["name"] for code in codes} == {"A"}


async def test_a_preferred_length_is_taken_where_all_take_it(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock(capabilities={"code_lengths": (4, 6, 7)})]
    [pin] = {c["code"] for c in await create(house, locks, preferred_code_length=7)}
    assert len(pin) == 7
    [pin] = {c["code"] for c in await create(house, locks, preferred_code_length=8)}
    assert len(pin) == 4


async def test_a_pin_of_the_callers_choice_is_shared_and_links_nothing(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    codes = await create(house, locks, code="1848")
    assert {(code["code"], code["common_code_key"]) for code in codes} == {("1848", None)}


async def test_nothing_is_stored_when_one_lock_cannot_share(house: ApiHouse) -> None:
    locks = [
        await house.add_lock(capabilities={"code_lengths": (4,)}),
        await house.add_lock(capabilities={"code_lengths": (6,)}),
    ]
    error = await refused(house, 400, locks)
    assert "cannot all have the same code" in error["message"]
    assert "cannot_share_code" in error["validation_errors"]
    error = await refused(house, 400, locks, code="1848")
    assert "supported_code_lengths" in error["data"]["violated_constraints"]


async def test_a_lock_that_cannot_share_gets_a_code_of_its_own_when_asked(house: ApiHouse) -> None:
    locks = [
        await house.add_lock(capabilities={"code_lengths": (4,)}),
        await house.add_lock(capabilities={"code_lengths": (6,)}),
        await house.add_lock(capabilities={"code_lengths": (4,)}),
    ]
    behavior = {"behavior_when_code_cannot_be_shared": "create_random_code"}
    first, alone, third = await create(house, locks, **behavior)
    assert first["code"] == third["code"]
    assert len(alone["code"]) == 6
    assert first["common_code_key"] == third["common_code_key"] is not None
    assert alone["common_code_key"] is None
    first, alone, third = await create(house, locks, code="1848", **behavior)
    assert (first["code"], third["code"], len(alone["code"])) == ("1848", "1848", 6)


async def test_pain_14_a_duplicate_on_one_lock_stops_all_or_is_given_another_code(
    house: ApiHouse,
) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    made = await house.ok("/access_codes/create", device_id=locks[1], code="1848")
    error = await refused(house, 409, locks, code="1848")
    assert error["type"] == "duplicate_access_code"
    assert error["data"] == {"conflicting_access_code_id": made["access_code"]["access_code_id"]}
    behavior = {"behavior_when_code_cannot_be_shared": "create_random_code"}
    shared, alone = await create(house, locks, code="1848", **behavior)
    assert shared["code"] == "1848"
    assert alone["code"] != "1848"


async def test_an_unknown_device_stops_all(house: ApiHouse) -> None:
    lock = await house.add_lock()
    error = await refused(house, 404, [lock, house.new_id()])
    assert error["type"] == "device_not_found"
    assert (await refused(house, 400, []))["type"] == "invalid_input"


async def test_linked_codes_change_together(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    codes = await create(house, locks, ends_at="2026-12-01T11:00:00Z")
    key = codes[0]["common_code_key"]
    update = {"common_code_key": key, "name": "Bo", "ends_at": LATER}
    for method in ("PATCH", "POST"):
        response = await house.client.request(method, "/access_codes/update_multiple", json=update)
        assert response.json() == {"ok": True}
    for code in codes:
        shown = await house.ok("/access_codes/get", access_code_id=code["access_code_id"])
        assert (shown["access_code"]["name"], shown["access_code"]["ends_at"]) == ("Bo", LATER)
        assert shown["access_code"]["code"] == code["code"]
    missing = await house.post("/access_codes/update_multiple", common_code_key="none", name="C")
    assert (missing.status_code, missing.json()["error"]["type"]) == (404, "access_code_not_found")


async def test_a_change_that_meets_a_duplicate_on_one_lock_changes_none(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    codes = await create(house, locks, ends_at="2026-12-01T11:00:00Z")
    foreign = {"device_id": locks[1], "code": codes[1]["code"]}
    await house.ok(
        "/access_codes/create", **foreign, starts_at="2026-12-10T11:00:00Z", ends_at=LATER
    )
    before = await house.contents()
    response = await house.post(
        "/access_codes/update_multiple", common_code_key=codes[0]["common_code_key"], ends_at=LATER
    )
    assert response.status_code == 409
    assert await house.contents() == before
    for code in codes:
        shown = await house.ok("/access_codes/get", access_code_id=code["access_code_id"])
        assert shown["access_code"]["ends_at"] == "2026-12-01T11:00:00.000Z"


async def test_a_code_whose_pin_is_changed_is_linked_no_more(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    first, second = await create(house, locks)
    await house.ok("/access_codes/update", access_code_id=first["access_code_id"], code="918273")
    await house.ok(
        "/access_codes/update_multiple", common_code_key=first["common_code_key"], name="Bo"
    )
    shown = [
        (await house.ok("/access_codes/get", access_code_id=c["access_code_id"]))["access_code"]
        for c in (first, second)
    ]
    assert [c["common_code_key"] for c in shown] == [None, second["common_code_key"]]
    assert [c["name"] for c in shown] == [None, "Bo"]


async def test_a_code_made_with_the_key_of_others_has_their_pin(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    [code] = await create(house, locks[:1])
    wish = {"device_id": locks[1], "common_code_key": code["common_code_key"]}
    made = await house.ok("/access_codes/create", **wish)
    assert made["access_code"]["code"] == code["code"]
    third = await house.add_lock()
    response = await house.post(
        "/access_codes/create", **{**wish, "device_id": third}, code="918273"
    )
    assert response.status_code == 400
    assert "common_code_key" in response.text
