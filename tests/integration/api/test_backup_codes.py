"""/access_codes/pull_backup_access_code: what it stores and answers, and what it refuses."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from latchwork.domain.access_code import AccessCode, CodeStatus, CodeType, Pool
from latchwork.domain.action_attempt import ActionType
from latchwork.domain.commands import Command, attempt_of
from latchwork.domain.pin import Pin
from support.api_house import ApiHouse, api_house
from support.shapes import assert_shape

PULL = "/access_codes/pull_backup_access_code"
STAY = {"ends_at": "2026-11-28T11:00:00.000Z", "use_backup_access_code_pool": True}


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def backup(house: ApiHouse, lock: str, pin: str, status: CodeStatus = CodeStatus.SET) -> str:
    """The id of a code of the lock's pool, as the engine keeps it."""
    house.now += timedelta(seconds=1)
    code = AccessCode(
        access_code_id=house.new_id(),
        workspace_id=house.workspace_id,
        device_id=lock,
        connected_account_id=house.account_id,
        type=CodeType.ONGOING,
        name="Backup",
        pin=Pin(pin),
        created_at=house.now,
        changed_at=house.now,
        status=status,
        pool=Pool.WAITING,
    )
    attempt = attempt_of(ActionType.CREATE_ACCESS_CODE, code, house.now, house.new_id)
    await house.storage.create_codes([Command(code, attempt, (), house.now)])
    return code.access_code_id


async def stay(house: ApiHouse, lock: str, **fields: Any) -> str:
    made = await house.ok("/access_codes/create", device_id=lock, name="Ana", **{**STAY, **fields})
    return str(made["access_code"]["access_code_id"])


async def refused(house: ApiHouse, code: str) -> tuple[int, str]:
    before = await house.contents()
    response = await house.post(PULL, access_code_id=code)
    assert await house.contents() == before, "something was stored"
    error = response.json()["error"]
    return response.status_code, error["message"]


async def test_the_oldest_that_stands_takes_the_codes_place(house: ApiHouse) -> None:
    lock = await house.add_lock()
    code = await stay(house, lock)
    await backup(house, lock, "1111", CodeStatus.SETTING)
    first, second = await backup(house, lock, "2222"), await backup(house, lock, "3333")
    shown = (await house.ok("/access_codes/get", access_code_id=code))["access_code"]
    assert shown["is_backup_access_code_available"] is True
    pulled = await house.ok(PULL, access_code_id=code)
    original, spare = pulled["access_code"], pulled["backup_access_code"]
    assert_shape("access_code", original)
    assert_shape("access_code", spare)
    assert original["access_code_id"] == code
    assert original["pulled_backup_access_code_id"] == spare["access_code_id"] == first
    assert original["is_backup_access_code_available"] is False
    assert [w["warning_code"] for w in original["warnings"]] == ["using_backup_access_code"]
    assert (spare["code"], spare["type"], spare["is_backup"]) == ("2222", "time_bound", True)
    for name in ("starts_at", "ends_at", "name"):
        assert spare[name] == original[name]
    [told] = (await house.ok("/events/list", event_type="access_code.backup_access_code_pulled"))[
        "events"
    ]
    assert (told["access_code_id"], told["backup_access_code_id"]) == (code, first)
    other = (await house.ok("/access_codes/get", access_code_id=second))["access_code"]
    assert other["type"] == "ongoing"


async def test_what_cannot_be_pulled_is_refused_with_its_reason(house: ApiHouse) -> None:
    lock, empty = await house.add_lock(), await house.add_lock()
    for pin in ("1111", "2222"):
        await backup(house, lock, pin)
    ongoing = await house.ok("/access_codes/create", device_id=lock, code="4711")
    asked = [
        (ongoing["access_code"]["access_code_id"], 400, "Only time-bound"),
        (await stay(house, lock, use_backup_access_code_pool=False), 400, "was not made with"),
        (await stay(house, empty), 400, "No backup code stands"),
        ("nothing-is-called-this", 404, "Access code not found"),
    ]
    for code, status, reason in asked:
        answered, message = await refused(house, code)
        assert (answered, reason in message) == (status, True), message
    used = await stay(house, lock)
    await house.ok(PULL, access_code_id=used)
    assert "has a backup code already" in (await refused(house, used))[1]
    leaving = await stay(house, lock)
    await house.ok("/access_codes/delete", access_code_id=leaving)
    assert "is being deleted" in (await refused(house, leaving))[1]


async def test_a_code_of_the_pool_is_not_changed_before_it_is_pulled(house: ApiHouse) -> None:
    lock = await house.add_lock()
    waiting = await backup(house, lock, "1111")
    response = await house.post("/access_codes/update", access_code_id=waiting, code="5822")
    assert (response.status_code, "backup pool" in response.text) == (400, True)
    refused_lock = await house.add_lock(capabilities={"positions": 1})
    response = await house.post("/access_codes/create", device_id=refused_lock, **STAY)
    assert "use_backup_access_code_pool" in response.json()["error"]["validation_errors"]


async def test_a_pull_sent_twice_is_one_pull(house: ApiHouse) -> None:
    lock = await house.add_lock()
    code = await stay(house, lock)
    for pin in ("1111", "2222"):
        await backup(house, lock, pin)
    headers = {"idempotency-key": "pull-1"}
    first, again = [
        await house.client.post(PULL, json={"access_code_id": code}, headers=headers)
        for _ in range(2)
    ]
    assert (first.status_code, again.content) == (200, first.content)
