"""Codes that a lock computes by itself, over HTTP: what a wish stores and what is refused; and the
code lengths that a caller reports of a lock."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from latchwork.domain.device import OfflineCodes
from support.api_house import ApiHouse, api_house
from support.shapes import assert_shape

CREATE = "/access_codes/create"
REPORT = "/access_codes/report_device_constraints"
FROM, TO = "2026-12-01T14:20:00.000Z", "2026-12-03T10:30:00.000Z"


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def computing(house: ApiHouse, **rules: Any) -> str:
    return await house.add_lock(
        capabilities={"access_codes": False, "offline": OfflineCodes(**rules)}, time_zone="UTC"
    )


async def refused(house: ApiHouse, lock: str, **fields: Any) -> dict[str, Any]:
    response = await house.post(CREATE, device_id=lock, **fields)
    assert response.status_code == 400, response.text
    assert await house.contents() == (0, 0), "something was stored"
    error: dict[str, Any] = response.json()["error"]
    return error


@pytest.mark.parametrize("name", ["use_offline_access_code", "is_offline_access_code"])
async def test_a_code_in_whole_hours_waits_for_its_pin(house: ApiHouse, name: str) -> None:
    lock = await computing(house)
    made = await house.ok(
        CREATE, device_id=lock, name="Ana", starts_at=FROM, ends_at=TO, **{name: True}
    )
    code = made["access_code"]
    assert_shape("access_code", code)
    assert (code["is_offline_access_code"], code["is_one_time_use"]) == (True, False)
    assert (code["type"], code["status"], code["code"]) == ("time_bound", "unset", None)
    assert code["starts_at"] == "2026-12-01T14:00:00.000Z"
    assert code["ends_at"] == "2026-12-03T11:00:00.000Z"
    assert code["warnings"] == []
    found = await house.ok("/access_codes/get", access_code_id=code["access_code_id"])
    assert found["access_code"] == code
    change = await house.post(
        "/access_codes/update", access_code_id=code["access_code_id"], name="Ben"
    )
    assert "cannot be changed" in change.json()["error"]["message"]


async def test_a_code_for_one_use_waits_a_day_for_it(house: ApiHouse) -> None:
    lock = await computing(house)
    code = (await house.ok(CREATE, device_id=lock, is_one_time_use=True))["access_code"]
    assert (code["is_one_time_use"], code["is_offline_access_code"]) == (True, True)
    assert (code["starts_at"], code["ends_at"]) == (
        "2026-11-24T15:00:00.000Z",
        "2026-11-25T15:00:00.000Z",
    )
    assert [w["warning_code"] for w in code["warnings"]] == [
        "igloo_algopin_must_be_used_within_24_hours"
    ]


async def test_long_stays_are_rounded_as_far_as_the_caller_allows(house: ApiHouse) -> None:
    lock = await computing(house, longest_hours=48)
    stay = {"use_offline_access_code": True, "starts_at": FROM, "ends_at": "2027-01-05T10:00:00Z"}
    error = await refused(house, lock, **stay)
    assert "max_time_rounding" in error["validation_errors"]
    code = (await house.ok(CREATE, device_id=lock, max_time_rounding="1d", **stay))["access_code"]
    assert code["ends_at"] == "2027-01-05T14:00:00.000Z"


async def test_a_lock_of_unknown_time_zone_is_told(house: ApiHouse) -> None:
    lock = await house.add_lock(capabilities={"access_codes": False, "offline": OfflineCodes()})
    code = (await house.ok(CREATE, device_id=lock, use_offline_access_code=True, ends_at=TO))[
        "access_code"
    ]
    assert [w["warning_code"] for w in code["warnings"]] == [
        "time_frame_adjusted_for_unknown_time_zone"
    ]


async def test_what_a_lock_cannot_compute_is_refused_with_its_reason(house: ApiHouse) -> None:
    lock, unable = await computing(house, days=None), await house.add_lock()
    offline = {"use_offline_access_code": True, "ends_at": TO}
    error = await refused(house, unable, **offline)
    assert "can_program_offline_access_codes is false" in error["message"]
    for name, value in (
        ("code", "4711"),
        ("common_code_key", "stay-7"),
        ("use_backup_access_code_pool", True),
        ("type", "ongoing"),
    ):
        error = await refused(house, lock, **offline, **{name: value})
        assert name in error["validation_errors"], error
    for fields, field in (
        ({"use_offline_access_code": True}, "ends_at"),
        ({"is_one_time_use": True, "ends_at": TO}, "ends_at"),
        ({"use_offline_access_code": True, "ends_at": "2027-11-24T15:00:00Z"}, "ends_at"),
        ({"use_offline_access_code": True, "ends_at": "2026-11-24T14:00:00Z"}, "ends_at"),
    ):
        error = await refused(house, lock, **fields)
        assert field in error["validation_errors"], error
    never = await computing(house, one_time_hours=None)
    error = await refused(house, never, is_one_time_use=True)
    assert "is_one_time_use" in error["validation_errors"]


async def test_reported_lengths_bind_codes_from_then_on(house: ApiHouse) -> None:
    lock = await house.add_lock()
    assert await house.ok(REPORT, device_id=lock, supported_code_lengths=[8, 6, 6]) == {"ok": True}
    properties = (await house.ok("/devices/get", device_id=lock))["device"]["properties"]
    assert properties["supported_code_lengths"] == [6, 8]
    refused = await house.post(CREATE, device_id=lock, code="47110")
    assert refused.json()["error"]["data"]["violated_constraints"] == ["supported_code_lengths"]
    made = (await house.ok(CREATE, device_id=lock))["access_code"]
    assert len(made["code"]) == 6
    await house.ok(REPORT, device_id=lock, min_code_length=4, max_code_length=5)
    properties = (await house.ok("/devices/get", device_id=lock))["device"]["properties"]
    assert properties["supported_code_lengths"] == [4, 5]


@pytest.mark.parametrize(
    ("report", "field"),
    [
        ({}, "min_code_length"),
        ({"min_code_length": 4}, "max_code_length"),
        ({"min_code_length": 7, "max_code_length": 4}, "min_code_length"),
        ({"supported_code_lengths": [4], "max_code_length": 5}, "supported_code_lengths"),
        ({"supported_code_lengths": []}, "supported_code_lengths"),
        ({"supported_code_lengths": [0]}, "supported_code_lengths"),
        ({"supported_code_lengths": ["x"]}, "supported_code_lengths"),
    ],
)
async def test_bad_reports_change_nothing(
    house: ApiHouse, report: dict[str, Any], field: str
) -> None:
    lock = await house.add_lock()
    before = (await house.ok("/devices/get", device_id=lock))["device"]
    house.now += timedelta(minutes=1)
    response = await house.post(REPORT, device_id=lock, **report)
    assert response.status_code == 400, response.text
    assert field in response.text
    assert (await house.ok("/devices/get", device_id=lock))["device"] == before
    assert (
        await house.post(REPORT, device_id="nobody", min_code_length=4, max_code_length=5)
    ).status_code == 404
