"""/connect_webviews: links under which people connect their locks' providers."""

from typing import Annotated, Any, Literal

import msgspec

from latchwork.api import access_serializers as show
from latchwork.api import resources
from latchwork.api.endpoint import CREATE, DELETE, READ, Call, Endpoint, page_of, page_size
from latchwork.api.errors import invalid, not_found
from latchwork.api.routes.client_sessions import sessions_of_user
from latchwork.domain.connect_webview import (
    ConnectWebview,
    WebviewWish,
    check_redirect,
    offered,
)
from latchwork.domain.metadata import merged
from latchwork.domain.pin import Secret
from latchwork.storage.access import WebviewFilter
from latchwork.storage.interface import Page

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Names = Annotated[list[Name], msgspec.Meta(max_length=200)]
Url = Annotated[str, msgspec.Meta(max_length=2048)]
Capability = Literal["lock", "thermostat", "noise_sensor", "access_control", "camera"]
TOKEN_BYTES = 32


class Create(msgspec.Struct):
    accepted_providers: Names | None = None
    excluded_providers: Names | None = None
    provider_category: Name | None = None
    accepted_capabilities: list[Capability] | None = None
    device_selection_mode: Literal["none", "single", "multiple"] | None = None
    automatically_manage_new_devices: bool | None = None
    wait_for_device_creation: bool | None = None
    custom_metadata: dict[str, Any] | None = None
    custom_redirect_url: Url | None = None
    custom_redirect_failure_url: Url | None = None
    customer_key: Name | None = None


class Named(msgspec.Struct):
    connect_webview_id: str


class List(msgspec.Struct):
    customer_key: str | None = None
    user_identifier_key: str | None = None
    custom_metadata_has: dict[str, Any] | None = None
    search: str | None = None
    limit: float | None = None
    page_cursor: str | None = None


async def create(call: Call, asked: Create) -> dict[str, Any]:
    session = call.caller.session
    webview = ConnectWebview(
        connect_webview_id=call.new_id(),
        workspace_id=call.workspace_id,
        created_at=call.now,
        token=Secret(call.deps.entropy(TOKEN_BYTES).hex()),
        wish=_wish(call, asked),
        custom_metadata=merged({}, asked.custom_metadata or {}),
        customer_key=asked.customer_key,
        client_session_id=None if session is None else session.client_session_id,
    )
    await call.storage.add_webview(webview)
    return {"connect_webview": webview_shown(call, webview), "ok": True}


def _wish(call: Call, asked: Create) -> WebviewWish:
    """Raises 400 for a wish that no person could fulfil."""
    for name in ("custom_redirect_url", "custom_redirect_failure_url"):
        if (url := getattr(asked, name)) is not None:
            check_redirect(name, url)
    wish = WebviewWish(
        accepted_providers=tuple(asked.accepted_providers or ()),
        excluded_providers=tuple(asked.excluded_providers or ()),
        provider_category=asked.provider_category,
        accepted_capabilities=tuple(asked.accepted_capabilities or ("lock",)),
        device_selection_mode=asked.device_selection_mode or "none",
        automatically_manage_new_devices=asked.automatically_manage_new_devices is not False,
        wait_for_device_creation=bool(asked.wait_for_device_creation),
        custom_redirect_url=asked.custom_redirect_url,
        custom_redirect_failure_url=asked.custom_redirect_failure_url,
    )
    if not offered(wish, call.deps.providers, is_sandbox=call.workspace.is_sandbox):
        known = ", ".join(provider.name for provider in call.deps.providers)
        text = f"None of the providers asked for is installed; installed are: {known}."
        raise invalid(text, accepted_providers=text)
    return wish


def webview_shown(call: Call, webview: ConnectWebview) -> dict[str, Any]:
    return show.connect_webview(webview, call.workspace, call.deps.providers, call.deps.public_url)


async def get(call: Call, asked: Named) -> dict[str, Any]:
    webview = await call.storage.webview(call.workspace_id, asked.connect_webview_id)
    if webview is None:
        raise not_found("connect_webview")
    return {"connect_webview": webview_shown(call, webview), "ok": True}


async def list_(call: Call, asked: List) -> dict[str, Any]:
    ids: tuple[str, ...] | None = None
    if asked.user_identifier_key is not None:
        ids = await _of_user(call, asked.user_identifier_key)
    where = WebviewFilter(
        ids=ids,
        customer_key=asked.customer_key,
        custom_metadata_has=asked.custom_metadata_has,
        search=asked.search,
    )
    page: Page[ConnectWebview] = await call.storage.webviews(
        call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
    )
    path = "/connect_webviews/list"
    return {
        "connect_webviews": [webview_shown(call, webview) for webview in page.items],
        "pagination": page_of(path, call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def _of_user(call: Call, user_identifier_key: str) -> tuple[str, ...]:
    """The webviews of a user's sessions; of a session's caller only its own."""
    own = call.caller.session
    if own is not None:
        mine = own.user_identifier_key == user_identifier_key
        return own.connect_webview_ids if mine else ()
    sessions = await sessions_of_user(call, user_identifier_key)
    return tuple(
        dict.fromkeys(name for session in sessions for name in session.connect_webview_ids)
    )


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    """The link ends; the account that it brought stays."""
    if not await call.storage.delete_webview(call.workspace_id, asked.connect_webview_id):
        raise not_found("connect_webview")
    return {"ok": True}


_ONE = {"connect_webview": resources.ConnectWebview}

ENDPOINTS = (
    Endpoint(
        "/connect_webviews/create",
        CREATE,
        Create,
        create,
        answer=_ONE,
        summary="Makes a link under which a person connects a provider.",
    ),
    Endpoint(
        "/connect_webviews/get",
        READ,
        Named,
        get,
        answer=_ONE,
        summary="Gets a connect webview, and whether it has brought an account.",
    ),
    Endpoint(
        "/connect_webviews/list",
        READ,
        List,
        list_,
        answer={
            "connect_webviews": list[resources.ConnectWebview],
            "pagination": resources.Pagination,
        },
        summary="Lists connect webviews, a page at a time.",
    ),
    Endpoint(
        "/connect_webviews/delete",
        DELETE,
        Named,
        delete,
        answer={},
        summary="Ends the link. The account that it brought stays.",
    ),
)
