"""/devices and /locks: what there is, and moving the bolt."""

from typing import Any

import msgspec

from latchwork.api import device_serializers as show_device
from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.attempts import until_ended
from latchwork.api.endpoint import CREATE, READ, Call, Endpoint, page_of, page_size
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.action_attempt import ActionAttempt, ActionType
from latchwork.storage.interface import DeviceFilter, DeviceView, Page


class Get(msgspec.Struct):
    device_id: str | None = None
    name: str | None = None


class List(msgspec.Struct):
    connected_account_id: str | None = None
    connected_account_ids: list[str] | None = None
    device_ids: list[str] | None = None
    device_type: str | None = None
    device_types: list[str] | None = None
    manufacturer: str | None = None
    custom_metadata_has: dict[str, Any] | None = None
    search: str | None = None
    created_before: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    customer_key: str | None = None
    user_identifier_key: str | None = None
    connect_webview_id: str | None = None
    space_id: str | None = None
    unstable_location_id: str | None = None
    include_if: list[str] | None = None
    exclude_if: list[str] | None = None


class Door(msgspec.Struct):
    device_id: str
    sync: bool | None = None


async def find(call: Call, device_id: str | None, name: str | None = None) -> DeviceView:
    """The device by id or name, or 404."""
    if device_id is None and name is None:
        raise invalid("Name a device by device_id or name.", device_id="Required")
    view = await call.storage.device(call.workspace_id, device_id=device_id, name=name)
    if view is None:
        raise not_found("device")
    return view


def shown(call: Call, view: DeviceView) -> dict[str, Any]:
    return show_device.device(view, is_sandbox=call.workspace.is_sandbox)


async def get_device(call: Call, asked: Get) -> dict[str, Any]:
    return {"device": shown(call, await find(call, asked.device_id, asked.name)), "ok": True}


async def get_lock(call: Call, asked: Get) -> dict[str, Any]:
    found = shown(call, await find(call, asked.device_id, asked.name))
    return {"lock": found, "device": found, "ok": True}


async def _page(call: Call, asked: List) -> Page[DeviceView]:
    elsewhere = (
        asked.customer_key, asked.user_identifier_key, asked.connect_webview_id, asked.space_id,
        asked.unstable_location_id,
    )  # fmt: skip
    if any(elsewhere):
        return Page(())
    accounts = list(asked.connected_account_ids or ())
    if asked.connected_account_id is not None:
        accounts.append(asked.connected_account_id)
    types = list(asked.device_types or ())
    if asked.device_type is not None:
        types.append(asked.device_type)
    where = DeviceFilter(
        connected_account_ids=tuple(accounts) if accounts else None,
        device_ids=None if asked.device_ids is None else tuple(asked.device_ids),
        device_types=tuple(types) if types else None,
        manufacturer=asked.manufacturer,
        custom_metadata_has=asked.custom_metadata_has,
        search=asked.search,
        created_before=instant("created_before", asked.created_before),
    )
    return await call.storage.devices(
        call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
    )


async def list_devices(call: Call, asked: List) -> dict[str, Any]:
    page = await _page(call, asked)
    return {
        "devices": [shown(call, view) for view in page.items],
        "pagination": page_of("/devices/list", call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def list_locks(call: Call, asked: List) -> dict[str, Any]:
    page = await _page(call, asked)
    found = [shown(call, view) for view in page.items]
    return {
        "locks": found,
        "devices": found,
        "pagination": page_of("/locks/list", call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def lock_door(call: Call, asked: Door) -> dict[str, Any]:
    return await _move(call, asked, ActionType.LOCK_DOOR)


async def unlock_door(call: Call, asked: Door) -> dict[str, Any]:
    return await _move(call, asked, ActionType.UNLOCK_DOOR)


async def _move(call: Call, asked: Door, action: ActionType) -> dict[str, Any]:
    view = await find(call, asked.device_id)
    capabilities = view.device.capabilities
    can = capabilities.can_lock if action is ActionType.LOCK_DOOR else capabilities.can_unlock
    if not can:
        word = action.value.partition("_")[0].lower()
        raise ApiError(400, f"device_cannot_{word}", f"The device cannot be {word}ed from afar.")
    attempt = ActionAttempt(
        action_attempt_id=call.new_id(),
        workspace_id=call.workspace_id,
        action_type=action,
        created_at=call.now,
        device_id=view.device.device_id,
    )
    await call.storage.add_attempt(attempt)
    if asked.sync:
        attempt = await until_ended(call, attempt)
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


ENDPOINTS = (
    Endpoint(
        "/devices/get",
        READ,
        Get,
        get_device,
        answer={"device": resources.Device},
        summary="Gets a device by its id or name.",
    ),
    Endpoint(
        "/devices/list",
        READ,
        List,
        list_devices,
        answer={"devices": list[resources.Device], "pagination": resources.Pagination},
        summary="Lists devices, a page at a time.",
    ),
    Endpoint(
        "/locks/get",
        READ,
        Get,
        get_lock,
        answer={"lock": resources.Device, "device": resources.Device},
        summary="Gets a lock by its id or name.",
    ),
    Endpoint(
        "/locks/list",
        READ,
        List,
        list_locks,
        answer={
            "locks": list[resources.Device],
            "devices": list[resources.Device],
            "pagination": resources.Pagination,
        },
        summary="Lists locks, a page at a time.",
    ),
    Endpoint(
        "/locks/lock_door",
        CREATE,
        Door,
        lock_door,
        answer={"action_attempt": resources.ActionAttempt},
        summary="Locks a door.",
    ),
    Endpoint(
        "/locks/unlock_door",
        CREATE,
        Door,
        unlock_door,
        answer={"action_attempt": resources.ActionAttempt},
        summary="Unlocks a door.",
    ),
)
