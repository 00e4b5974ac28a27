"""/access_codes: the wish for a code, its changes, and how far it has come."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api import serializers as show
from latchwork.api.attempts import until_code
from latchwork.api.endpoint import CREATE, DELETE, READ, UPDATE, Call, Endpoint, page_of, page_size
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.access_code import AccessCode, CodeStatus, CodeType
from latchwork.domain.commands import (
    Changes,
    Command,
    NewCode,
    changed_code,
    deleted_code,
    new_code,
)
from latchwork.domain.constraints import Violation, name_violations, violations
from latchwork.domain.device import Device
from latchwork.domain.generate import generate_pin
from latchwork.domain.pin import Pin
from latchwork.storage.interface import (
    CodeFilter,
    CodeView,
    DeviceView,
    Duplicate,
    Page,
    StaleTokenError,
)

Name = Annotated[str, msgspec.Meta(max_length=128)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
TypeName = Literal["ongoing", "time_bound", "timebound"]
TRIES = 8
"""How often a change is applied anew when another change came between."""

NEEDS_PINS = frozenset(("pin_code_matches_existing_set", "unique_first_four_digits"))


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


class Get(msgspec.Struct):
    access_code_id: str | None = None
    device_id: str | None = None
    code: str | None = None


class List(msgspec.Struct):
    device_id: str | None = None
    access_code_ids: list[str] | None = None
    search: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    customer_key: str | None = None
    user_identifier_key: str | None = None
    access_grant_id: str | None = None
    access_grant_key: str | None = None
    access_method_id: str | None = None


class Generate(msgspec.Struct):
    device_id: str


async def create(call: Call, asked: Create) -> dict[str, Any]:
    view = await programmable(call, asked.device_id)
    if asked.use_offline_access_code or asked.is_offline_access_code or asked.is_one_time_use:
        raise invalid("This device has no offline or one-time access codes.")
    if asked.attempt_for_offline_device is False and not view.device.online:
        raise ApiError(400, "device_offline", "The device is offline; nothing was attempted.")
    starts_at = instant("starts_at", asked.starts_at)
    ends_at = instant("ends_at", asked.ends_at)
    _check_type(asked.type, has_end=ends_at is not None)
    await _check_name(call, asked.name, view.device)
    if asked.code is not None:
        start = starts_at or (call.now if ends_at is not None else None)
        existing = await _existing(call, view.device)
        _refuse(
            violations(
                asked.code, view.device.capabilities, existing=existing, starts_at=start,
                now=call.now,
            )
        )  # fmt: skip
    wish = NewCode(
        pin=Pin(asked.code or ""),
        name=asked.name,
        starts_at=starts_at,
        ends_at=ends_at,
        allow_external_modification=_allowed(asked) or False,
        prefer_native_scheduling=asked.prefer_native_scheduling is not False,
        attempt_for_offline_device=asked.attempt_for_offline_device is not False,
        common_code_key=asked.common_code_key,
    )
    command = await _store_new(call, asked, wish, view)
    code = command.code
    if asked.sync:
        await until_code(call, code.access_code_id, lambda c: c.status is CodeStatus.SET)
        found = await _find(call, code.access_code_id)
    else:
        found = CodeView(code=code, device=view.device, account=view.account, entry=None)
    return {
        "action_attempt": show.action_attempt(command.attempt, pending=True),
        "access_code": show.access_code(found, call.now),
        "ok": True,
    }


async def _store_new(call: Call, asked: Create, wish: NewCode, view: DeviceView) -> Command:
    """Stores the wish; one without a PIN gets a generated one, and another when that was taken
    in the same moment."""
    for _ in range(TRIES):
        if asked.code is None:
            pin = await _generated(call, view.device, asked.preferred_code_length)
            wish = msgspec.structs.replace(wish, pin=pin)
        command = new_code(wish, view.device, view.account, call.now, call.new_id)
        duplicate = await call.storage.create_code(
            command.code, command.attempt, command.events, command.due_at
        )
        if duplicate is None:
            return command
        if asked.code is not None:
            raise _duplicate(duplicate)
    raise ApiError(503, "service_unavailable", "No free PIN could be found; try again.")


async def _generated(call: Call, device: Device, length: float | None) -> Pin:
    taken = await call.storage.pins_on(device.device_id)
    return generate_pin(
        device.capabilities,
        frozenset(taken),
        None if length is None else int(length),
        call.deps.randbelow,
    )


async def programmable(call: Call, device_id: str) -> DeviceView:
    """The device, or why no code can be put on it."""
    view = await call.storage.device(call.workspace_id, device_id=device_id)
    if view is None or view.device.removed:
        raise not_found("device")
    if not view.device.capabilities.access_codes:
        raise ApiError(
            400,
            "device_does_not_support_access_codes",
            "The device does not support access codes (can_program_online_access_codes is false).",
        )
    return view


async def _existing(call: Call, device: Device, but: AccessCode | None = None) -> list[Pin]:
    """The PINs on the lock, where one of its rules asks for them."""
    if not any(c.constraint_type in NEEDS_PINS for c in device.capabilities.constraints):
        return []
    pins = await call.storage.pins_on(device.device_id)
    return [pin for pin in pins if but is None or pin != but.pin]


async def _check_name(call: Call, name: str | None, device: Device) -> None:
    constraints = {c.constraint_type for c in device.capabilities.constraints}
    if name is None or not constraints & {"name_length", "name_must_be_unique"}:
        return
    names: list[str] = []
    if "name_must_be_unique" in constraints:
        where = CodeFilter(device_id=device.device_id)
        page = await call.storage.codes(call.workspace_id, where, limit=1000, cursor=None)
        names = [view.code.name for view in page.items if view.code.name is not None]
    _refuse(name_violations(name, device.capabilities, names), "name")


def _refuse(broken: tuple[Violation, ...], field: str = "code") -> None:
    if broken:
        raise ApiError(
            400,
            "invalid_input",
            " ".join(violation.message for violation in broken),
            data={"violated_constraints": [violation.rule for violation in broken]},
            validation={field: [violation.message for violation in broken]},
        )


def _duplicate(duplicate: Duplicate) -> ApiError:
    data = {"conflicting_access_code_id": duplicate.access_code_id} if (
        duplicate.access_code_id
    ) else {"conflicting_unmanaged_access_code_id": duplicate.unmanaged_access_code_id}  # fmt: skip
    return ApiError(
        409,
        "duplicate_access_code",
        "The device already has an access code with this PIN in an overlapping time frame.",
        data=data,
    )


def _check_type(name: str | None, *, has_end: bool) -> None:
    if name is None:
        return
    if name == "ongoing" and has_end:
        raise invalid("An ongoing access code has no ends_at.", ends_at="Not for ongoing codes")
    if name != "ongoing" and not has_end:
        raise invalid("A time-bound access code needs ends_at.", ends_at="Required")


def _allowed(asked: Create | Update) -> bool | None:
    if asked.allow_external_modification is None:
        return asked.is_external_modification_allowed
    return asked.allow_external_modification


async def update(call: Call, asked: Update) -> dict[str, Any]:
    for _ in range(TRIES):
        view = await _find(call, asked.access_code_id, asked.device_id)
        changes = await _changes(call, asked, view)
        command = changed_code(view.code, changes, call.now, call.new_id)
        try:
            duplicate = await call.storage.update_code(
                command.code, command.attempt, command.events, command.due_at
            )
        except StaleTokenError:
            continue
        if duplicate is not None:
            raise _duplicate(duplicate)
        return await _commanded(call, command, wait=asked.sync)
    raise _contended()


async def _changes(call: Call, asked: Update, view: CodeView) -> Changes:
    device = view.device
    if asked.is_managed is False:
        raise invalid("An access code cannot be made unmanaged.", is_managed="Must be true")
    if isinstance(asked.name, str):
        await _check_name(call, asked.name, device)
    if asked.code is not None:
        existing = await _existing(call, device, view.code)
        _refuse(violations(asked.code, device.capabilities, existing=existing))
    allowed = _allowed(asked)
    offline = asked.attempt_for_offline_device
    return Changes(
        pin=UNSET if asked.code is None else Pin(asked.code),
        name=asked.name,
        starts_at=_instant_or_unset("starts_at", asked.starts_at),
        ends_at=_instant_or_unset("ends_at", asked.ends_at),
        type=UNSET
        if asked.type is None
        else CodeType.ONGOING
        if asked.type == "ongoing"
        else CodeType.TIME_BOUND,
        allow_external_modification=UNSET if allowed is None else allowed,
        attempt_for_offline_device=UNSET if offline is None else offline,
    )


def _instant_or_unset(name: str, text: str | UnsetType | None) -> Any:
    return UNSET if text is UNSET else instant(name, text)


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    for _ in range(TRIES):
        view = await _find(call, asked.access_code_id, asked.device_id)
        command = deleted_code(view.code, call.now, call.new_id)
        try:
            await call.storage.update_code(
                command.code, command.attempt, command.events, command.due_at
            )
        except StaleTokenError:
            continue
        return await _commanded(call, command, wait=asked.sync)
    raise _contended()


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


def _contended() -> ApiError:
    return ApiError(
        409, "conflict", "The access code is being changed by others at once; try again."
    )


async def _find(call: Call, access_code_id: str, device_id: str | None = None) -> CodeView:
    view = await call.storage.code(call.workspace_id, access_code_id=access_code_id)
    if view is None or (device_id is not None and view.code.device_id != device_id):
        raise not_found("access_code")
    return view


async def get(call: Call, asked: Get) -> dict[str, Any]:
    if asked.access_code_id is not None:
        view = await _find(call, asked.access_code_id, asked.device_id)
    elif asked.device_id is not None and asked.code is not None:
        found = await call.storage.code(
            call.workspace_id, device_id=asked.device_id, pin=Pin(asked.code)
        )
        if found is None:
            raise not_found("access_code")
        view = found
    else:
        raise invalid(
            "Name an access code by access_code_id, or by device_id and code.",
            access_code_id="Required",
        )
    return {"access_code": show.access_code(view, call.now), "ok": True}


async def list_(call: Call, asked: List) -> dict[str, Any]:
    unknown = (
        asked.customer_key, asked.user_identifier_key, asked.access_grant_id,
        asked.access_grant_key, asked.access_method_id,
    )  # fmt: skip
    page: Page[CodeView] = Page(())
    if not any(unknown):
        if asked.device_id is not None and (
            await call.storage.device(call.workspace_id, device_id=asked.device_id) is None
        ):
            raise not_found("device")
        ids = None if asked.access_code_ids is None else tuple(asked.access_code_ids)
        where = CodeFilter(device_id=asked.device_id, access_code_ids=ids, search=asked.search)
        page = await call.storage.codes(
            call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
        )
    return {
        "access_codes": [show.access_code(view, call.now) for view in page.items],
        "pagination": page_of("/access_codes/list", call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def generate_code(call: Call, asked: Generate) -> dict[str, Any]:
    view = await programmable(call, asked.device_id)
    pin = await _generated(call, view.device, None)
    return {"generated_code": show.generated_code(view.device, pin.reveal()), "ok": True}


ENDPOINTS = (
    Endpoint("/access_codes/create", CREATE, Create, create),
    Endpoint("/access_codes/get", READ, Get, get),
    Endpoint("/access_codes/list", READ, List, list_),
    Endpoint("/access_codes/update", UPDATE, Update, update),
    Endpoint("/access_codes/delete", DELETE, Named, delete),
    Endpoint("/access_codes/generate_code", READ, Generate, generate_code),
)
