"""/access_codes/create_multiple and update_multiple: one PIN on several locks."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api import code_serializers as show_code
from latchwork.api.codes import (
    TRIES,
    Key,
    Name,
    changed,
    check_pin,
    check_reachable,
    duplicate_error,
    generated,
    instant_or_unset,
    programmable,
)
from latchwork.api.endpoint import UPDATE, Call, Endpoint
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.api.resources import AccessCode
from latchwork.api.routes.access_codes import check_pool
from latchwork.domain.commands import Changes, Command, NewCode, changed_code, new_code
from latchwork.domain.linking import Door, share
from latchwork.domain.pin import Pin
from latchwork.storage.interface import CodeFilter, CodeView, DeviceView

MOST = 100
"""Devices in one request."""


class CreateMultiple(msgspec.Struct):
    device_ids: list[str]
    behavior_when_code_cannot_be_shared: Literal["throw", "create_random_code"] = "throw"
    preferred_code_length: float | None = None
    name: Name | None = None
    code: str | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    attempt_for_offline_device: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    prefer_native_scheduling: bool | None = None
    use_backup_access_code_pool: bool | None = None


class UpdateMultiple(msgspec.Struct):
    common_code_key: Key
    name: Name | UnsetType | None = UNSET
    starts_at: str | UnsetType | None = UNSET
    ends_at: str | UnsetType | None = UNSET


async def create_multiple(call: Call, asked: CreateMultiple) -> dict[str, Any]:
    """All codes are stored, or none. Codes with a generated PIN are linked by a key; a PIN of the
    caller's choice links nothing."""
    views = await _devices(call, asked)
    wish = _wish(asked)
    alone: set[str] = set()
    """Devices that turned out to have the caller's PIN already."""
    for _ in range(TRIES):
        wishes = await _wishes(call, asked, wish, views, alone)
        commands = [
            new_code(one, view.device, view.account, call.now, call.new_id)
            for one, view in zip(wishes, views, strict=True)
        ]
        duplicates = await call.storage.create_codes(commands)
        if not any(duplicates):
            return {"access_codes": _shown(call, commands, views), "ok": True}
        for command, duplicate in zip(commands, duplicates, strict=True):
            if duplicate is None or asked.code is None:
                continue
            if asked.behavior_when_code_cannot_be_shared == "throw":
                raise duplicate_error(duplicate)
            alone.add(command.code.device_id)
    raise ApiError(503, "service_unavailable", "No free PIN could be found; try again.")


async def _devices(call: Call, asked: CreateMultiple) -> list[DeviceView]:
    ids = list(dict.fromkeys(asked.device_ids))
    if not ids or len(ids) > MOST:
        raise invalid(f"Name from 1 to {MOST} devices.", device_ids=f"From 1 to {MOST}")
    views = [await programmable(call, device_id) for device_id in ids]
    for view in views:
        check_reachable(view, asked.attempt_for_offline_device)
        check_pool(view, asked.use_backup_access_code_pool)
    return views


def _wish(asked: CreateMultiple) -> NewCode:
    allowed = asked.allow_external_modification
    if allowed is None:
        allowed = asked.is_external_modification_allowed
    return NewCode(
        pin=Pin(""),
        name=asked.name,
        starts_at=instant("starts_at", asked.starts_at),
        ends_at=instant("ends_at", asked.ends_at),
        allow_external_modification=allowed or False,
        prefer_native_scheduling=asked.prefer_native_scheduling is not False,
        attempt_for_offline_device=asked.attempt_for_offline_device is not False,
        use_backup_pool=asked.use_backup_access_code_pool or False,
    )


async def _wishes(
    call: Call,
    asked: CreateMultiple,
    wish: NewCode,
    views: list[DeviceView],
    alone: set[str],
) -> list[NewCode]:
    """The wish with each device's PIN: the shared one, or one of its own."""
    if asked.code is not None:
        shared, key = Pin(asked.code), None
        members = await _takers(call, asked, wish, views, alone)
    else:
        shared, members = await _generate_shared(call, asked, views)
        key = call.new_id()
    wishes = []
    for view in views:
        if view.device.device_id in members:
            pin, common = shared, key
        else:
            pin = await generated(call, view.device, asked.preferred_code_length)
            common = None
        wishes.append(msgspec.structs.replace(wish, pin=pin, common_code_key=common))
    return wishes


async def _takers(
    call: Call,
    asked: CreateMultiple,
    wish: NewCode,
    views: list[DeviceView],
    alone: set[str],
) -> set[str]:
    """The devices that take the caller's PIN; all must unless random codes are welcome."""
    start = wish.starts_at or (call.now if wish.ends_at is not None else None)
    takers = set()
    for view in views:
        try:
            await check_pin(call, view.device, asked.code or "", starts_at=start)
        except ApiError:
            if asked.behavior_when_code_cannot_be_shared == "throw":
                raise
            continue
        takers.add(view.device.device_id)
    return takers - alone


async def _generate_shared(
    call: Call, asked: CreateMultiple, views: list[DeviceView]
) -> tuple[Pin, set[str]]:
    doors = [
        Door(view.device.code_rules, frozenset(await call.storage.pins_on(view.device.device_id)))
        for view in views
    ]
    found = share(
        doors,
        None if asked.preferred_code_length is None else int(asked.preferred_code_length),
        call.deps.randbelow,
        by_all=asked.behavior_when_code_cannot_be_shared == "throw",
    )
    return found.pin, {views[place].device.device_id for place in found.by}


def _shown(call: Call, commands: list[Command], views: list[DeviceView]) -> list[dict[str, Any]]:
    return [
        show_code.access_code(
            CodeView(code=command.code, device=view.device, account=view.account, entry=None),
            call.now,
        )
        for command, view in zip(commands, views, strict=True)
    ]


async def update_multiple(call: Call, asked: UpdateMultiple) -> dict[str, Any]:
    """All codes of the key are changed, or none."""

    async def make() -> list[Command]:
        where = CodeFilter(common_code_key=asked.common_code_key)
        page = await call.storage.codes(call.workspace_id, where, limit=1000, cursor=None)
        standing = [v.code for v in page.items if not v.code.is_leaving(call.now)]
        if not standing:
            raise not_found("access_code")
        changes = Changes(
            name=asked.name,
            starts_at=instant_or_unset("starts_at", asked.starts_at),
            ends_at=instant_or_unset("ends_at", asked.ends_at),
        )
        return [changed_code(code, changes, call.now, call.new_id) for code in standing]

    await changed(call, make)
    return {"ok": True}


ENDPOINTS = (
    Endpoint(
        "/access_codes/create_multiple",
        ("PUT", "POST"),
        CreateMultiple,
        create_multiple,
        answer={"access_codes": list[AccessCode]},
        summary="Wishes for codes with one PIN on several locks.",
    ),
    Endpoint(
        "/access_codes/update_multiple",
        UPDATE,
        UpdateMultiple,
        update_multiple,
        answer={},
        summary="Changes the name or time frame of linked codes.",
    ),
)
