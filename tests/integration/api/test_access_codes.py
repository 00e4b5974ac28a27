"""/access_codes over real storage: what a good wish answers and stores."""

from collections.abc import AsyncIterator

import pytest

from support.api_house import ApiHouse, api_house


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def test_an_ongoing_code(house: ApiHouse) -> None:
    lock = await house.add_lock()
    body = await house.ok("/access_codes/create", device_id=lock, name="Ana", code="1848")
    assert body["ok"] is True
    assert body["action_attempt"]["status"] == "pending"
    assert body["action_attempt"]["action_type"] == "CREATE_ACCESS_CODE"
    code = body["access_code"]
    assert (code["type"], code["status"], code["code"]) == ("ongoing", "setting", "1848")
    assert [m["mutation_code"] for m in code["pending_mutations"]] == ["creating"]
    attempt = await house.ok(
        "/action_attempts/get", action_attempt_id=body["action_attempt"]["action_attempt_id"]
    )
    assert attempt["action_attempt"]["status"] == "success"
    stored = attempt["action_attempt"]["result"]["access_code"]
    assert stored["access_code_id"] == code["access_code_id"]


async def test_a_time_bound_code_waits_unset_and_says_until_when(house: ApiHouse) -> None:
    lock = await house.add_lock()
    code = (
        await house.ok(
            "/access_codes/create",
            device_id=lock,
            starts_at="2026-12-01T15:00:00+01:00",
            ends_at="2026-12-03T11:00:00+01:00",
        )
    )["access_code"]
    assert (code["type"], code["status"]) == ("time_bound", "unset")
    assert code["starts_at"] == "2026-12-01T14:00:00.000Z"
    [mutation] = code["pending_mutations"]
    assert mutation["mutation_code"] == "deferring_creation"
    assert mutation["scheduled_at"] == "2026-12-01T13:00:00.000Z"
    assert len(code["code"]) >= 4


async def test_ends_at_alone_starts_now(house: ApiHouse) -> None:
    lock = await house.add_lock()
    body = await house.ok("/access_codes/create", device_id=lock, ends_at="2026-11-25T00:00:00Z")
    assert body["access_code"]["starts_at"] == "2026-11-24T15:00:00.000Z"


async def test_the_same_pin_in_windows_that_do_not_meet(house: ApiHouse) -> None:
    lock = await house.add_lock()
    first = {"starts_at": "2026-12-01T15:00:00Z", "ends_at": "2026-12-03T11:00:00Z"}
    then = {"starts_at": "2026-12-03T11:00:00Z", "ends_at": "2026-12-05T11:00:00Z"}
    await house.ok("/access_codes/create", device_id=lock, code="4711", **first)
    await house.ok("/access_codes/create", device_id=lock, code="4711", **then)


async def test_generated_pins_are_unique_on_the_lock(house: ApiHouse) -> None:
    lock = await house.add_lock(capabilities={"code_lengths": (4,), "characters": "123456"})
    pins = set()
    for _ in range(40):
        body = await house.ok("/access_codes/create", device_id=lock)
        pins.add(body["access_code"]["code"])
    assert len(pins) == 40
    assert all(set(pin) <= set("123456") for pin in pins)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_reads_take_query_and_body(house: ApiHouse, method: str) -> None:
    lock = await house.add_lock()
    made = await house.ok("/access_codes/create", device_id=lock, code="1848")
    named = {"access_code_id": made["access_code"]["access_code_id"]}
    arguments = {"params": named} if method == "GET" else {"json": named}
    response = await house.client.request(method, "/access_codes/get", **arguments)
    assert response.status_code == 200
    assert response.headers["seam-request-id"]
    by_pin = {"device_id": lock, "code": "1848"}
    arguments = {"params": by_pin} if method == "GET" else {"json": by_pin}
    response = await house.client.request(method, "/access_codes/get", **arguments)
    assert response.json()["access_code"]["access_code_id"] == named["access_code_id"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
async def test_updates(house: ApiHouse, method: str) -> None:
    lock = await house.add_lock()
    made = (await house.ok("/access_codes/create", device_id=lock, code="1848"))["access_code"]
    response = await house.client.request(
        method,
        "/access_codes/update",
        json={"access_code_id": made["access_code_id"], "code": "2959", "name": "Ben"},
    )
    assert response.status_code == 200
    attempt = response.json()["action_attempt"]
    assert (attempt["status"], attempt["action_type"]) == ("pending", "UPDATE_ACCESS_CODE")
    code = await house.ok("/access_codes/get", access_code_id=made["access_code_id"])
    assert (code["access_code"]["code"], code["access_code"]["name"]) == ("2959", "Ben")
    events = await house.ok("/events/list", access_code_id=made["access_code_id"])
    told = {e["event_type"]: e for e in events["events"]}
    assert told["access_code.code_changed"]["from"] == {"code": "1848"}
    assert told["access_code.code_changed"]["to"] == {"code": "2959"}
    assert told["access_code.name_changed"]["to"] == {"name": "Ben"}


async def test_ongoing_becomes_time_bound_and_back(house: ApiHouse) -> None:
    lock = await house.add_lock()
    made = (await house.ok("/access_codes/create", device_id=lock))["access_code"]
    named = {"access_code_id": made["access_code_id"]}
    await house.ok("/access_codes/update", **named, ends_at="2026-12-01T00:00:00Z")
    code = (await house.ok("/access_codes/get", **named))["access_code"]
    assert (code["type"], code["ends_at"]) == ("time_bound", "2026-12-01T00:00:00.000Z")
    await house.ok("/access_codes/update", **named, type="ongoing")
    code = (await house.ok("/access_codes/get", **named))["access_code"]
    assert (code["type"], code["ends_at"]) == ("ongoing", None)


@pytest.mark.parametrize("place", ["query", "body", "post"])
async def test_deletes(house: ApiHouse, place: str) -> None:
    lock = await house.add_lock()
    made = (await house.ok("/access_codes/create", device_id=lock))["access_code"]
    named = {"access_code_id": made["access_code_id"]}
    if place == "query":
        response = await house.client.delete("/access_codes/delete", params=named)
    elif place == "body":
        response = await house.client.request("DELETE", "/access_codes/delete", json=named)
    else:
        response = await house.client.post("/access_codes/delete", json=named)
    assert response.status_code == 200
    assert response.json()["action_attempt"]["action_type"] == "DELETE_ACCESS_CODE"
    code = (await house.ok("/access_codes/get", **named))["access_code"]
    assert code["status"] == "removing"


async def test_lists_go_page_by_page(house: ApiHouse) -> None:
    lock = await house.add_lock()
    made = []
    for number in range(7):
        body = await house.ok("/access_codes/create", device_id=lock, code=str(2000 + number))
        made.append(body["access_code"]["access_code_id"])
    seen, cursor = [], None
    while True:
        page = await house.ok("/access_codes/list", device_id=lock, limit=3, page_cursor=cursor)
        seen += [code["access_code_id"] for code in page["access_codes"]]
        cursor = page["pagination"]["next_page_cursor"]
        assert page["pagination"]["has_next_page"] == (cursor is not None)
        if cursor is None:
            break
    assert sorted(seen) == sorted(made)
    only = await house.client.get("/access_codes/list", params={"access_code_ids": made[0]})
    assert [c["access_code_id"] for c in only.json()["access_codes"]] == made[:1]
