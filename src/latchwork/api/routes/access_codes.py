"""/access_codes: the wish for a code, its changes, its end."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api import code_serializers as show_code
from latchwork.api import serializers as show
from latchwork.api.attempts import until_code
from latchwork.api.codes import (
    TRIES,
    Key,
    Name,
    TypeName,
    changed,
    check_pin,
    check_reachable,
    check_type,
    device_of,
    duplicate_error,
    find,
    generated,
    instant_or_unset,
    programmable,
)
from latchwork.api.endpoint import CREATE, DELETE, UPDATE, Call, Endpoint
from latchwork.api.errors import ApiError, invalid
from latchwork.api.offline import new_offline
from latchwork.api.parsing import instant
from latchwork.api.resources import AccessCode, ActionAttempt
from latchwork.domain.access_code import CodeStatus, CodeType
from latchwork.domain.backup import supports_pool
from latchwork.domain.commands import (
    Changes,
    Command,
    NewCode,
    changed_code,
    deleted_code,
    new_code,
)
from latchwork.domain.pin import Pin
from latchwork.domain.timing import program_from
from latchwork.storage.interface import CodeFilter, CodeView, DeviceView


class Create(msgspec.Struct):
    device_id: str
    name: Name | None = None
    code: str | None = None
    type: TypeName | None = None
    starts_at: str | None = None
    ends_at: str | None = None
    common_code_key: Key | None = None
    preferred_code_length: float | None = None
    attempt_for_offline_device: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    prefer_native_scheduling: bool | None = None
    use_backup_access_code_pool: bool | None = None
    use_offline_access_code: bool | None = None
    is_offline_access_code: bool | None = None
    is_one_time_use: bool | None = None
    max_time_rounding: Literal["1hour", "1day", "1h", "1d"] | None = None
    sync: bool | None = None


class Update(msgspec.Struct):
    access_code_id: str
    device_id: str | None = None
    name: Name | UnsetType | None = UNSET
    code: str | None = None
    type: TypeName | None = None
    starts_at: str | UnsetType | None = UNSET
    ends_at: str | UnsetType | None = UNSET
    attempt_for_offline_device: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    is_managed: bool | None = None
    sync: bool | None = None


class Named(msgspec.Struct):
    access_code_id: str
    device_id: str | None = None
    sync: bool | None = None


async def create(call: Call, asked: Create) -> dict[str, Any]:
    offline = asked.is_offline_access_code or asked.use_offline_access_code
    if offline or asked.is_one_time_use:
        view = await device_of(call, asked.device_id)
        command = new_offline(call, view, asked)
        await call.storage.create_codes([command])
    else:
        view = await programmable(call, asked.device_id)
        command = await _programmed(call, asked, view)
    code = command.code
    found = CodeView(code=code, device=view.device, account=view.account, entry=None)
    if asked.sync and program_from(code, view.device, view.account) <= call.now:
        await until_code(call, code.access_code_id, lambda c: c.status is not CodeStatus.SETTING)
        found = await find(call, code.access_code_id)
    return {
        "action_attempt": show.action_attempt(command.attempt, pending=True),
        "access_code": show_code.access_code(found, call.now),
        "ok": True,
    }


async def _programmed(call: Call, asked: Create, view: DeviceView) -> Command:
    check_reachable(view, asked.attempt_for_offline_device)
    starts_at = instant("starts_at", asked.starts_at)
    ends_at = instant("ends_at", asked.ends_at)
    check_type(asked.type, has_end=ends_at is not None)
    check_pool(view, asked.use_backup_access_code_pool)
    pin = await _given_pin(call, asked)
    if pin is not None:
        start = starts_at or (call.now if ends_at is not None else None)
        await check_pin(call, view.device, pin, starts_at=start)
    wish = NewCode(
        pin=Pin(pin or ""),
        name=asked.name,
        starts_at=starts_at,
        ends_at=ends_at,
        allow_external_modification=_allowed(asked) or False,
        prefer_native_scheduling=asked.prefer_native_scheduling is not False,
        attempt_for_offline_device=asked.attempt_for_offline_device is not False,
        common_code_key=asked.common_code_key,
        use_backup_pool=asked.use_backup_access_code_pool or False,
    )
    return await _store_new(call, asked, wish, view)


def check_pool(view: DeviceView, wanted: bool | None) -> None:
    if wanted and not supports_pool(view.device.capabilities):
        text = "The device keeps no backup codes (supports_backup_access_code_pool is false)."
        raise invalid(text, use_backup_access_code_pool=text)


async def _given_pin(call: Call, asked: Create) -> str | None:
    """The caller's, or that of the codes that share its key."""
    if asked.common_code_key is None:
        return asked.code
    where = CodeFilter(common_code_key=asked.common_code_key)
    page = await call.storage.codes(call.workspace_id, where, limit=1, cursor=None)
    shared = next((view.code.pin.reveal() for view in page.items), None)
    if shared is not None and asked.code not in (None, shared):
        text = "Codes with the same common_code_key have the same PIN: leave code out."
        raise invalid(text, code=text)
    return asked.code or shared


async def _store_new(call: Call, asked: Create, wish: NewCode, view: DeviceView) -> Command:
    """Stores the wish; one without a PIN gets a generated one, and another when that was taken
    in the same moment."""
    is_given = len(wish.pin) > 0
    for _ in range(TRIES):
        if not is_given:
            pin = await generated(call, view.device, asked.preferred_code_length)
            wish = msgspec.structs.replace(wish, pin=pin)
        command = new_code(wish, view.device, view.account, call.now, call.new_id)
        [duplicate] = await call.storage.create_codes([command])
        if duplicate is None:
            return command
        if is_given:
            raise duplicate_error(duplicate)
    raise ApiError(503, "service_unavailable", "No free PIN could be found; try again.")


def _allowed(asked: Create | Update) -> bool | None:
    if asked.allow_external_modification is None:
        return asked.is_external_modification_allowed
    return asked.allow_external_modification


async def update(call: Call, asked: Update) -> dict[str, Any]:
    async def make() -> list[Command]:
        view = await find(call, asked.access_code_id, asked.device_id)
        changes = await _changes(call, asked, view)
        return [changed_code(view.code, changes, call.now, call.new_id)]

    [command] = await changed(call, make)
    return await _commanded(call, command, wait=asked.sync)


async def _changes(call: Call, asked: Update, view: CodeView) -> Changes:
    if asked.is_managed is False:
        raise invalid("An access code cannot be made unmanaged.", is_managed="Must be true")
    check_reachable(
        DeviceView(device=view.device, account=view.account), asked.attempt_for_offline_device
    )
    if asked.code is not None:
        await check_pin(call, view.device, asked.code, but=view.code)
    allowed = _allowed(asked)
    offline = asked.attempt_for_offline_device
    return Changes(
        pin=UNSET if asked.code is None else Pin(asked.code),
        name=asked.name,
        starts_at=instant_or_unset("starts_at", asked.starts_at),
        ends_at=instant_or_unset("ends_at", asked.ends_at),
        type=UNSET
        if asked.type is None
        else CodeType.ONGOING
        if asked.type == "ongoing"
        else CodeType.TIME_BOUND,
        allow_external_modification=UNSET if allowed is None else allowed,
        attempt_for_offline_device=UNSET if offline is None else offline,
    )


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    async def make() -> list[Command]:
        view = await find(call, asked.access_code_id, asked.device_id)
        return [deleted_code(view.code, call.now, call.new_id)]

    [command] = await changed(call, make)
    return await _commanded(call, command, wait=asked.sync)


async def _commanded(call: Call, command: Command, *, wait: bool | None) -> dict[str, Any]:
    attempt, code_id = command.attempt, command.code.access_code_id
    if wait:
        generation = command.code.generation
        await until_code(
            call,
            code_id,
            lambda c: (
                c.generation > generation
                or (c.evidence is not None and c.evidence.generation == generation)
            ),
        )
        attempt = (
            await call.storage.attempt(call.workspace_id, attempt.action_attempt_id) or attempt
        )
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


ENDPOINTS = (
    Endpoint(
        "/access_codes/create",
        CREATE,
        Create,
        create,
        answer={"action_attempt": ActionAttempt, "access_code": AccessCode},
        summary="Wishes for a code on a lock.",
    ),
    Endpoint(
        "/access_codes/update",
        UPDATE,
        Update,
        update,
        answer={"action_attempt": ActionAttempt},
        summary="Changes a code's PIN, name or time frame.",
    ),
    Endpoint(
        "/access_codes/delete",
        DELETE,
        Named,
        delete,
        answer={"action_attempt": ActionAttempt},
        summary="Takes a code off its lock.",
    ),
)
