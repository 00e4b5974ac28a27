"""Things that a caller must not know of, and the proof that it does not."""

from collections.abc import Iterable
from typing import Any

import msgspec

from latchwork.api.app import ENDPOINTS
from latchwork.domain.events import NewEvent
from support.api_house import ApiHouse

NOBODY = "01939c1e-0000-7000-8000-000000000000"
SECRETS = ("secret name", "4711")

_NEEDED: dict[str, Any] = {
    "auto_lock_enabled": True,
    "code": "4711",
    "common_code_key": "x",
    "event_types": ["*"],
    "is_expired": True,
    "is_managed": True,
    "logo": "iVBORw0KGgo=",
    "max_code_length": 8,
    "min_code_length": 4,
    "preferred_code_length": 4,
    "since": "2026-01-01T00:00:00Z",
}
"""What endpoints require beside ids."""


async def one_of_each(house: ApiHouse) -> dict[str, str]:
    """A lock of an account of its own with a code, and all that belongs to it; and one of
    everything else that has an id. Ids by the parameter that names them."""
    account = await house.add_account(2)
    lock = await house.add_lock(connected_account_id=account, display_name="Foreign")
    code, pin = SECRETS
    made = await house.ok("/access_codes/create", device_id=lock, code=pin, name=code)
    event = NewEvent(
        event_type="device.connected",
        occurred_at=house.now,
        device_id=lock,
        connected_account_id=account,
    )
    await house.storage.add_events(house.workspace_id, [event])
    [told] = (await house.ok("/events/list", event_type="device.connected"))["events"]
    webview = await house.ok("/connect_webviews/create")
    session = await house.ok("/client_sessions/create")
    webhook = await house.ok("/webhooks/create", url="https://example.com/hook")
    profile = await house.ok("/workspaces/customization_profiles/create")
    return {
        "device_id": lock,
        "access_code_id": made["access_code"]["access_code_id"],
        "action_attempt_id": made["action_attempt"]["action_attempt_id"],
        "connected_account_id": account,
        "event_id": told["event_id"],
        "connect_webview_id": webview["connect_webview"]["connect_webview_id"],
        "client_session_id": session["client_session"]["client_session_id"],
        "webhook_id": webhook["webhook"]["webhook_id"],
        "customization_profile_id": profile["customization_profile"]["customization_profile_id"],
    }


async def assert_answered_as_nobodys(
    house: ApiHouse, foreign: dict[str, str], paths: Iterable[str]
) -> int:
    """On each endpoint, for each of its parameters that takes an id: a foreign one is answered
    just as one that nobody has. How many were compared."""
    compared = 0
    for endpoint in ENDPOINTS:
        if endpoint.path not in paths:
            continue
        fields = {field.name: field for field in msgspec.structs.fields(endpoint.request)}
        extra = {n: v for n, v in _NEEDED.items() if n in fields and fields[n].required}
        for name, value in foreign.items():
            for parameter in (name, f"{name}s"):
                if parameter not in fields:
                    continue
                theirs, nobodys = [
                    await house.post(
                        endpoint.path,
                        **{**extra, parameter: [v] if parameter != name else v},
                    )
                    for v in (value, NOBODY)
                ]
                where = (endpoint.path, parameter, theirs.text)
                assert theirs.status_code == nobodys.status_code, where
                assert theirs.status_code in {200, 400, 404}, where
                assert theirs.json() == nobodys.json(), where
                compared += 1
    return compared


async def assert_reached(house: ApiHouse, own: dict[str, str], paths: Iterable[str]) -> int:
    """No endpoint refuses to a caller what it may do with what is its own. How many were tried."""
    tried = 0
    for endpoint in ENDPOINTS:
        fields = {field.name: field for field in msgspec.structs.fields(endpoint.request)}
        named = {
            parameter: [value] if parameter != name else value
            for name, value in own.items()
            for parameter in (name, f"{name}s")
            if parameter in fields
        }
        if endpoint.path not in paths or not named:
            continue
        extra = {n: v for n, v in _NEEDED.items() if n in fields and fields[n].required}
        response = await house.post(endpoint.path, **{**extra, **named})
        assert response.status_code in {200, 400, 404, 409, 503}, (endpoint.path, response.text)
        tried += 1
    return tried


async def assert_not_shown(house: ApiHouse, foreign: dict[str, str], paths: Iterable[str]) -> None:
    """No list shows anything of it."""
    for path in paths:
        if path.endswith(("/list", "/get")):
            text = (await house.post(path)).text
            assert not [v for v in (*foreign.values(), *SECRETS) if v in text], path
