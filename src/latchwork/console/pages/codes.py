"""Codes: all of them, one of them, and the forms that make and change one."""

from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from latchwork.api.codes import check_pin
from latchwork.api.errors import ApiError, from_domain, invalid, not_found
from latchwork.console import times
from latchwork.console.pages.locks import find as find_lock
from latchwork.console.positions import look, shown
from latchwork.console.rendering import page, to
from latchwork.console.routing import Route
from latchwork.console.visit import Visit
from latchwork.domain.backup import supports_pool
from latchwork.domain.constraints import CANNOT_SPECIFY, rules_of_pins
from latchwork.domain.device import Device
from latchwork.domain.errors import LatchworkError
from latchwork.domain.pin import Pin
from latchwork.storage.interface import CodeFilter, CodeView, DeviceFilter, DeviceView

CODES: Final = 50
CHOICES: Final = 500
REVEAL: Final = "reveal_pin"


async def find(visit: Visit) -> CodeView:
    code_id = visit.names["code_id"]
    found = await visit.storage.code(visit.workspace_id, access_code_id=code_id)
    if found is None:
        raise not_found("access_code")
    return found


async def all_codes(visit: Visit) -> Response:
    search = visit.asked("q")[:100]
    found = await visit.storage.codes(
        visit.workspace_id,
        CodeFilter(search=search or None),
        limit=CODES,
        cursor=visit.asked("after") or None,
    )
    codes = [(view, shown(view, visit.now)) for view in found.items]
    return page(
        visit,
        "codes.html",
        codes=[(view, code, look(code)) for view, code in codes],
        search=search,
        next_after=found.next_cursor,
    )


async def code(visit: Visit) -> Response:
    return await _shown_code(visit)


async def _shown_code(visit: Visit, pin: str | None = None) -> Response:
    view = await find(visit)
    found = shown(view, visit.now)
    told = await visit.ask(
        "/access_codes/get_timeline", access_code_id=view.code.access_code_id, limit=30
    )
    return page(
        visit,
        "code.html",
        zone=times.zone_of(view.device.zone, visit.zone.key),
        view=view,
        code=found,
        look=look(found),
        shown_pin=pin,
        story=told["timeline_events"],
    )


async def reveal(visit: Visit) -> Response:
    view = await find(visit)
    await visit.note(
        REVEAL, access_code_id=view.code.access_code_id, device_id=view.device.device_id
    )
    pin = view.code.pin.reveal()
    if visit.is_partial:
        return page(visit, "pin.html", pin=pin)
    return await _shown_code(visit, pin)


async def reveal_other(visit: Visit) -> Response:
    """The PIN of a code that another hand put on a lock."""
    code_id = visit.names["code_id"]
    view = await visit.storage.unmanaged_code(visit.workspace_id, access_code_id=code_id)
    if view is None or view.code.pin is None:
        raise not_found("access_code")
    await visit.note(REVEAL, access_code_id=code_id, device_id=view.device.device_id)
    return page(visit, "pin.html", pin=view.code.pin.reveal())


async def delete(visit: Visit) -> Response:
    code_id = visit.names["code_id"]
    await visit.ask("/access_codes/delete", access_code_id=code_id)
    return to(f"/codes/{code_id}", "deleted")


async def new(visit: Visit) -> Response:
    device_id = visit.asked("device")
    if not device_id:
        where = DeviceFilter(capabilities=(("access_codes", True),))
        found = await visit.storage.devices(visit.workspace_id, where, limit=CHOICES, cursor=None)
        locks = sorted((v.device for v in found.items), key=lambda d: d.name.casefold())
        return page(visit, "choose_lock.html", locks=locks)
    return _form(visit, await find_lock(visit, device_id), {"kind": "window"})


async def create(visit: Visit) -> Response:
    lock = await find_lock(visit, visit.asked("device"))
    try:
        values = _wished(visit, lock.device)
        made = await visit.ask(
            "/access_codes/create",
            device_id=lock.device.device_id,
            code=visit.typed.get("code", "").strip() or None,
            use_backup_access_code_pool=visit.typed.get("pool") == "on",
            **{name: value for name, value in values.items() if value is not None},
        )
    except (ApiError, LatchworkError) as error:
        return _form(visit, lock, visit.typed, error)
    return to(f"/codes/{made['access_code']['access_code_id']}", "created")


async def edit(visit: Visit) -> Response:
    view = await find(visit)
    zone = times.zone_of(view.device.zone, visit.zone.key)
    standing = {
        "name": view.code.name or "",
        "kind": "always" if view.code.ends_at is None else "window",
        "starts_at": times.for_input(view.code.starts_at, zone),
        "ends_at": times.for_input(view.code.ends_at, zone),
        "external": "on" if view.code.allow_external_modification else "",
    }
    return _form(visit, _lock_of(view), standing, view=view)


async def update(visit: Visit) -> Response:
    view = await find(visit)
    code_id = view.code.access_code_id
    try:
        await visit.ask(
            "/access_codes/update",
            access_code_id=code_id,
            code=visit.typed.get("code", "").strip() or None,
            **_wished(visit, view.device, view),
        )
    except (ApiError, LatchworkError) as error:
        return _form(visit, _lock_of(view), visit.typed, error, view=view)
    return to(f"/codes/{code_id}", "updated")


async def check(visit: Visit) -> Response:
    """Which rules of the lock the PIN keeps, as it is typed: judged as the API would."""
    lock = await find_lock(visit, visit.names["device_id"])
    typed = visit.typed.get("code", "").strip()
    code_id = visit.typed.get("access_code_id", "")
    own = await visit.storage.code(visit.workspace_id, access_code_id=code_id) if code_id else None
    broken: list[str] = []
    taken = False
    if typed:
        try:
            await check_pin(
                visit.call("/access_codes/create"),
                lock.device,
                typed,
                but=None if own is None else own.code,
            )
        except ApiError as error:
            broken = list((error.data or {}).get("violated_constraints", ()))
        same = await visit.storage.code(
            visit.workspace_id, device_id=lock.device.device_id, pin=Pin(typed)
        )
        taken = same is not None and (own is None or same.code != own.code)
    return page(
        visit,
        "rules.html",
        rules=rules_of_pins(lock.device.code_rules),
        typed=bool(typed),
        broken=broken,
        taken=taken,
    )


async def suggest(visit: Visit) -> Response:
    """A PIN that the lock takes, for the form to hold."""
    device_id = visit.names["device_id"]
    made = await visit.ask("/access_codes/generate_code", device_id=device_id)
    return page(visit, "pin_field.html", code=made["generated_code"]["code"], device_id=device_id)


def _lock_of(view: CodeView) -> DeviceView:
    return DeviceView(device=view.device, account=view.account)


def _wished(visit: Visit, device: Device, view: CodeView | None = None) -> dict[str, Any]:
    """What the form says, as the API takes it. Times are those of the lock."""
    typed = visit.typed
    zone = times.zone_of(device.zone, visit.zone.key)
    values: dict[str, Any] = {
        "name": typed.get("name", "").strip() or None,
        "allow_external_modification": typed.get("external") == "on",
    }
    if typed.get("kind") == "always":
        if view is None:
            return values
        return {**values, "type": "ongoing", "starts_at": None, "ends_at": None}
    starts_at = times.typed_instant("starts_at", typed.get("starts_at", ""), zone)
    ends_at = times.typed_instant("ends_at", typed.get("ends_at", ""), zone)
    if ends_at is None:
        wrong = "Say when the code shall end, or let it open the lock always."
        raise invalid(wrong, ends_at=wrong)
    return {
        **values,
        "type": "time_bound",
        "starts_at": _unchanged(starts_at, None if view is None else view.code.starts_at),
        "ends_at": _unchanged(ends_at, None if view is None else view.code.ends_at),
    }


def _unchanged(typed: datetime | None, standing: datetime | None) -> str | None:
    """The instant as the API takes it; a field that shows whole minutes moves none that stands."""
    if typed is None:
        return None
    if standing is not None and standing.replace(second=0, microsecond=0) == typed:
        typed = standing
    return typed.isoformat()


def _form(
    visit: Visit,
    lock: DeviceView,
    typed: Any,
    error: Exception | None = None,
    *,
    view: CodeView | None = None,
) -> Response:
    """The form, with what is wrong. A PIN is never filled in again."""
    problem: ApiError | None = None
    if isinstance(error, ApiError):
        problem = error
    elif isinstance(error, LatchworkError):
        problem = from_domain(error)
    device = lock.device
    return page(
        visit,
        "code_form.html",
        200 if problem is None else problem.status,
        zone=times.zone_of(device.zone, visit.zone.key),
        device=device,
        view=view,
        typed=typed,
        problem=None if problem is None else problem.message,
        wrong=set() if problem is None else set(problem.validation or {}),
        rules=rules_of_pins(device.code_rules),
        is_chosen=not any(
            c.constraint_type == CANNOT_SPECIFY for c in device.capabilities.constraints
        ),
        has_pool=view is None and supports_pool(device.capabilities),
    )


_ONE: Final = "/codes/{code_id}"
ROUTES: Final = (
    Route("GET", "/codes", all_codes),
    Route("GET", "/codes/new", new),
    Route("POST", "/codes/new", create),
    Route("GET", _ONE, code),
    Route("GET", f"{_ONE}/edit", edit),
    Route("POST", f"{_ONE}/edit", update),
    Route("POST", f"{_ONE}/delete", delete),
    Route("POST", f"{_ONE}/pin", reveal),
    Route("POST", "/others/{code_id}/pin", reveal_other),
    Route("POST", "/locks/{device_id}/check", check),
    Route("POST", "/locks/{device_id}/suggest", suggest),
)
