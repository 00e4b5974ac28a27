"""Every kind of bad input: a 4xx that names the rule, and nothing written."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.api_house import ApiHouse, api_house

NOBODY = "01939c1e-0000-7000-8000-000000000000"


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def refused(
    house: ApiHouse, status: int, error_type: str, named: str, path: str, **body: Any
) -> dict[str, Any]:
    """Posts it, and holds the answer to the shape, the rule's name and an untouched store."""
    before = await house.contents()
    response = await house.post(path, **body)
    assert response.status_code == status, response.text
    answer: dict[str, Any] = response.json()
    assert answer["ok"] is False
    assert answer["error"]["type"] == error_type
    assert named in json.dumps(answer["error"])
    assert response.headers["seam-request-id"]
    assert await house.contents() == before
    return answer


@pytest.mark.parametrize(
    ("named", "fields"),
    [
        ("4, 5, 6, 7 or 8", {"code": "123"}),
        ("4, 5, 6, 7 or 8", {"code": "123456789"}),
        ("characters: 0123456789", {"code": "12a4"}),
        ("characters: 0123456789", {"code": "١٢٣٤"}),
        ("ends_at", {"starts_at": "2026-12-02T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}),
        ("ends_at", {"starts_at": "2026-12-02T00:00:00Z", "ends_at": "2026-12-02T00:00:00Z"}),
        ("future", {"ends_at": "2026-11-24T14:59:59Z"}),
        ("starts_at", {"starts_at": "tomorrow", "ends_at": "2026-12-02T00:00:00Z"}),
        ("offset", {"starts_at": "2026-12-01T15:00:00", "ends_at": "2026-12-02T00:00:00Z"}),
        ("offset", {"ends_at": "2026-12-01T15:00:00"}),
        ("ISO 8601", {"ends_at": "2026-13-01T15:00:00Z"}),
        ("ISO 8601", {"ends_at": "0001-01-01T00:00:00+14:00"}),
        ("2200", {"ends_at": "9999-12-31T23:59:59Z"}),
        ("name", {"name": "x" * 129}),
        ("code", {"code": 1234}),
        ("name", {"name": ["a"]}),
        ("prefer_native_scheduling", {"prefer_native_scheduling": "perhaps"}),
        ("ends_at", {"type": "time_bound"}),
        ("offline", {"use_offline_access_code": True}),
        ("type", {"type": "recurring"}),
    ],
)
async def test_a_wish_that_breaks_a_rule(
    house: ApiHouse, named: str, fields: dict[str, Any]
) -> None:
    lock = await house.add_lock()
    answer = await refused(
        house, 400, "invalid_input", named, "/access_codes/create", device_id=lock, **fields
    )
    if isinstance(fields.get("code"), str):
        assert fields["code"] not in json.dumps(answer), "a PIN in an error body"


@pytest.mark.parametrize(
    ("constraint", "code"),
    [
        ("no_zeros", "1304"),
        ("cannot_start_with_12", "1248"),
        ("no_triple_consecutive_ints", "4445"),
        ("cannot_specify_pin_code", "4718"),
        ("pin_code_matches_existing_set", "4718"),
        ("no_ascending_or_descending_sequence", "4567"),
        ("at_least_three_unique_digits", "4747"),
        ("cannot_contain_089", "4781"),
        ("cannot_contain_0789", "4271"),
        ("no_all_same_digits", "4444"),
    ],
)
async def test_each_constraint_of_a_pin(house: ApiHouse, constraint: str, code: str) -> None:
    lock = await house.add_lock(constraint)
    await refused(
        house, 400, "invalid_input", constraint, "/access_codes/create", device_id=lock, code=code
    )


async def test_the_constraint_on_a_start(house: ApiHouse) -> None:
    lock = await house.add_lock("start_date_in_future")
    await refused(
        house,
        400,
        "invalid_input",
        "start_date_in_future",
        "/access_codes/create",
        device_id=lock,
        code="4718",
        ends_at="2026-12-01T00:00:00Z",
    )


async def test_the_constraint_on_first_digits(house: ApiHouse) -> None:
    lock = await house.add_lock("unique_first_four_digits")
    await house.ok("/access_codes/create", device_id=lock, code="47112")
    await refused(
        house,
        400,
        "invalid_input",
        "unique_first_four_digits",
        "/access_codes/create",
        device_id=lock,
        code="47113",
    )


async def test_a_duplicate_names_the_code_it_meets(house: ApiHouse) -> None:
    lock = await house.add_lock()
    made = await house.ok("/access_codes/create", device_id=lock, code="4711")
    answer = await refused(
        house, 409, "duplicate_access_code", "PIN", "/access_codes/create",
        device_id=lock, code="4711",
    )  # fmt: skip
    standing = made["access_code"]["access_code_id"]
    assert answer["error"]["data"] == {"conflicting_access_code_id": standing}
    other = await house.ok("/access_codes/create", device_id=lock, code="5822")
    await refused(
        house, 409, "duplicate_access_code", standing, "/access_codes/update",
        access_code_id=other["access_code"]["access_code_id"], code="4711",
    )  # fmt: skip


async def test_devices_that_cannot(house: ApiHouse) -> None:
    path = "/access_codes/create"
    answer = await refused(house, 400, "invalid_input", "Required", path, name="x")
    assert answer["error"]["validation_errors"] == {
        "_errors": [],
        "device_id": {"_errors": ["Required"]},
    }
    await refused(house, 404, "device_not_found", "Device", path, device_id=NOBODY)
    await refused(house, 404, "device_not_found", "Device", path, device_id="front door")
    keyless = await house.add_lock(capabilities={"access_codes": False})
    await refused(
        house, 400, "device_does_not_support_access_codes", "can_program_online_access_codes",
        path, device_id=keyless,
    )  # fmt: skip
    offline = await house.add_lock(online=False)
    await refused(
        house, 400, "device_offline", "offline", path, device_id=offline,
        attempt_for_offline_device=False,
    )  # fmt: skip


async def test_codes_that_are_not_there(house: ApiHouse) -> None:
    for path in ("/access_codes/get", "/access_codes/update", "/access_codes/delete"):
        await refused(
            house, 404, "access_code_not_found", "Access code", path, access_code_id=NOBODY
        )
    await refused(house, 400, "invalid_input", "access_code_id", "/access_codes/get")


async def test_a_window_may_not_be_turned_round_by_an_update(house: ApiHouse) -> None:
    lock = await house.add_lock()
    made = await house.ok(
        "/access_codes/create", device_id=lock, starts_at="2026-12-01T00:00:00Z",
        ends_at="2026-12-05T00:00:00Z",
    )  # fmt: skip
    named = {"access_code_id": made["access_code"]["access_code_id"]}
    path = "/access_codes/update"
    await refused(
        house, 400, "invalid_input", "after starts_at", path, **named,
        starts_at="2026-12-06T00:00:00Z",
    )  # fmt: skip
    await refused(
        house, 400, "invalid_input", "ends_at", path, **named, type="ongoing",
        ends_at="2026-12-07T00:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "content_type", "status", "error_type"),
    [
        (b"{", "application/json", 400, "invalid_input"),
        (b"[1]", "application/json", 400, "invalid_input"),
        (b"\xff\xfe", "application/json", 400, "invalid_input"),
        (b"[" * 100_000, "application/json", 400, "invalid_input"),
        (b"device_id=1", "application/x-www-form-urlencoded", 400, "invalid_input"),
        (b" " * (256 * 1024 + 1), "application/json", 413, "payload_too_large"),
    ],
)
async def test_bodies(
    house: ApiHouse, content: bytes, content_type: str, status: int, error_type: str
) -> None:
    response = await house.client.post(
        "/access_codes/create", content=content, headers={"content-type": content_type}
    )
    assert (response.status_code, response.json()["error"]["type"]) == (status, error_type)


async def test_a_body_that_grows_past_the_limit_unannounced(house: ApiHouse) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    response = await house.client.post("/access_codes/create", content=parts())
    assert response.status_code == 413


async def test_methods_and_paths(house: ApiHouse) -> None:
    response = await house.client.get("/access_codes/create")
    assert (response.status_code, response.json()["error"]["type"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "POST"
    response = await house.client.post("/access_codes/nothing")
    assert (response.status_code, response.json()["error"]["type"]) == (404, "not_found")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer seam_wrong"},
        {"authorization": "Basic c2VhbTo="},
        {"authorization": "Bearer "},
    ],
)
async def test_keys(house: ApiHouse, headers: dict[str, str]) -> None:
    response = await house.client.post("/devices/list", json={}, headers=headers)
    assert (response.status_code, response.json()["error"]["type"]) == (401, "unauthorized")
    assert response.headers["seam-request-id"]


async def test_unknown_fields_are_taken_unless_strict(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock, colour="blue")
    before = await house.contents()
    response = await house.client.post(
        "/access_codes/create?_strict=true", json={"device_id": lock, "colour": "blue"}
    )
    assert response.status_code == 400
    assert "colour" in response.json()["error"]["message"]
    assert await house.contents() == before
    response = await house.client.get("/devices/get", params={"device_id": lock, "_strict": "true"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/x", "http://127.0.0.1/x", "http://169.254.169.254/", "nonsense", ""],
)
async def test_webhook_urls(house: ApiHouse, url: str) -> None:
    await refused(house, 400, "invalid_input", "url", "/webhooks/create", url=url)
    assert (await house.ok("/webhooks/list"))["webhooks"] == []


async def test_cursors(house: ApiHouse) -> None:
    for path in ("/access_codes/list", "/devices/list", "/events/list"):
        await refused(house, 400, "invalid_input", "page_cursor", path, page_cursor="garbage!")
