"""Locks: all of them, and one of them with what is wished beside what is there."""

from typing import Final

from starlette.responses import Response

from latchwork.api.device_serializers import device_errors, shown_problem
from latchwork.api.endpoint import LARGEST_PAGE
from latchwork.api.routes.devices import find as find_device
from latchwork.console import simulating, times
from latchwork.console.positions import places
from latchwork.console.rendering import page, to
from latchwork.console.routing import Route
from latchwork.console.telling import told_of
from latchwork.console.visit import Visit
from latchwork.console.words import look_of_lock
from latchwork.domain import events
from latchwork.domain.constraints import rules_of_pins
from latchwork.domain.device import Device
from latchwork.storage.interface import CodeFilter, DeviceView, EventFilter, UnmanagedFilter

LOCKS: Final = 48
HISTORY: Final = 12
OPENINGS: Final = (events.LOCK_UNLOCKED, events.LOCK_LOCKED, events.LOCK_ACCESS_DENIED)
BOLT: Final = {"lock": "/locks/lock_door", "unlock": "/locks/unlock_door"}


async def all_locks(visit: Visit) -> Response:
    search = visit.asked("q")[:100]
    after = visit.asked("after")
    found = await visit.storage.locks_at_a_glance(
        visit.workspace_id,
        limit=LOCKS,
        offset=min(int(after), 1_000_000) if after.isdecimal() else 0,
        search=search or None,
    )
    locks = [(lock, look_of_lock(lock)) for lock in found.items]
    return page(visit, "locks.html", locks=locks, search=search, next_after=found.next_cursor)


async def find(visit: Visit, device_id: str) -> DeviceView:
    """404, in the API's words, for a lock that is not there."""
    return await find_device(visit.call("/devices/get"), device_id, is_managed=None)


async def lock(visit: Visit) -> Response:
    view = await find(visit, visit.names["device_id"])
    device, storage, workspace_id = view.device, visit.storage, visit.workspace_id
    codes = await storage.codes(
        workspace_id, CodeFilter(device_id=device.device_id), limit=LARGEST_PAGE, cursor=None
    )
    others = await storage.unmanaged_codes(
        workspace_id,
        UnmanagedFilter(device_id=device.device_id),
        limit=LARGEST_PAGE,
        cursor=None,
    )
    history = await storage.events(
        workspace_id,
        EventFilter(device_ids=(device.device_id,), event_types=OPENINGS),
        limit=HISTORY,
        cursor=None,
    )
    glances = await storage.locks_at_a_glance(workspace_id, limit=1, device_id=device.device_id)
    return page(
        visit,
        "lock.html",
        zone=times.zone_of(device.zone, visit.zone.key),
        device=device,
        account=view.account,
        look=look_of_lock(glances.items[0]) if glances.items else None,
        problems=_problems(view),
        rows=places(codes.items, others.items, visit.now),
        has_more=codes.next_cursor is not None,
        room=_room(device, len(others.items) + sum(v.entry is not None for v in codes.items)),
        rules=rules_of_pins(device.code_rules) if device.capabilities.access_codes else (),
        history=await told_of(visit, history.items),
        faults=simulating.FAULTS if _is_simulated(visit, view) else None,
    )


def _problems(view: DeviceView) -> list[dict[str, object]]:
    errors = device_errors(view.device, view.account)
    return [*errors, *(shown_problem(p, "warning_code") for p in view.device.warnings)]


def _room(device: Device, taken: int) -> str:
    return f"{taken} of {device.capabilities.room:,}"


def _is_simulated(visit: Visit, view: DeviceView) -> bool:
    return visit.workspace.is_sandbox and view.account.provider == simulating.SIMULATOR


async def bolt(visit: Visit) -> Response:
    device_id = visit.names["device_id"]
    await visit.ask(BOLT[visit.names["way"]], device_id=device_id)
    return to(f"/locks/{device_id}", "door")


async def name(visit: Visit) -> Response:
    device_id = visit.names["device_id"]
    wanted = visit.typed.get("name", "").strip()
    await visit.ask("/devices/update", device_id=device_id, name=wanted or None)
    return to(f"/locks/{device_id}", "saved")


async def convert(visit: Visit) -> Response:
    device_id = visit.names["device_id"]
    await visit.ask(
        "/access_codes/unmanaged/convert_to_managed",
        access_code_id=visit.names["code_id"],
        force=visit.typed.get("force") == "on",
    )
    return to(f"/locks/{device_id}", "converting")


async def remove(visit: Visit) -> Response:
    device_id = visit.names["device_id"]
    code_id = visit.names["code_id"]
    await visit.ask("/access_codes/unmanaged/delete", access_code_id=code_id)
    return to(f"/locks/{device_id}", "removing")


async def simulate(visit: Visit) -> Response:
    device_id = visit.names["device_id"]
    path, values = simulating.asked(device_id, visit.typed)
    await visit.ask(path, **values)
    gone = path == "/devices/simulate/remove"
    return to("/locks" if gone else f"/locks/{device_id}", "done")


_ONE: Final = "/locks/{device_id}"
ROUTES: Final = (
    Route("GET", "/locks", all_locks),
    Route("GET", _ONE, lock),
    Route("POST", f"{_ONE}/bolt/{{way}}", bolt),
    Route("POST", f"{_ONE}/name", name),
    Route("POST", f"{_ONE}/others/{{code_id}}/convert", convert),
    Route("POST", f"{_ONE}/others/{{code_id}}/delete", remove),
    Route("POST", f"{_ONE}/simulate", simulate),
)
