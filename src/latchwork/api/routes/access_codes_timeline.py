"""/access_codes/get_timeline: what happened to one code, newest first, gone ones included."""

from typing import Annotated, Any, Final

import msgspec

from latchwork.api.device_serializers import iso
from latchwork.api.endpoint import READ, Call, Endpoint
from latchwork.api.errors import not_found
from latchwork.api.parsing import instant
from latchwork.api.resources import TimelineEvent, TimelinePagination
from latchwork.domain import events
from latchwork.domain.events import Event
from latchwork.storage.interface import EventFilter

CALLER, ENGINE, OTHER_HAND = "api_key", "system", "external"

KINDS: Final = {
    events.CREATED: (CALLER, "The code was wished for."),
    events.CHANGED: (CALLER, "The code was changed."),
    events.NAME_CHANGED: (CALLER, "The name was changed."),
    events.CODE_CHANGED: (CALLER, "The PIN was changed."),
    events.TIME_FRAME_CHANGED: (CALLER, "The time frame was changed."),
    events.MUTATIONS_REQUESTED: (CALLER, "A change on the lock was asked for."),
    events.BACKUP_PULLED: (CALLER, "A backup code was pulled in its place."),
    events.SCHEDULED_ON_DEVICE: (ENGINE, "The lock holds the code ahead of its start."),
    events.SET_ON_DEVICE: (ENGINE, "The code opens the lock: it was proven there."),
    events.REMOVED_FROM_DEVICE: (ENGINE, "The code does not open the lock any more."),
    events.DELAY_IN_SETTING: (ENGINE, "The code was not on the lock in time."),
    events.FAILED_TO_SET: (ENGINE, "The code could not be set on the lock."),
    events.DELAY_IN_REMOVING: (ENGINE, "The code was not off the lock in time."),
    events.FAILED_TO_REMOVE: (ENGINE, "The code could not be removed from the lock."),
    events.DELETED: (ENGINE, "The code is gone."),
    events.MODIFIED_EXTERNALLY: (OTHER_HAND, "Another hand changed the code on the lock."),
    events.DELETED_EXTERNALLY: (OTHER_HAND, "Another hand removed the code from the lock."),
    events.UNMANAGED_CREATED: (OTHER_HAND, "A code of another hand was found on the lock."),
    events.UNMANAGED_REMOVED: (OTHER_HAND, "A code of another hand is gone from the lock."),
    events.UNMANAGED_CONVERTED: (CALLER, "A code of another hand was taken over."),
    events.UNMANAGED_NOT_CONVERTED: (ENGINE, "A code of another hand was not taken over."),
}
"""Who acts, and what happened, by Seam's event types of a timeline."""

SPARE: Final = 64
"""More than one transaction stores of one code: events of one instant share a page."""


class Timeline(msgspec.Struct):
    access_code_id: str
    limit: Annotated[float, msgspec.Meta(ge=1, le=200)] = 50
    before: str | None = None
    after: str | None = None
    event_types: list[str] | None = None


async def get_timeline(call: Call, asked: Timeline) -> dict[str, Any]:
    """`next_cursor` goes on as `before`, `prev_cursor` as `after`."""
    wanted = tuple(t for t in asked.event_types or KINDS if t in KINDS)
    where = EventFilter(
        access_code_ids=(asked.access_code_id,),
        event_types=wanted,
        since=instant("after", asked.after),
        until=instant("before", asked.before),
    )
    size = int(asked.limit)
    found = await call.storage.events(call.workspace_id, where, limit=size + SPARE, cursor=None)
    if not found.items:
        await _check_known(call, asked.access_code_id)
    end = min(size, len(found.items))
    while end < len(found.items) and _is_of_one_instant(found.items, end):
        end += 1
    shown = found.items[:end]
    has_more = end < len(found.items) or found.next_cursor is not None
    return {
        "timeline_events": [_shown(event) for event in shown],
        "pagination": {
            "has_more": has_more,
            "next_cursor": shown[-1].created_at.isoformat() if has_more else None,
            "prev_cursor": shown[0].created_at.isoformat() if asked.before and shown else None,
        },
        "ok": True,
    }


def _is_of_one_instant(found: tuple[Event, ...], place: int) -> bool:
    return found[place].created_at == found[place - 1].created_at


async def _check_known(call: Call, access_code_id: str) -> None:
    """404 for a code that nothing was ever told of."""
    where = EventFilter(access_code_ids=(access_code_id,))
    known = await call.storage.events(call.workspace_id, where, limit=1, cursor=None)
    if not known.items:
        raise not_found("access_code")


def _shown(event: Event) -> dict[str, Any]:
    actor, description = KINDS[event.event_type]
    related = {
        "event_id": event.event_id,
        "device_id": event.device_id,
        "connected_account_id": event.connected_account_id,
        "action_attempt_id": event.action_attempt_id,
    }
    return {
        "timeline_event_id": event.event_id,
        "event_type": event.event_type,
        "occurred_at": iso(event.occurred_at),
        "description": description,
        "actor": {"type": actor},
        "related_resource_ids": {k: v for k, v in related.items() if v is not None},
    }


ENDPOINTS = (
    Endpoint(
        "/access_codes/get_timeline",
        READ,
        Timeline,
        get_timeline,
        answer={"timeline_events": list[TimelineEvent], "pagination": TimelinePagination},
        summary="Tells what happened to a code, newest first.",
    ),
)
