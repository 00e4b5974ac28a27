"""/workspaces: what keys, accounts, locks and codes belong to."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api import access_serializers as show
from latchwork.api import code_serializers, resources, serializers
from latchwork.api import device_serializers as show_device
from latchwork.api.endpoint import CREATE, READ, Call, Empty, Endpoint
from latchwork.api.errors import ApiError, invalid
from latchwork.api.routes.client_sessions import session_shown
from latchwork.api.routes.connect_webviews import webview_shown
from latchwork.api.routes.devices import shown as device_shown
from latchwork.api.routes.devices import shown_unmanaged
from latchwork.api.routes.events import attempt_shown
from latchwork.domain.action_attempt import HIDDEN, ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.credentials import PUBLISHABLE_KEY, made_secret
from latchwork.domain.customization import WebviewCustomization, check_color
from latchwork.domain.device import ConnectedAccount, Workspace
from latchwork.domain.device_commands import account_deleted
from latchwork.domain.provider import SIMULATOR

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Message = Annotated[str, msgspec.Meta(max_length=500)]
Shape = Literal["circle", "square"]
KEY_BYTES = 20


class Customization(msgspec.Struct):
    primary_button_color: str | None = None
    primary_button_text_color: str | None = None
    logo_shape: Shape | None = None
    success_message: Message | None = None


class Create(msgspec.Struct):
    name: Name
    company_name: Name | None = None
    connect_partner_name: Name | None = None
    is_sandbox: bool = False
    connect_webview_customization: Customization | None = None
    organization_id: str | None = None
    webview_primary_button_color: str | None = None
    webview_primary_button_text_color: str | None = None
    webview_logo_shape: Shape | None = None
    webview_success_message: Message | None = None


class Update(msgspec.Struct):
    name: Name | None = None
    connect_partner_name: Name | None = None
    connect_webview_customization: dict[str, Any] | UnsetType = UNSET
    is_publishable_key_auth_enabled: bool | None = None
    is_suspended: bool | None = None
    organization_id: str | None = None


class Search(msgspec.Struct):
    search: str


async def create(call: Call, asked: Create) -> dict[str, Any]:
    """For personal tokens, which open the new workspace too."""
    given = asked.connect_webview_customization or Customization()
    custom = WebviewCustomization(
        primary_button_color=given.primary_button_color or asked.webview_primary_button_color,
        primary_button_text_color=given.primary_button_text_color
        or asked.webview_primary_button_text_color,
        logo_shape=given.logo_shape or asked.webview_logo_shape,
        success_message=given.success_message or asked.webview_success_message,
    )
    _check_colors(custom)
    workspace = Workspace(
        workspace_id=call.new_id(),
        name=asked.name,
        is_sandbox=asked.is_sandbox,
        created_at=call.now,
        connect_partner_name=asked.connect_partner_name or asked.company_name,
        organization_id=asked.organization_id,
        webview_customization=custom,
    )
    await call.storage.add_workspace(workspace)
    if call.caller.person is not None:
        token_id = call.caller.person.personal_token_id
        await call.storage.open_workspace_to(token_id, workspace.workspace_id)
    return {"workspace": show.workspace(workspace), "ok": True}


def _check_colors(custom: WebviewCustomization) -> None:
    for name in ("primary_button_color", "primary_button_text_color"):
        check_color(name, getattr(custom, name))


async def get(call: Call, _asked: Empty) -> dict[str, Any]:
    return {"workspace": show.workspace(call.workspace), "ok": True}


async def list_(call: Call, _asked: Empty) -> dict[str, Any]:
    """The caller's own; a personal token's all that it opens."""
    person = call.caller.person
    found = [call.workspace] if person is None else await call.storage.workspaces()
    opened = [w for w in found if person is None or person.opens(w.workspace_id)]
    return {"workspaces": [show.workspace(workspace) for workspace in opened], "ok": True}


async def update(call: Call, asked: Update) -> dict[str, Any]:
    workspace = call.workspace
    changes = {
        name: value
        for name in (
            "name", "connect_partner_name", "is_publishable_key_auth_enabled", "is_suspended",
            "organization_id",
        )
        if (value := getattr(asked, name)) is not None
    }  # fmt: skip
    custom = _customized(workspace.webview_customization, asked.connect_webview_customization)
    key = workspace.publishable_key
    if asked.is_publishable_key_auth_enabled and key is None:
        key = made_secret(PUBLISHABLE_KEY, call.deps.entropy(KEY_BYTES)).reveal()
    await call.storage.update_workspace(
        msgspec.structs.replace(
            workspace, **changes, webview_customization=custom, publishable_key=key
        )
    )
    return {"ok": True}


async def reset_sandbox(call: Call, _asked: Empty) -> dict[str, Any]:
    """Simulated locks begin anew, under new ids; all other accounts, and every code, are
    forgotten."""
    if not call.workspace.is_sandbox:
        raise ApiError(400, "not_a_sandbox_workspace", "Only a sandbox workspace can be reset.")
    attempt = ActionAttempt(
        action_attempt_id=call.new_id(),
        workspace_id=call.workspace_id,
        action_type=ActionType.RESET_SANDBOX_WORKSPACE,
        created_at=call.now,
        status=AttemptStatus.SUCCESS,
    )

    def anew(account: ConnectedAccount) -> ConnectedAccount | None:
        if account.provider != SIMULATOR:
            return None
        return ConnectedAccount(
            connected_account_id=call.new_id(),
            workspace_id=account.workspace_id,
            provider=account.provider,
            display_name=account.display_name,
            created_at=call.now,
            lead_time=account.lead_time,
        )

    await call.storage.reset_workspace(
        call.workspace_id,
        lambda account, held: account_deleted(account, held, call.now),
        anew,
        attempt,
    )
    return {"action_attempt": serializers.action_attempt(attempt), "ok": True}


def _customized(
    standing: WebviewCustomization, changes: dict[str, Any] | UnsetType
) -> WebviewCustomization:
    """With what is named changed; null goes back to the usual."""
    if changes is UNSET:
        return standing
    try:
        asked = msgspec.convert(changes, Customization)
    except msgspec.ValidationError as error:
        raise invalid(f"connect_webview_customization: {error}.") from None
    named = {name: getattr(asked, name) for name in Customization.__struct_fields__}
    custom = msgspec.structs.replace(
        standing, **{name: value for name, value in named.items() if name in changes}
    )
    _check_colors(custom)
    return custom


async def find_anything(call: Call, asked: Search) -> dict[str, Any]:
    """All that has this id; nothing found is an empty batch."""
    batch = {}
    for kind, find in _FINDERS.items():
        found = await find(call, asked.search)
        if found is not None:
            batch[kind] = [found]
    return {"batch": batch, "ok": True}


async def _code(call: Call, wanted: str) -> dict[str, Any] | None:
    view = await call.storage.code(call.workspace_id, access_code_id=wanted)
    return None if view is None else code_serializers.access_code(view, call.now)


async def _attempt(call: Call, wanted: str) -> dict[str, Any] | None:
    found = await call.storage.attempt(call.workspace_id, wanted)
    return (
        None if found is None or found.action_type in HIDDEN else await attempt_shown(call, found)
    )


async def _session(call: Call, wanted: str) -> dict[str, Any] | None:
    found = await call.storage.session(call.workspace_id, wanted)
    return None if found is None else await session_shown(call, found)


async def _webview(call: Call, wanted: str) -> dict[str, Any] | None:
    found = await call.storage.webview(call.workspace_id, wanted)
    return None if found is None else webview_shown(call, found)


async def _account(call: Call, wanted: str) -> dict[str, Any] | None:
    found = await call.storage.account(call.workspace_id, wanted)
    return None if found is None else show_device.connected_account(found)


async def _profile(call: Call, wanted: str) -> dict[str, Any] | None:
    found = await call.storage.profile(call.workspace_id, wanted)
    return None if found is None else show.customization_profile(found, call.deps.public_url)


async def _device(call: Call, wanted: str) -> dict[str, Any] | None:
    view = await call.storage.device(call.workspace_id, device_id=wanted)
    return None if view is None else device_shown(call, view)


async def _unmanaged_device(call: Call, wanted: str) -> dict[str, Any] | None:
    view = await call.storage.device(call.workspace_id, device_id=wanted, is_managed=False)
    return None if view is None else shown_unmanaged(call, view)


async def _unmanaged_code(call: Call, wanted: str) -> dict[str, Any] | None:
    view = await call.storage.unmanaged_code(call.workspace_id, access_code_id=wanted)
    return None if view is None else serializers.unmanaged_access_code(view, call.now)


async def _event(call: Call, wanted: str) -> dict[str, Any] | None:
    found = await call.storage.event(call.workspace_id, event_id=wanted)
    return None if found is None else serializers.event(found)


async def _workspace(call: Call, wanted: str) -> dict[str, Any] | None:
    return show.workspace(call.workspace) if wanted == call.workspace_id else None


_FINDERS: dict[str, Callable[[Call, str], Awaitable[dict[str, Any] | None]]] = {
    "access_codes": _code,
    "action_attempts": _attempt,
    "client_sessions": _session,
    "connect_webviews": _webview,
    "connected_accounts": _account,
    "customization_profiles": _profile,
    "devices": _device,
    "events": _event,
    "unmanaged_access_codes": _unmanaged_code,
    "unmanaged_devices": _unmanaged_device,
    "workspaces": _workspace,
}

_ONE = {"workspace": resources.Workspace}

ENDPOINTS = (
    Endpoint(
        "/workspaces/create",
        CREATE,
        Create,
        create,
        answer=_ONE,
        summary="Makes a workspace. For personal access tokens.",
    ),
    Endpoint(
        "/workspaces/get",
        READ,
        Empty,
        get,
        answer=_ONE,
        summary="Gets the workspace that the key belongs to.",
    ),
    Endpoint(
        "/workspaces/list",
        READ,
        Empty,
        list_,
        answer={"workspaces": list[resources.Workspace]},
        summary="Lists the workspaces that the credential opens.",
    ),
    Endpoint(
        "/workspaces/update",
        ("POST", "PATCH"),
        Update,
        update,
        answer={},
        summary="Changes the workspace's name, looks and rights.",
    ),
    Endpoint(
        "/workspaces/reset_sandbox",
        CREATE,
        Empty,
        reset_sandbox,
        answer={"action_attempt": resources.ActionAttempt},
        summary="Begins a sandbox anew: its simulated locks as new, without codes.",
    ),
    Endpoint(
        "/workspaces/find_anything",
        READ,
        Search,
        find_anything,
        answer={"batch": resources.Batch},
        summary="Finds whatever has an id.",
    ),
)
