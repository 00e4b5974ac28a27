"""Client sessions: begun, found, granted, ended, and kept to their own accounts."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from latchwork.api.app import ENDPOINTS
from latchwork.api.auth import SESSION_PATHS
from support.api_house import KEY, ApiHouse, api_house
from support.foreign import (
    NOBODY,
    SECRETS,
    assert_answered_as_nobodys,
    assert_not_shown,
    assert_reached,
    one_of_each,
)


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def begun(house: ApiHouse, **wish: Any) -> dict[str, Any]:
    made: dict[str, Any] = (await house.ok("/client_sessions/create", **wish))["client_session"]
    return made


async def test_a_session_reaches_its_accounts_by_its_token(house: ApiHouse) -> None:
    mine = await house.add_lock(display_name="Mine")
    other = await house.add_account(2)
    foreign = await house.add_lock(display_name="Foreign", connected_account_id=other)
    session = await begun(house, connected_account_ids=[house.account_id])
    assert session["token"].startswith("seam_cst")
    assert session["device_count"] == 1
    assert session["expires_at"] == "2026-12-24T15:00:00.000Z"
    house.act_as(session["token"])
    assert [d["device_id"] for d in (await house.ok("/devices/list"))["devices"]] == [mine]
    assert (await house.post("/devices/get", device_id=foreign)).status_code == 404
    assert (await house.post("/devices/get", name="Foreign")).status_code == 404
    code = (await house.ok("/access_codes/create", device_id=mine, code="4711"))["access_code"]
    assert (await house.post("/access_codes/create", device_id=foreign)).status_code == 404
    codes = (await house.ok("/access_codes/list"))["access_codes"]
    assert [c["access_code_id"] for c in codes] == [code["access_code_id"]]
    own = (await house.ok("/client_sessions/get"))["client_session"]
    assert own["client_session_id"] == session["client_session_id"]
    assert session["token"] not in own["token"]


@pytest.mark.parametrize("header", ["client-session-token", "seam-client-session-token"])
async def test_the_token_may_come_in_a_header_of_its_own(house: ApiHouse, header: str) -> None:
    session = await begun(house, connected_account_ids=[house.account_id])
    del house.client.headers["authorization"]
    assert (await house.post("/devices/list")).status_code == 401
    response = await house.client.get("/devices/list", headers={header: session["token"]})
    assert response.status_code == 200


async def test_put_creates_too(house: ApiHouse) -> None:
    response = await house.client.put("/client_sessions/create", json={})
    assert response.json()["client_session"]["connected_account_ids"] == []


async def test_a_session_without_accounts_sees_nothing(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock)
    house.act_as((await begun(house))["token"])
    for path, key in (
        ("/devices/list", "devices"),
        ("/locks/list", "locks"),
        ("/access_codes/list", "access_codes"),
        ("/events/list", "events"),
        ("/connect_webviews/list", "connect_webviews"),
    ):
        assert (await house.ok(path))[key] == [], path


async def test_what_a_session_may_not_call(house: ApiHouse) -> None:
    house.act_as((await begun(house, connected_account_ids=[house.account_id]))["token"])
    for endpoint in ENDPOINTS:
        response = await house.post(endpoint.path)
        allowed = endpoint.path in SESSION_PATHS
        assert (response.status_code != 403) == allowed, endpoint.path
        if not allowed:
            assert response.json()["error"]["type"] == "forbidden"


async def confined(house: ApiHouse) -> dict[str, str]:
    """The client carries the token of a session with a lock of its own from now on; what there
    is beyond its reach."""
    foreign = await one_of_each(house)
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock)
    house.act_as((await begun(house, connected_account_ids=[house.account_id]))["token"])
    return foreign


async def test_a_foreign_id_is_answered_as_nobodys_on_every_route(house: ApiHouse) -> None:
    foreign = await confined(house)
    assert await assert_answered_as_nobodys(house, foreign, SESSION_PATHS) >= 20
    house.act_as(KEY)
    named = {"access_code_id": foreign["access_code_id"]}
    assert (await house.ok("/access_codes/get", **named))["access_code"]["name"] == SECRETS[0]


async def test_a_session_may_do_what_it_is_for_with_what_is_its_own(house: ApiHouse) -> None:
    own = await one_of_each(house)
    accounts = [own["connected_account_id"]]
    house.act_as((await begun(house, connected_account_ids=accounts))["token"])
    assert await assert_reached(house, own, SESSION_PATHS) >= 20


async def test_no_list_shows_what_is_foreign(house: ApiHouse) -> None:
    foreign = await confined(house)
    await assert_not_shown(house, foreign, SESSION_PATHS & {e.path for e in ENDPOINTS})


async def test_revoking_and_deleting(house: ApiHouse) -> None:
    for path in ("/client_sessions/revoke", "/client_sessions/delete"):
        session = await begun(house, connected_account_ids=[house.account_id])
        named = {"client_session_id": session["client_session_id"]}
        house.act_as(session["token"])
        await house.ok("/devices/list")
        house.act_as(KEY)
        await house.ok(path, **named)
        house.act_as(session["token"])
        assert (await house.post("/devices/list")).status_code == 401
        house.act_as(KEY)
        found = await house.post("/client_sessions/get", **named)
        assert found.status_code == (200 if path.endswith("revoke") else 404)
    events = (await house.ok("/events/list", event_type="client_session.deleted"))["events"]
    assert [event["client_session_id"] for event in events] == [session["client_session_id"]]
    missing = await house.post("/client_sessions/revoke", client_session_id=NOBODY)
    assert missing.json()["error"]["type"] == "client_session_not_found"


async def test_a_session_ends_by_itself(house: ApiHouse) -> None:
    wish = {"expires_at": "2026-11-24T16:00:00Z", "connected_account_ids": [house.account_id]}
    house.act_as((await begun(house, **wish))["token"])
    house.now += timedelta(minutes=59)
    await house.ok("/devices/list")
    house.now += timedelta(minutes=1)
    assert (await house.post("/devices/list")).status_code == 401


async def test_getting_or_creating_by_user(house: ApiHouse) -> None:
    path, user = "/client_sessions/get_or_create", {"user_identifier_key": "ana"}
    first = (await house.ok(path, **user))["client_session"]
    again = (await house.ok(path, **user, connected_account_ids=[house.account_id]))[
        "client_session"
    ]
    assert again["client_session_id"] == first["client_session_id"]
    assert again["connected_account_ids"] == [house.account_id]
    assert again["token"] != first["token"]
    for token in (first["token"], again["token"]):
        house.act_as(token)
        await house.ok("/devices/list")
    house.act_as(KEY)
    found = (await house.ok("/client_sessions/get", **user))["client_session"]
    assert found["client_session_id"] == first["client_session_id"]
    await house.ok("/client_sessions/revoke", client_session_id=first["client_session_id"])
    new = (await house.ok(path, **user))["client_session"]
    assert new["client_session_id"] != first["client_session_id"]


async def test_granting_access(house: ApiHouse) -> None:
    session = await begun(house, user_identifier_key="ana")
    lock = await house.add_lock()
    response = await house.client.patch(
        "/client_sessions/grant_access",
        json={"user_identifier_key": "ana", "connected_account_ids": [house.account_id]},
    )
    assert response.json()["client_session"]["device_count"] == 1
    house.act_as(session["token"])
    await house.ok("/devices/get", device_id=lock)
    house.act_as(KEY)
    refused = await house.post(
        "/client_sessions/grant_access",
        client_session_id=session["client_session_id"],
        connected_account_ids=[NOBODY],
    )
    assert refused.json()["error"]["type"] == "connected_account_not_found"


async def test_lists(house: ApiHouse) -> None:
    first = await begun(house, user_identifier_key="ana")
    house.now += timedelta(seconds=1)
    second = await begun(house)

    async def found(**where: Any) -> list[str]:
        listed = (await house.ok("/client_sessions/list", **where))["client_sessions"]
        return [session["client_session_id"] for session in listed]

    both = [second["client_session_id"], first["client_session_id"]]
    assert await found() == both
    assert await found(user_identifier_key="ana") == both[1:]
    assert await found(without_user_identifier_key=True) == both[:1]
    assert await found(user_identity_id=NOBODY) == []


@pytest.mark.parametrize(
    ("named", "wish"),
    [
        ("expires_at", {"expires_at": "2026-11-24T14:00:00Z"}),
        ("expires_at", {"expires_at": "2036-11-24T14:00:00Z"}),
        ("user_identity_id", {"user_identity_id": NOBODY}),
        ("Connected account", {"connected_account_ids": [NOBODY]}),
        ("Connect webview", {"connect_webview_ids": [NOBODY]}),
    ],
)
async def test_bad_wishes(house: ApiHouse, named: str, wish: dict[str, Any]) -> None:
    response = await house.post("/client_sessions/create", **wish)
    assert response.status_code in {400, 404}
    assert named in response.text
    assert (await house.ok("/client_sessions/list"))["client_sessions"] == []


async def test_publishable_keys(house: ApiHouse) -> None:
    await house.ok("/workspaces/update", is_publishable_key_auth_enabled=True)
    key = (await house.ok("/workspaces/get"))["workspace"]["publishable_key"]
    assert key.startswith("seam_pk")
    del house.client.headers["authorization"]
    house.client.headers["seam-publishable-key"] = key
    path = "/client_sessions/get_or_create"
    session = (await house.ok(path, user_identifier_key="a1b2"))["client_session"]
    assert session["connected_account_ids"] == []
    for wish, status in (
        ({}, 400),
        ({"user_identifier_key": "a1b2", "connected_account_ids": [house.account_id]}, 403),
    ):
        assert (await house.post(path, **wish)).status_code == status
    assert (await house.post("/devices/list")).status_code == 403
    del house.client.headers["seam-publishable-key"]
    house.act_as(key)
    assert (await house.post(path, user_identifier_key="a1b2")).status_code == 401
    house.act_as(KEY)
    await house.ok("/workspaces/update", is_publishable_key_auth_enabled=False)
    del house.client.headers["authorization"]
    response = await house.client.post(
        path, json={"user_identifier_key": "a1b2"}, headers={"seam-publishable-key": key}
    )
    assert response.status_code == 401
