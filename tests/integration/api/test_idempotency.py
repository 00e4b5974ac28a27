"""Requests with an Idempotency-Key: carried out once, answered alike each time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from latchwork.storage.interface import StorageUnavailable
from support.api_house import ApiHouse, api_house
from support.shown import shows

CREATE = "/access_codes/create"


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def send(house: ApiHouse, path: str, body: dict[str, Any], key: str) -> httpx.Response:
    return await house.client.post(path, json=body, headers={"idempotency-key": key})


async def test_the_first_answer_is_given_again(house: ApiHouse) -> None:
    lock = await house.add_lock()
    first = await send(house, CREATE, {"device_id": lock, "name": "Ana"}, "k-1")
    assert first.status_code == 200
    before = await house.contents()
    house.now += timedelta(hours=23)
    again = await send(house, CREATE, {"name": "Ana", "device_id": lock}, "k-1")
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["seam-request-id"] != first.headers["seam-request-id"]
    assert await house.contents() == before
    house.now += timedelta(hours=1)
    anew = await send(house, CREATE, {"name": "Ana", "device_id": lock}, "k-1")
    assert anew.json()["access_code"] != first.json()["access_code"]


async def test_fifty_at_once_make_one_code(house: ApiHouse) -> None:
    lock = await house.add_lock()
    body = {"device_id": lock, "code": "4711"}
    answers = await asyncio.gather(*(send(house, CREATE, body, "k") for _ in range(50)))
    kinds = {response.status_code for response in answers}
    assert kinds <= {200, 409}
    made = {r.json()["access_code"]["access_code_id"] for r in answers if r.status_code == 200}
    assert len(made) == 1
    refused = [r for r in answers if r.status_code == 409]
    assert {r.json()["error"]["type"] for r in refused} <= {"idempotency_key_in_use"}
    assert all(r.headers["retry-after"] == "1" for r in refused)
    assert (await house.contents())[0] == 1


async def test_other_parameters_are_refused(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await send(house, CREATE, {"device_id": lock, "code": "4711"}, "k")
    before = await house.contents()
    other = await send(house, CREATE, {"device_id": lock, "code": "4712"}, "k")
    assert (other.status_code, other.json()["error"]["type"]) == (409, "idempotency_key_reused")
    assert not shows(other.text, "4711")
    assert await house.contents() == before


async def test_the_key_is_the_callers_and_the_paths_own(house: ApiHouse) -> None:
    lock = await house.add_lock()
    assert (await send(house, "/locks/lock_door", {"device_id": lock}, "k")).status_code == 200
    unlocked = await send(house, "/locks/unlock_door", {"device_id": lock}, "k")
    assert unlocked.json()["action_attempt"]["action_type"] == "UNLOCK_DOOR"
    await house.furnish_other()
    foreign = await send(house, "/locks/lock_door", {"device_id": lock}, "k")
    assert foreign.status_code == 404


async def test_what_was_refused_can_be_asked_anew(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok(CREATE, device_id=lock, code="4711")
    for body, status in (
        ({"device_id": lock, "code": "12"}, 400),
        ({"device_id": lock, "code": "4711"}, 409),
        ({"device_id": 7}, 400),
        ({"device_id": "nobody"}, 404),
    ):
        assert (await send(house, CREATE, body, "k")).status_code == status
    assert (await send(house, CREATE, {"device_id": lock, "code": "5822"}, "k")).status_code == 200


async def test_what_only_reads_is_read_each_time(house: ApiHouse) -> None:
    first = await send(house, "/devices/list", {}, "k")
    await house.add_lock()
    second = await send(house, "/devices/list", {}, "k")
    assert len(second.json()["devices"]) == len(first.json()["devices"]) + 1


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_bad_keys_are_refused(house: ApiHouse, key: str) -> None:
    lock = await house.add_lock()
    response = await send(house, CREATE, {"device_id": lock}, key)
    assert (response.status_code, "Idempotency-Key" in response.text) == (400, True)
    assert await house.contents() == (0, 0)


async def test_a_crash_before_the_answer_makes_no_second_code(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stops between the commit and the answer; the client asks again later."""
    lock = await house.add_lock()

    async def stop(*_: object) -> None:
        raise asyncio.CancelledError

    body = {"device_id": lock, "name": "Ana"}
    with monkeypatch.context() as patch:
        patch.setattr(type(house.storage), "answer_request", stop)
        with pytest.raises(asyncio.CancelledError):
            await send(house, CREATE, body, "k")
    [code] = (await house.ok("/access_codes/list"))["access_codes"]
    again = await send(house, CREATE, body, "k")
    assert again.status_code == 200, again.text
    answer = again.json()
    assert answer["access_code"]["access_code_id"] == code["access_code_id"]
    assert answer["action_attempt"]["action_type"] == "CREATE_ACCESS_CODE"
    assert len((await house.ok("/access_codes/list"))["access_codes"]) == 1


async def test_a_crash_before_anything_was_written_lets_the_next_one_in(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = await house.add_lock()

    async def stop(*_: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(type(house.storage), "create_codes", stop)
        with pytest.raises(asyncio.CancelledError):
            await send(house, CREATE, {"device_id": lock}, "k")
    assert (await send(house, CREATE, {"device_id": lock}, "k")).status_code == 200
    assert (await house.contents())[0] == 1


async def test_a_database_that_did_not_answer_is_asked_again(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = await house.add_lock()

    async def fail(*_: object) -> None:
        raise StorageUnavailable("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(type(house.storage), "create_codes", fail)
        assert (await send(house, CREATE, {"device_id": lock}, "k")).status_code == 503
    assert (await send(house, CREATE, {"device_id": lock}, "k")).status_code == 200


async def test_a_failure_of_ours_is_answered_alike(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = await house.add_lock()

    async def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patch:
        patch.setattr(type(house.storage), "create_codes", fail)
        assert (await send(house, CREATE, {"device_id": lock}, "k")).status_code == 500
    again = await send(house, CREATE, {"device_id": lock}, "k")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (500, "true")
    assert (await house.contents())[0] == 0
