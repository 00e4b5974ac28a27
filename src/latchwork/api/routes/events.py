"""/events and /action_attempts: what happened, and how commands ended."""

from typing import Any

import msgspec

from latchwork.api import code_serializers as show_code
from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.endpoint import READ, Call, Endpoint, page_of, page_size
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.action_attempt import HIDDEN, ActionAttempt, ActionType
from latchwork.domain.events import Event
from latchwork.storage.interface import EventFilter, Page


class GetEvent(msgspec.Struct):
    event_id: str | None = None
    event_type: str | None = None
    device_id: str | None = None


class ListEvents(msgspec.Struct):
    since: str | None = None
    between: list[str] | None = None
    event_type: str | None = None
    event_types: list[str] | None = None
    event_ids: list[str] | None = None
    device_id: str | None = None
    device_ids: list[str] | None = None
    access_code_id: str | None = None
    access_code_ids: list[str] | None = None
    connected_account_id: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    unstable_offset: float | None = None
    access_grant_id: str | None = None
    access_grant_ids: list[str] | None = None
    access_method_id: str | None = None
    access_method_ids: list[str] | None = None
    acs_access_group_id: str | None = None
    acs_credential_id: str | None = None
    acs_encoder_id: str | None = None
    acs_entrance_id: str | None = None
    acs_system_id: str | None = None
    acs_system_ids: list[str] | None = None
    acs_user_id: str | None = None
    connect_webview_id: str | None = None
    customer_key: str | None = None
    space_id: str | None = None
    space_ids: list[str] | None = None
    user_identity_id: str | None = None


ELSEWHERE = (
    "access_grant_id",
    "access_grant_ids",
    "access_method_id",
    "access_method_ids",
    "acs_access_group_id",
    "acs_credential_id",
    "acs_encoder_id",
    "acs_entrance_id",
    "acs_system_id",
    "acs_system_ids",
    "acs_user_id",
    "connect_webview_id",
    "customer_key",
    "space_id",
    "space_ids",
    "user_identity_id",
)
"""What Latchwork has no events of: whoever asks for those gets none."""


class GetAttempt(msgspec.Struct):
    action_attempt_id: str


class ListAttempts(msgspec.Struct):
    action_attempt_ids: list[str] | None = None
    device_id: str | None = None
    limit: float | None = None
    page_cursor: str | None = None


async def get_event(call: Call, asked: GetEvent) -> dict[str, Any]:
    if asked.event_id is None and asked.event_type is None:
        raise invalid("Name an event by event_id, or by event_type.", event_id="Required")
    found = await call.storage.event(
        call.workspace_id,
        event_id=asked.event_id,
        event_type=asked.event_type,
        device_id=asked.device_id,
    )
    if found is None:
        raise not_found("event")
    return {"event": show.event(found), "message": "", "ok": True}


async def list_events(call: Call, asked: ListEvents) -> dict[str, Any]:
    since, until = _span(asked)
    where = EventFilter(
        since=since,
        until=until,
        event_ids=None if asked.event_ids is None else tuple(asked.event_ids),
        event_types=_joined(asked.event_types, asked.event_type),
        device_ids=_joined(asked.device_ids, asked.device_id),
        access_code_ids=_joined(asked.access_code_ids, asked.access_code_id),
        connected_account_id=asked.connected_account_id,
        offset=max(0, int(asked.unstable_offset or 0)),
    )
    page: Page[Event] = Page(())
    if not any(getattr(asked, name) for name in ELSEWHERE):
        page = await call.storage.events(
            call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
        )
    return {
        "events": [show.event(found) for found in page.items],
        "pagination": page_of("/events/list", call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


def _span(asked: ListEvents) -> tuple[Any, Any]:
    if asked.between is None:
        return instant("since", asked.since), None
    if len(asked.between) != 2:
        raise invalid("between takes two instants.", between="Must hold two instants")
    first, last = (instant("between", text) for text in asked.between)
    return first, last


def _joined(many: list[str] | None, one: str | None) -> tuple[str, ...] | None:
    if many is None and one is None:
        return None
    return (*(many or ()), *(() if one is None else (one,)))


async def attempt_shown(call: Call, attempt: ActionAttempt) -> dict[str, Any]:
    """With the access code that the command was about, as it is now."""
    code = None
    kinds = (ActionType.CREATE_ACCESS_CODE, ActionType.UPDATE_ACCESS_CODE)
    if attempt.action_type in kinds and attempt.access_code_id is not None:
        view = await call.storage.code(call.workspace_id, access_code_id=attempt.access_code_id)
        code = None if view is None else show_code.access_code(view, call.now)
    return show.action_attempt(attempt, code=code)


async def get_attempt(call: Call, asked: GetAttempt) -> dict[str, Any]:
    found = await call.storage.attempt(call.workspace_id, asked.action_attempt_id)
    if found is None or found.action_type in HIDDEN:
        raise ApiError(404, "action_attempt_not_found", "Action attempt not found.")
    return {"action_attempt": await attempt_shown(call, found), "ok": True}


async def list_attempts(call: Call, asked: ListAttempts) -> dict[str, Any]:
    if asked.action_attempt_ids is None and asked.device_id is None:
        raise invalid("Name action_attempt_ids or a device_id.", action_attempt_ids="Required")
    page = await call.storage.attempts(
        call.workspace_id,
        ids=asked.action_attempt_ids,
        device_id=asked.device_id,
        limit=page_size(asked.limit),
        cursor=asked.page_cursor,
    )
    shown = [
        await attempt_shown(call, attempt)
        for attempt in page.items
        if attempt.action_type not in HIDDEN
    ]
    return {
        "action_attempts": shown,
        "pagination": page_of("/action_attempts/list", call, asked.page_cursor, page.next_cursor),
        "ok": True,
    }


ENDPOINTS = (
    Endpoint(
        "/events/get",
        READ,
        GetEvent,
        get_event,
        answer={"event": resources.Event, "message": str},
        summary="Gets an event by its id, or the newest of a type.",
    ),
    Endpoint(
        "/events/list",
        READ,
        ListEvents,
        list_events,
        answer={"events": list[resources.Event], "pagination": resources.Pagination},
        summary="Lists events, a page at a time.",
    ),
    Endpoint(
        "/action_attempts/get",
        READ,
        GetAttempt,
        get_attempt,
        answer={"action_attempt": resources.ActionAttempt},
        summary="Gets how far a command has come.",
    ),
    Endpoint(
        "/action_attempts/list",
        READ,
        ListAttempts,
        list_attempts,
        answer={
            "action_attempts": list[resources.ActionAttempt],
            "pagination": resources.Pagination,
        },
        summary="Lists commands by their ids or their device.",
    ),
)
