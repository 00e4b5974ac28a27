"""/workspaces, /connected_accounts, and our own way to connect a provider."""

from typing import Any

import msgspec

from latchwork.api import device_serializers as show_device
from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.endpoint import CREATE, READ, Call, Empty, Endpoint, page_of, page_size
from latchwork.api.errors import invalid, not_found
from latchwork.domain.device import ConnectedAccount
from latchwork.storage.interface import Page


class Get(msgspec.Struct):
    connected_account_id: str | None = None
    email: str | None = None


class List(msgspec.Struct):
    search: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    custom_metadata_has: dict[str, Any] | None = None
    customer_key: str | None = None
    user_identifier_key: str | None = None
    space_id: str | None = None


class Connect(msgspec.Struct):
    provider: str
    settings: dict[str, Any] = {}
    display_name: str | None = None


class InboundUrl(msgspec.Struct):
    connected_account_id: str


async def get_workspace(call: Call, _asked: Empty) -> dict[str, Any]:
    return {"workspace": show.workspace(call.workspace), "ok": True}


async def get(call: Call, asked: Get) -> dict[str, Any]:
    if asked.connected_account_id is None:
        if asked.email is not None:
            raise not_found("connected_account")
        raise invalid("connected_account_id is required.", connected_account_id="Required")
    account = await call.storage.account(call.workspace_id, asked.connected_account_id)
    if account is None:
        raise not_found("connected_account")
    return {"connected_account": show_device.connected_account(account), "ok": True}


async def list_(call: Call, asked: List) -> dict[str, Any]:
    path = "/connected_accounts/list"
    page: Page[ConnectedAccount] = Page(())
    if not (asked.customer_key or asked.user_identifier_key or asked.space_id):
        page = await call.storage.accounts(
            call.workspace_id,
            limit=page_size(asked.limit),
            cursor=asked.page_cursor,
            search=asked.search,
        )
    wanted = (asked.custom_metadata_has or {}).items()
    return {
        "connected_accounts": [
            show_device.connected_account(account)
            for account in page.items
            if all(account.custom_metadata.get(key) == value for key, value in wanted)
        ],
        "pagination": page_of(path, call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def connect(call: Call, asked: Connect) -> dict[str, Any]:
    """Ours: connects a provider by its settings; the engine takes it up at once."""
    checked = call.deps.check_settings(asked.provider, asked.settings)
    account = ConnectedAccount(
        connected_account_id=call.new_id(),
        workspace_id=call.workspace_id,
        provider=checked.provider.name,
        display_name=asked.display_name or checked.provider.display_name,
        created_at=call.now,
    )
    standing = await call.storage.add_account(
        account, checked.settings, checked.secrets, checked.identity
    )
    call.deps.accounts_changed()
    return {"connected_account": show_device.connected_account(standing), "ok": True}


async def inbound_url(call: Call, asked: InboundUrl) -> dict[str, Any]:
    """Ours: where the account's provider can deliver to us. A secret."""
    account = await call.storage.account(call.workspace_id, asked.connected_account_id)
    if account is None:
        raise not_found("connected_account")
    addresses = call.deps.inbound
    url = None if addresses is None else addresses.url(asked.connected_account_id)
    if url is None:
        raise invalid("The server does not know where others reach it: set LATCHWORK_PUBLIC_URL.")
    return {"inbound_url": url, "ok": True}


ENDPOINTS = (
    Endpoint(
        "/latchwork/connected_accounts/inbound_url",
        READ,
        InboundUrl,
        inbound_url,
        answer={"inbound_url": str},
        summary="Tells the secret address at which the account's provider can deliver to us.",
    ),
    Endpoint(
        "/workspaces/get",
        READ,
        Empty,
        get_workspace,
        answer={"workspace": resources.Workspace},
        summary="Gets the workspace that the key belongs to.",
    ),
    Endpoint(
        "/connected_accounts/get",
        READ,
        Get,
        get,
        answer={"connected_account": resources.ConnectedAccount},
        summary="Gets a connected account.",
    ),
    Endpoint(
        "/connected_accounts/list",
        READ,
        List,
        list_,
        answer={
            "connected_accounts": list[resources.ConnectedAccount],
            "pagination": resources.Pagination,
        },
        summary="Lists connected accounts, a page at a time.",
    ),
    Endpoint(
        "/latchwork/connected_accounts/connect",
        CREATE,
        Connect,
        connect,
        answer={"connected_account": resources.ConnectedAccount},
        summary="Connects a provider by its settings. Latchwork's own.",
    ),
)
