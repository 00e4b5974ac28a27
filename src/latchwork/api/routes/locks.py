"""/locks: devices once more, and moving the bolt."""

from typing import Annotated, Any

import msgspec

from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.attempts import until_ended
from latchwork.api.endpoint import CREATE, READ, Call, Endpoint, page_of
from latchwork.api.errors import ApiError
from latchwork.api.routes.devices import Get, List, find, page, shown
from latchwork.domain.action_attempt import ActionAttempt, ActionType


class Door(msgspec.Struct):
    device_id: str
    sync: bool | None = None


class AutoLock(msgspec.Struct):
    device_id: str
    auto_lock_enabled: bool
    auto_lock_delay_seconds: Annotated[float, msgspec.Meta(ge=1, le=60)] | None = None


async def get(call: Call, asked: Get) -> dict[str, Any]:
    found = shown(call, await find(call, asked.device_id, asked.name))
    return {"lock": found, "device": found, "ok": True}


async def list_(call: Call, asked: List) -> dict[str, Any]:
    found = await page(call, asked)
    devices = [shown(call, view) for view in found.items]
    return {
        "locks": devices,
        "devices": devices,
        "pagination": page_of(call.path, call, asked.page_cursor, found.next_cursor),
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
    attempt = await _ask(call, asked.device_id, action, {})
    if asked.sync:
        attempt = await until_ended(call, attempt)
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


async def configure_auto_lock(call: Call, asked: AutoLock) -> dict[str, Any]:
    view = await find(call, asked.device_id)
    if not view.device.capabilities.auto_lock:
        raise ApiError(
            400,
            "device_cannot_configure_auto_lock",
            "The device's auto-lock cannot be configured (can_configure_auto_lock is false).",
        )
    values = {"enabled": asked.auto_lock_enabled, "delay": asked.auto_lock_delay_seconds}
    attempt = await _ask(call, asked.device_id, ActionType.CONFIGURE_AUTO_LOCK, values)
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


async def _ask(
    call: Call, device_id: str, action: ActionType, values: dict[str, Any]
) -> ActionAttempt:
    attempt = ActionAttempt(
        action_attempt_id=call.new_id(),
        workspace_id=call.workspace_id,
        action_type=action,
        created_at=call.now,
        device_id=device_id,
        values=values,
    )
    await call.storage.add_attempt(attempt)
    return attempt


_ATTEMPT = {"action_attempt": resources.ActionAttempt}

ENDPOINTS = (
    Endpoint(
        "/locks/get",
        READ,
        Get,
        get,
        answer={"lock": resources.Device, "device": resources.Device},
        summary="Gets a lock by its id or name.",
    ),
    Endpoint(
        "/locks/list",
        READ,
        List,
        list_,
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
        answer=_ATTEMPT,
        summary="Locks a door.",
    ),
    Endpoint(
        "/locks/unlock_door",
        CREATE,
        Door,
        unlock_door,
        answer=_ATTEMPT,
        summary="Unlocks a door.",
    ),
    Endpoint(
        "/locks/configure_auto_lock",
        CREATE,
        AutoLock,
        configure_auto_lock,
        answer=_ATTEMPT,
        summary="Has a lock lock itself some time after it was unlocked, or not.",
    ),
)
