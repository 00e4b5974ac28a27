"""Workspaces, personal access tokens, old API versions, finding anything, profiles."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from latchwork.domain.credentials import ApiKey, PersonalToken
from latchwork.domain.pin import Secret
from support.api_house import KEY, NOW, ApiHouse, api_house

PERSON = "seam_at1" + "p" * 40
SOME = "seam_at1" + "s" * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
NOBODY = "01939c1e-0000-7000-8000-000000000000"


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house(public_url="https://locks.example") as house:
        everywhere = PersonalToken(
            personal_token_id="every", name="Ana", hint="pppp", created_at=NOW
        )
        here = msgspec.structs.replace(
            everywhere, personal_token_id="some", workspace_ids=(house.workspace_id,)
        )
        await house.storage.add_personal_token(everywhere, Secret(PERSON))
        await house.storage.add_personal_token(here, Secret(SOME))
        yield house


def act_in(house: ApiHouse, token: str, workspace_id: str | None) -> None:
    house.act_as(token)
    house.client.headers.pop("seam-workspace", None)
    if workspace_id is not None:
        house.client.headers["seam-workspace"] = workspace_id


async def test_a_personal_token_opens_the_workspace_that_it_names(house: ApiHouse) -> None:
    lock = await house.add_lock()
    act_in(house, PERSON, house.workspace_id)
    assert [d["device_id"] for d in (await house.ok("/devices/list"))["devices"]] == [lock]
    act_in(house, PERSON, None)
    response = await house.post("/devices/list")
    assert (response.status_code, "seam-workspace" in response.text) == (400, True)
    for token, workspace_id in ((PERSON, NOBODY), (SOME, NOBODY)):
        act_in(house, token, workspace_id)
        assert (await house.post("/devices/list")).status_code == 403
    act_in(house, "seam_at1nobody", house.workspace_id)
    assert (await house.post("/devices/list")).status_code == 401


async def test_making_workspaces(house: ApiHouse) -> None:
    wish = {
        "name": "Second",
        "connect_partner_name": "Partner",
        "is_sandbox": True,
        "connect_webview_customization": {"primary_button_color": "#fff"},
        "webview_success_message": "Done!",
    }
    refused = await house.post("/workspaces/create", **wish)
    assert refused.status_code == 403
    act_in(house, SOME, None)
    made = (await house.ok("/workspaces/create", **wish))["workspace"]
    assert (made["name"], made["company_name"], made["is_sandbox"]) == ("Second", "Partner", True)
    assert made["connect_webview_customization"] == {
        "primary_button_color": "#fff",
        "success_message": "Done!",
    }
    listed = (await house.ok("/workspaces/list"))["workspaces"]
    assert {w["workspace_id"] for w in listed} == {house.workspace_id, made["workspace_id"]}
    act_in(house, SOME, made["workspace_id"])
    assert (await house.ok("/devices/list"))["devices"] == []
    act_in(house, KEY, None)
    listed = (await house.ok("/workspaces/list"))["workspaces"]
    assert [w["workspace_id"] for w in listed] == [house.workspace_id]


async def test_changing_a_workspace(house: ApiHouse) -> None:
    response = await house.client.patch(
        "/workspaces/update",
        json={
            "name": "New",
            "connect_webview_customization": {"logo_shape": "circle", "success_message": "Hi"},
        },
    )
    assert response.json() == {"ok": True}
    await house.ok("/workspaces/update", connect_webview_customization={"success_message": None})
    workspace = (await house.ok("/workspaces/get"))["workspace"]
    assert workspace["name"] == "New"
    assert workspace["connect_webview_customization"] == {"logo_shape": "circle"}
    for wish in ({"primary_button_color": "red"}, {"logo_shape": "star"}):
        refused = await house.post("/workspaces/update", connect_webview_customization=wish)
        assert refused.status_code == 400


async def test_a_suspended_workspace_can_be_read(house: ApiHouse) -> None:
    lock = await house.add_lock()
    await house.ok("/workspaces/update", is_suspended=True)
    await house.ok("/devices/list")
    refused = await house.post("/locks/lock_door", device_id=lock)
    assert (refused.status_code, refused.json()["error"]["type"]) == (403, "workspace_suspended")
    await house.ok("/workspaces/update", is_suspended=False)
    await house.ok("/locks/lock_door", device_id=lock)


async def test_finding_anything(house: ApiHouse) -> None:
    lock = await house.add_lock()
    made = await house.ok("/access_codes/create", device_id=lock)
    [event] = (await house.ok("/events/list", limit=1))["events"]
    webview = (await house.ok("/connect_webviews/create"))["connect_webview"]
    session = (await house.ok("/client_sessions/create"))["client_session"]
    profile = (await house.ok("/workspaces/customization_profiles/create"))["customization_profile"]
    for kind, wanted in (
        ("devices", lock),
        ("access_codes", made["access_code"]["access_code_id"]),
        ("action_attempts", made["action_attempt"]["action_attempt_id"]),
        ("connected_accounts", house.account_id),
        ("events", event["event_id"]),
        ("connect_webviews", webview["connect_webview_id"]),
        ("client_sessions", session["client_session_id"]),
        ("customization_profiles", profile["customization_profile_id"]),
        ("workspaces", house.workspace_id),
    ):
        batch = (await house.ok("/workspaces/find_anything", search=wanted))["batch"]
        assert list(batch) == [kind]
        assert wanted in batch[kind][0].values()
    assert (await house.ok("/workspaces/find_anything", search=NOBODY))["batch"] == {}
    await house.furnish_other()
    assert (await house.ok("/workspaces/find_anything", search=lock))["batch"] == {}


async def test_profiles(house: ApiHouse) -> None:
    path = "/workspaces/customization_profiles"
    made = (
        await house.ok(f"{path}/create", name="Blue", primary_color="#00f", message_overrides={})
    )["customization_profile"]
    named = {"customization_profile_id": made["customization_profile_id"]}
    theme = {"font_family": "serif", "primary_color": "#123456"}
    await house.ok(f"{path}/update", **named, name=None, customer_portal_theme=theme)
    found = (await house.ok(f"{path}/get", **named))["customization_profile"]
    assert (found["name"], found["primary_color"]) == (None, "#00f")
    assert found["customer_portal_theme"] == theme
    assert (await house.ok(f"{path}/list"))["customization_profiles"] == [found]
    for wish in ({"primary_color": "blue"}, {"customer_portal_theme": {"primary_color": "x"}}):
        assert (await house.post(f"{path}/create", **wish)).status_code == 400
    await house.furnish_other()
    for action in ("get", "update"):
        assert (await house.post(f"{path}/{action}", **named)).status_code == 404


async def test_logos(house: ApiHouse) -> None:
    path = "/workspaces/customization_profiles"
    made = (await house.ok(f"{path}/create"))["customization_profile"]
    named = {"customization_profile_id": made["customization_profile_id"]}
    form = await house.client.post(
        f"{path}/upload_images", data=named, files={"logo": ("logo.png", PNG, "image/png")}
    )
    assert form.json() == {"ok": True}
    text = base64.b64encode(PNG).decode()
    await house.ok(f"{path}/upload_images", **named, logo=text)
    found = (await house.ok(f"{path}/get", **named))["customization_profile"]
    assert found["logo_url"].startswith("https://locks.example/connect_webviews/logos/")
    stored = await house.storage.logo(named["customization_profile_id"])
    assert stored == (PNG, "image/png")
    svg = base64.b64encode(b"<svg onload=alert(1)>").decode()
    for body, status in (
        ({**named, "logo": svg}, 400),
        ({**named, "logo": base64.b64encode(PNG + b"\0" * 140_000).decode()}, 400),
        (named, 400),
        ({"customization_profile_id": NOBODY, "logo": text}, 404),
    ):
        assert (await house.post(f"{path}/upload_images", **body)).status_code == status


async def test_a_key_of_the_old_version_spells_types_the_old_way(house: ApiHouse) -> None:
    old = KEY + "old"
    await house.storage.add_api_key(
        ApiKey(
            api_key_id=house.new_id(),
            workspace_id=house.workspace_id,
            name="old",
            hint="old",
            created_at=NOW,
            api_version="2023-09",
        ),
        Secret(old),
    )
    lock = await house.add_lock()
    window = {"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-02T00:00:00Z"}
    seen: list[str] = []
    for credential, spelling in ((old, "timebound"), (KEY, "time_bound")):
        house.act_as(credential)
        for given in ("timebound", "time_bound"):
            made = await house.ok("/access_codes/create", device_id=lock, type=given, **window)
            assert made["access_code"]["type"] == spelling
            seen.append(made["access_code"]["access_code_id"])
        ongoing = await house.ok("/access_codes/create", device_id=lock)
        assert ongoing["access_code"]["type"] == "ongoing"
        listed: list[dict[str, Any]] = (await house.ok("/access_codes/list"))["access_codes"]
        assert {c["type"] for c in listed if c["access_code_id"] in seen} == {spelling}
        got = await house.ok("/access_codes/get", access_code_id=seen[0])
        assert got["access_code"]["type"] == spelling


async def test_a_sandbox_begins_anew(house: ApiHouse) -> None:
    lock = await house.add_lock()
    code = (await house.ok("/access_codes/create", device_id=lock, code="4711"))["access_code"]
    hook = (await house.ok("/webhooks/create", url="https://example.com/hook"))["webhook"]
    answer = await house.ok("/workspaces/reset_sandbox")
    attempt = answer["action_attempt"]
    assert (attempt["action_type"], attempt["status"]) == ("RESET_SANDBOX_WORKSPACE", "success")
    assert attempt["result"] == {}
    named = {"action_attempt_id": attempt["action_attempt_id"]}
    assert (await house.ok("/action_attempts/get", **named))["action_attempt"] == attempt
    for path, wanted in (
        ("/devices/get", {"device_id": lock}),
        ("/access_codes/get", {"access_code_id": code["access_code_id"]}),
        ("/connected_accounts/get", {"connected_account_id": house.account_id}),
    ):
        assert (await house.post(path, **wanted)).status_code == 404
    [account] = (await house.ok("/connected_accounts/list"))["connected_accounts"]
    assert account["account_type"] == "simulator"
    settings = await house.storage.account_settings(account["connected_account_id"])
    assert settings == ({"locks": "demo"}, {})
    events = (await house.ok("/events/list", since="2020-01-01T00:00:00Z"))["events"]
    told = {event["event_type"] for event in events}
    assert {"access_code.deleted", "device.deleted", "connected_account.deleted"} <= told
    webhooks = (await house.ok("/webhooks/list"))["webhooks"]
    assert [webhook["webhook_id"] for webhook in webhooks] == [hook["webhook_id"]]


async def test_only_a_sandbox_can_be_reset(house: ApiHouse) -> None:
    act_in(house, PERSON, None)
    made = (await house.ok("/workspaces/create", name="Real"))["workspace"]
    act_in(house, PERSON, made["workspace_id"])
    refused = await house.post("/workspaces/reset_sandbox")
    assert (refused.status_code, refused.json()["error"]["type"]) == (
        400,
        "not_a_sandbox_workspace",
    )
