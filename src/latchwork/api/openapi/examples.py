"""Example requests for people: what a call looks like with curl."""

import json
from typing import Any, Final

_CODE = "0199e4a0-5f3b-7c61-9d2e-4b8f6a1c7d30"
_DEVICE = "0199e49f-82d4-7a15-b0c3-91e5d7f2a648"
_OTHER = "0199e49f-9b1e-7d02-8f47-3c6a5e0b9d12"
_ACCOUNT = "0199e49e-1c7a-7f83-a4d9-6e2b8c5f0713"

_VALUES: Final[dict[str, Any]] = {
    "access_code_id": _CODE,
    "action": "set_fault",
    "action_attempt_id": "0199e4a1-0d52-7b94-a6f8-2c7e9b3d5f01",
    "auto_lock_enabled": True,
    "client_session_id": "0199e4a2-7b30-7c4d-8e91-5f0a6d2c3b74",
    "code": "1848",
    "common_code_key": "stay-4711",
    "connect_webview_id": "0199e4a2-93c8-7e15-b2d0-8a4f6c1e7059",
    "connected_account_id": _ACCOUNT,
    "customization_profile_id": "0199e4a2-b8f1-7a36-9c05-d3e7f2b4a680",
    "device_id": _DEVICE,
    "device_ids": [_DEVICE, _OTHER],
    "devices": [{"device_id": _DEVICE}],
    "ends_at": "2027-01-04T10:00:00Z",
    "event_id": "0199e4a0-61aa-7d88-b3f5-7e0c9a2d4b16",
    "event_types": ["access_code.set_on_device", "access_code.removed_from_device"],
    "is_expired": True,
    "is_managed": True,
    "limit": 100,
    "name": "Ada",
    "primary_color": "#0f766e",
    "provider": "zwave_js",
    "search": "front door",
    "secondary_color": "#f0fdfa",
    "settings": {"url": "ws://127.0.0.1:3000"},
    "since": "2027-01-01T00:00:00Z",
    "starts_at": "2027-01-01T16:00:00Z",
    "supported_code_lengths": [4, 6],
    "url": "https://example.com/latchwork",
    "user_identifier_key": "ada",
    "values": {"fault": "jammed"},
    "webhook_id": "0199e4a0-7e09-7b52-8d13-a5f6c0e2d947",
}

_ALSO: Final[dict[str, tuple[str, ...]]] = {
    "/access_codes/create": ("name", "code", "starts_at", "ends_at"),
    "/access_codes/create_multiple": ("name", "starts_at", "ends_at"),
    "/access_codes/get": ("access_code_id",),
    "/access_codes/list": ("device_id", "limit"),
    "/access_codes/report_device_constraints": ("supported_code_lengths",),
    "/access_codes/unmanaged/get": ("access_code_id",),
    "/access_codes/update": ("code", "ends_at"),
    "/access_codes/update_multiple": ("ends_at",),
    "/action_attempts/list": ("device_id",),
    "/client_sessions/create": ("user_identifier_key",),
    "/client_sessions/get": ("client_session_id",),
    "/client_sessions/get_or_create": ("user_identifier_key",),
    "/client_sessions/grant_access": ("client_session_id",),
    "/connected_accounts/get": ("connected_account_id",),
    "/devices/get": ("device_id",),
    "/devices/unmanaged/get": ("device_id",),
    "/devices/update": ("name",),
    "/events/get": ("event_id",),
    "/events/list": ("since", "device_id"),
    "/latchwork/connected_accounts/connect": ("settings",),
    "/latchwork/devices/simulate": ("values",),
    "/locks/get": ("device_id",),
    "/webhooks/create": ("event_types",),
    "/workspaces/update": ("name",),
}
"""What an example shows besides the parameters that are required."""


def example(path: str, required: tuple[str, ...], known: frozenset[str]) -> dict[str, Any]:
    """A sensible request to `path`, of the parameters that it knows."""
    names = dict.fromkeys((*required, *_ALSO.get(path, ())))
    return {name: _VALUES.get(name, "...") for name in names if name in known}


def curl(server: str, path: str, body: dict[str, Any]) -> str:
    """The request on the command line."""
    lines = [
        f"curl {server}{path}",
        '-H "Authorization: Bearer $LATCHWORK_API_KEY"',
        "-H 'Content-Type: application/json'",
        "-d '" + json.dumps(body, indent=2).replace("'", "'\\''") + "'",
    ]
    return " \\\n  ".join(lines)
