"""Events as they happen."""

from typing import Final

from starlette.responses import Response

from latchwork.api.errors import not_found
from latchwork.console.rendering import page
from latchwork.console.routing import Route
from latchwork.console.telling import FAMILIES, told_of
from latchwork.console.visit import Visit
from latchwork.storage.interface import EventFilter

EVENTS: Final = 50


async def all_events(visit: Visit) -> Response:
    family = visit.asked("about")
    device_id, code_id = visit.asked("device"), visit.asked("code")
    found = await visit.storage.events(
        visit.workspace_id,
        EventFilter(
            event_types=FAMILIES.get(family),
            device_ids=(device_id,) if device_id else None,
            access_code_ids=(code_id,) if code_id else None,
        ),
        limit=EVENTS,
        cursor=visit.asked("after") or None,
    )
    return page(
        visit,
        "events.html",
        events=await told_of(visit, found.items),
        families=FAMILIES,
        family=family if family in FAMILIES else "",
        device_id=device_id,
        code_id=code_id,
        is_first=not visit.asked("after"),
        next_after=found.next_cursor,
    )


async def one_event(visit: Visit) -> Response:
    event_id = visit.names["event_id"]
    event = await visit.storage.event(visit.workspace_id, event_id=event_id)
    if event is None:
        raise not_found("event")
    [one] = await told_of(visit, [event])
    webhooks = await visit.storage.webhooks(visit.workspace_id)
    wanting = [webhook for webhook in webhooks if webhook.wants(event.event_type)]
    return page(visit, "event.html", one=one, webhooks=wanting)


ROUTES: Final = (
    Route("GET", "/events", all_events),
    Route("GET", "/events/{event_id}", one_event),
)
