"""/connected_accounts, and our own way to connect a provider."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET

from latchwork.api import device_serializers as show_device
from latchwork.api import resources
from latchwork.api.attempts import PATIENCE, STEP
from latchwork.api.endpoint import (
    CREATE,
    DELETE,
    READ,
    Call,
    Endpoint,
    page_of,
    page_size,
)
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.domain.account_commands import (
    AccountChanges,
    changed_account,
    resumed,
    suspended,
    to_be_listed,
)
from latchwork.domain.device import ConnectedAccount
from latchwork.domain.device_commands import account_deleted
from latchwork.storage.interface import Page

CHANGE = ("POST", "PATCH")
Capability = Literal["lock", "thermostat", "noise_sensor", "access_control", "camera"]


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


class Update(msgspec.Struct):
    connected_account_id: str
    display_name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None = None
    custom_metadata: dict[str, Any] | None = None
    automatically_manage_new_devices: bool | None = None
    accepted_capabilities: list[Capability] | None = None
    customer_key: str | None = None


class Named(msgspec.Struct):
    connected_account_id: str


class Delete(Named):
    sync: bool | None = None


class Connect(msgspec.Struct):
    provider: str
    settings: dict[str, Any] = {}
    display_name: str | None = None


class InboundUrl(msgspec.Struct):
    connected_account_id: str


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
    page: Page[ConnectedAccount] = Page(())
    if not (asked.customer_key or asked.user_identifier_key or asked.space_id):
        page = await call.storage.accounts(
            call.workspace_id,
            limit=page_size(asked.limit),
            cursor=asked.page_cursor,
            search=asked.search,
            custom_metadata_has=asked.custom_metadata_has,
        )
    return {
        "connected_accounts": [show_device.connected_account(account) for account in page.items],
        "pagination": page_of(call.path, call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def _change(
    call: Call, account_id: str, change: Callable[[ConnectedAccount], ConnectedAccount]
) -> ConnectedAccount:
    """The account as changed, or 404."""
    changed = await call.storage.change_account(
        call.workspace_id, account_id, lambda account: (change(account), ())
    )
    if changed is None:
        raise not_found("connected_account")
    return changed


async def update(call: Call, asked: Update) -> dict[str, Any]:
    if asked.customer_key is not None:
        raise invalid("Latchwork has no customers.", customer_key="Not supported")
    accepted = asked.accepted_capabilities
    manages = asked.automatically_manage_new_devices
    changes = AccountChanges(
        display_name=UNSET if asked.display_name is None else asked.display_name,
        custom_metadata=asked.custom_metadata or {},
        automatically_manage_new_devices=UNSET if manages is None else manages,
        accepted_capabilities=UNSET if accepted is None else tuple(accepted),
    )
    changed = await _change(
        call, asked.connected_account_id, lambda account: changed_account(account, changes)
    )
    return {"connected_account": show_device.connected_account(changed), "ok": True}


async def delete(call: Call, asked: Delete) -> dict[str, Any]:
    """Forgets the account with its devices and their codes. No lock is touched: what stands on
    one stays there."""
    deleted = await call.storage.delete_account(
        call.workspace_id,
        asked.connected_account_id,
        lambda account, held: account_deleted(account, held, call.now),
    )
    if not deleted:
        raise not_found("connected_account")
    return {"ok": True}


async def sync(call: Call, asked: Named) -> dict[str, Any]:
    """The engine lists the account's devices anew, and connects it where it is not."""
    await _change(call, asked.connected_account_id, lambda account: to_be_listed(account, call.now))
    return {"ok": True}


async def simulate_disconnect(call: Call, asked: Named) -> dict[str, Any]:
    """Answers once it is told. Connecting the account again, or a sync, ends it."""
    if not call.workspace.is_sandbox:
        raise ApiError(
            400, "not_a_sandbox_workspace", "Only accounts of a sandbox workspace can be simulated."
        )
    await _change(call, asked.connected_account_id, suspended)
    for _ in range(int(PATIENCE / STEP)):
        account = await call.storage.account(call.workspace_id, asked.connected_account_id)
        if account is None or not account.connected:
            return {"ok": True}
        await call.deps.sleep(STEP)
    raise ApiError(503, "service_unavailable", "The simulation did not answer in time.")


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
    if standing.suspended:
        standing = await _change(call, standing.connected_account_id, resumed)
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
        "/connected_accounts/update",
        CHANGE,
        Update,
        update,
        answer={"connected_account": resources.ConnectedAccount},
        summary="Changes a connected account's name, metadata, or what is done with new devices.",
    ),
    Endpoint(
        "/connected_accounts/delete",
        DELETE,
        Delete,
        delete,
        answer={},
        summary="Forgets a connected account with its devices and codes, touching no lock.",
    ),
    Endpoint(
        "/connected_accounts/sync",
        CREATE,
        Named,
        sync,
        answer={},
        summary="Has the devices of a connected account listed anew.",
    ),
    Endpoint(
        "/connected_accounts/simulate/disconnect",
        CREATE,
        Named,
        simulate_disconnect,
        answer={},
        summary="Disconnects a connected account of a sandbox.",
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
