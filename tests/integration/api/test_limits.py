"""Rate limits: per device and command, per key, and how a caller gets through again."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from support.api_house import ApiHouse, api_house

PER_KEY = 500


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house(requests_a_minute=PER_KEY) as house:
        yield house


async def allowed(house: ApiHouse, path: str, body: Callable[[], dict[str, Any]]) -> int:
    """How many calls in a row are answered 200."""
    for count in range(PER_KEY):
        response = await house.post(path, **body())
        if response.status_code == 429:
            error = response.json()["error"]
            assert error["type"] == "rate_limit_exceeded"
            assert response.json()["ok"] is False
            assert response.headers["seam-request-id"]
            assert 1 <= int(response.headers["retry-after"]) <= 60
            assert response.headers["retry-after"] in error["message"]
            return count
        assert response.status_code == 200, response.text
    return PER_KEY


@pytest.mark.parametrize(("path", "limit"), [("/locks/lock_door", 15), ("/locks/unlock_door", 15)])
async def test_moving_a_bolt(house: ApiHouse, path: str, limit: int) -> None:
    lock, other = await house.add_lock(), await house.add_lock()
    assert await allowed(house, path, lambda: {"device_id": lock}) == limit
    assert await allowed(house, path, lambda: {"device_id": other}) == limit


async def test_creating_updating_and_deleting_codes(house: ApiHouse) -> None:
    lock = await house.add_lock()
    assert await allowed(house, "/access_codes/create", lambda: {"device_id": lock}) == 10
    house.now += timedelta(minutes=1)
    assert await allowed(house, "/access_codes/create", lambda: {"device_id": lock}) == 10
    house.now += timedelta(minutes=1)
    await house.ok("/access_codes/create", device_id=lock)
    codes = (await house.ok("/access_codes/list"))["access_codes"]
    ids = [code["access_code_id"] for code in codes]
    names = iter(range(100))
    assert (
        await allowed(
            house,
            "/access_codes/update",
            lambda: {"access_code_id": ids[0], "name": f"Name {next(names)}"},
        )
        == 10
    )
    left = iter(ids)
    assert (
        await allowed(house, "/access_codes/delete", lambda: {"access_code_id": next(left)}) == 20
    )
    assert len(ids) == 21


async def test_commands_for_many_devices_count_on_each(house: ApiHouse) -> None:
    locks = [await house.add_lock(), await house.add_lock()]
    path = "/access_codes/create_multiple"
    for _ in range(9):
        await house.ok("/access_codes/create", device_id=locks[0])
    made = await house.ok(path, device_ids=locks, name="Ana")
    refused = await house.post(path, device_ids=locks)
    assert refused.status_code == 429
    await house.ok("/access_codes/create", device_id=locks[1])
    key = made["access_codes"][0]["common_code_key"]
    names = iter(range(100))
    assert (
        await allowed(
            house,
            "/access_codes/update_multiple",
            lambda: {"common_code_key": key, "name": f"Name {next(names)}"},
        )
        == 10
    )
    named = {"access_code_id": made["access_codes"][1]["access_code_id"], "name": "Ben"}
    assert (await house.post("/access_codes/update", **named)).status_code == 429


async def test_waiting_as_told_is_enough_and_what_was_refused_did_not_count(
    house: ApiHouse,
) -> None:
    lock = await house.add_lock()
    path = "/access_codes/create"
    for _ in range(10):
        await house.ok(path, device_id=lock)
        house.now += timedelta(seconds=3)
    before = await house.contents()
    refused = await house.post(path, device_id=lock)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert await house.contents() == before
    house.now += timedelta(seconds=29.5)
    refused = await house.post(path, device_id=lock)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    house.now += timedelta(seconds=0.5)
    await house.ok(path, device_id=lock)


async def test_devices_of_others_and_of_nobody_are_not_counted(house: ApiHouse) -> None:
    lock = await house.add_lock()
    mine = house.client.headers["authorization"]
    await house.furnish_other()
    for _ in range(20):
        assert (await house.post("/access_codes/create", device_id=lock)).status_code == 404
    house.client.headers["authorization"] = mine
    await house.ok("/access_codes/create", device_id=lock)


async def test_a_key(house: ApiHouse) -> None:
    mine = house.client.headers["authorization"]
    assert await allowed(house, "/devices/list", dict) == PER_KEY
    await house.furnish_other()
    await house.ok("/devices/list")
    house.client.headers["authorization"] = mine
    house.now += timedelta(seconds=59)
    assert (await house.post("/devices/list")).headers["retry-after"] == "1"
    house.now += timedelta(seconds=1)
    await house.ok("/devices/list")


async def test_a_clock_that_is_set_back_blocks_nobody(house: ApiHouse) -> None:
    lock = await house.add_lock()
    assert await allowed(house, "/access_codes/create", lambda: {"device_id": lock}) == 10
    house.now -= timedelta(days=1)
    await house.ok("/access_codes/create", device_id=lock)


async def test_limits_can_be_switched_off() -> None:
    async with api_house() as house:
        lock = await house.add_lock()
        for _ in range(30):
            await house.ok("/locks/lock_door", device_id=lock)
