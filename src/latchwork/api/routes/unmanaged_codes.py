"""/access_codes/unmanaged: codes that another hand put on a lock."""

from typing import Annotated, Any

import msgspec

from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.attempts import PATIENCE, STEP, until_ended
from latchwork.api.endpoint import CREATE, DELETE, READ, Call, Endpoint, page_of, page_size
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.routes.devices import find as find_device
from latchwork.api.routes.simulate import simulated
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.constraints import CANNOT_SPECIFY, START_IN_FUTURE, violations
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.storage.interface import Page, UnmanagedFilter, UnmanagedView

CHANGE = ("POST", "PATCH")
OF_NEW_CODES = frozenset((CANNOT_SPECIFY, START_IN_FUTURE))
"""Rules that a code which stands on the lock cannot break any more."""


class Get(msgspec.Struct):
    access_code_id: str | None = None
    device_id: str | None = None
    code: str | None = None


class List(msgspec.Struct):
    device_id: str
    search: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    user_identifier_key: str | None = None


class Convert(msgspec.Struct):
    access_code_id: str
    force: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None
    sync: bool | None = None


class Update(msgspec.Struct):
    access_code_id: str
    is_managed: bool
    force: bool | None = None
    allow_external_modification: bool | None = None
    is_external_modification_allowed: bool | None = None


class Named(msgspec.Struct):
    access_code_id: str
    sync: bool | None = None


class Program(msgspec.Struct):
    device_id: str
    name: Annotated[str, msgspec.Meta(max_length=128)]
    code: Annotated[str, msgspec.Meta(min_length=4, max_length=8)]


async def _find(call: Call, access_code_id: str) -> UnmanagedView:
    found = await call.storage.unmanaged_code(call.workspace_id, access_code_id=access_code_id)
    if found is None:
        raise not_found("access_code")
    return found


async def get(call: Call, asked: Get) -> dict[str, Any]:
    if asked.access_code_id is not None:
        view = await _find(call, asked.access_code_id)
    elif asked.device_id is not None and asked.code is not None:
        found = await call.storage.unmanaged_code(
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
    return {"access_code": show.unmanaged_access_code(view, call.now), "ok": True}


async def list_(call: Call, asked: List) -> dict[str, Any]:
    await find_device(call, asked.device_id)
    page: Page[UnmanagedView] = Page(())
    if asked.user_identifier_key is None:
        where = UnmanagedFilter(device_id=asked.device_id, search=asked.search)
        page = await call.storage.unmanaged_codes(
            call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
        )
    return {
        "access_codes": [show.unmanaged_access_code(view, call.now) for view in page.items],
        "pagination": page_of(call.path, call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


async def convert_to_managed(call: Call, asked: Convert) -> dict[str, Any]:
    """Stores the wish; the engine reads the lock and takes the code over as it stands."""
    if await call.storage.code(call.workspace_id, access_code_id=asked.access_code_id):
        return {"ok": True}
    view = await _find(call, asked.access_code_id)
    await _check_convertible(call, view, force=asked.force or False)
    allowed = asked.allow_external_modification
    if allowed is None:
        allowed = asked.is_external_modification_allowed
    attempt = await _wish(
        call, view, ActionType.CONVERT_TO_MANAGED, allow_external_modification=allowed or False
    )
    if asked.sync:
        ended = await until_ended(call, attempt)
        if ended.status is AttemptStatus.ERROR:
            raise ApiError(
                400, ended.error_type or "failed_to_convert", ended.error_message or "It failed."
            )
    return {"ok": True}


async def _check_convertible(call: Call, view: UnmanagedView, *, force: bool) -> None:
    code, device = view.code, view.device
    if code.pin is None:
        raise ApiError(
            400,
            "access_code_cannot_be_managed",
            "The lock hides the PIN of this code, so it cannot be managed (cannot_be_managed).",
        )
    if not code.is_manageable:
        raise ApiError(
            400,
            "access_code_cannot_be_managed",
            "The code's schedule has a beginning and no end, which codes of Latchwork never have "
            "(cannot_be_managed).",
        )
    window = code.window or Window()
    if window.has_ended(call.now):
        raise ApiError(400, "access_code_ended", "The code's time frame has ended.")
    same = await call.storage.code(call.workspace_id, device_id=device.device_id, pin=code.pin)
    if same is not None and same.code.window.overlaps(window):
        raise ApiError(
            409,
            "duplicate_access_code",
            "The device has a managed access code with this PIN in an overlapping time frame.",
            data={"conflicting_access_code_id": same.code.access_code_id},
        )
    broken = [
        violation
        for violation in violations(code.pin.reveal(), device.capabilities)
        if violation.rule not in OF_NEW_CODES
    ]
    if broken and not force:
        raise ApiError(
            400,
            "invalid_input",
            " ".join(violation.message for violation in broken)
            + " Such a code could not be set again once it is removed; convert it with force.",
            data={"violated_constraints": [violation.rule for violation in broken]},
        )


async def update(call: Call, asked: Update) -> dict[str, Any]:
    if asked.is_managed:
        return await convert_to_managed(
            call,
            Convert(
                access_code_id=asked.access_code_id,
                force=asked.force,
                allow_external_modification=asked.allow_external_modification,
                is_external_modification_allowed=asked.is_external_modification_allowed,
            ),
        )
    await _find(call, asked.access_code_id)
    return {"ok": True}


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    view = await _find(call, asked.access_code_id)
    if view.code.pin is None:
        raise ApiError(
            400,
            "unmanaged_access_code_cannot_be_deleted",
            "The lock hides the PIN of this code, so nothing could show that what would be removed "
            "is still this code (cannot_delete_unmanaged_access_code). Remove it at the lock.",
        )
    attempt = await _wish(call, view, ActionType.DELETE_UNMANAGED)
    if asked.sync:
        attempt = await until_ended(call, attempt)
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


async def _wish(call: Call, view: UnmanagedView, kind: ActionType, **values: bool) -> ActionAttempt:
    attempt = ActionAttempt(
        action_attempt_id=call.new_id(),
        workspace_id=call.workspace_id,
        action_type=kind,
        created_at=call.now,
        device_id=view.device.device_id,
        values={"unmanaged_access_code_id": view.code.unmanaged_access_code_id, **values},
    )
    await call.storage.add_attempt(attempt)
    return attempt


async def program_by_hand(call: Call, asked: Program) -> dict[str, Any]:
    """Answers once the engine has found what was programmed."""
    device = (await find_device(call, asked.device_id)).device
    if not device.online:
        raise ApiError(400, "device_offline", "The device is offline; nothing was simulated.")
    pin = Pin(asked.code)
    if pin in await call.storage.pins_on(device.device_id):
        raise ApiError(409, "duplicate_access_code", "The device has a code with this PIN already.")
    values = {"action": "program_by_hand", "code": asked.code, "name": asked.name, "told": True}
    await simulated(call, asked.device_id, values)
    for _ in range(int(PATIENCE / STEP)):
        found = await _programmed(call, device.device_id, pin)
        if found is not None:
            return {"access_code": show.unmanaged_access_code(found, call.now), "ok": True}
        await call.deps.sleep(STEP)
    raise ApiError(503, "service_unavailable", "The lock did not tell of the code in time.")


async def _programmed(call: Call, device_id: str, pin: Pin) -> UnmanagedView | None:
    """By its PIN; on a lock that hides PINs, by being new."""
    found = await call.storage.unmanaged_code(call.workspace_id, device_id=device_id, pin=pin)
    if found is not None:
        return found
    newest = await call.storage.unmanaged_codes(
        call.workspace_id, UnmanagedFilter(device_id=device_id), limit=1, cursor=None
    )
    fresh = (v for v in newest.items if v.code.pin is None and v.code.created_at >= call.now)
    return next(fresh, None)


_CODE = {"access_code": resources.UnmanagedAccessCode}

ENDPOINTS = (
    Endpoint(
        "/access_codes/unmanaged/get",
        READ,
        Get,
        get,
        answer=_CODE,
        summary="Gets a code that another hand put on a lock.",
    ),
    Endpoint(
        "/access_codes/unmanaged/list",
        READ,
        List,
        list_,
        answer={
            "access_codes": list[resources.UnmanagedAccessCode],
            "pagination": resources.Pagination,
        },
        summary="Lists the codes that other hands put on a lock, a page at a time.",
    ),
    Endpoint(
        "/access_codes/unmanaged/convert_to_managed",
        CHANGE,
        Convert,
        convert_to_managed,
        answer={},
        summary="Takes over a code that another hand put on a lock, as it stands.",
    ),
    Endpoint(
        "/access_codes/unmanaged/update",
        CHANGE,
        Update,
        update,
        answer={},
        summary="Takes over a code that another hand put on a lock, with is_managed true.",
    ),
    Endpoint(
        "/access_codes/unmanaged/delete",
        DELETE,
        Named,
        delete,
        answer={"action_attempt": resources.ActionAttempt},
        summary="Removes a code that another hand put on a lock.",
    ),
    Endpoint(
        "/access_codes/simulate/create_unmanaged_access_code",
        CREATE,
        Program,
        program_by_hand,
        answer=_CODE,
        summary="Programs a code on a simulated lock by another hand.",
    ),
)
