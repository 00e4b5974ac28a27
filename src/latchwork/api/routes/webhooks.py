"""/webhooks: where events are sent."""

from typing import Annotated, Any

import msgspec

from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.endpoint import CREATE, DELETE, READ, UPDATE, Call, Empty, Endpoint
from latchwork.api.errors import invalid, not_found
from latchwork.domain.webhook import Webhook

EventType = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
ALL = "*"


class Create(msgspec.Struct):
    url: str
    event_types: Annotated[list[EventType], msgspec.Meta(max_length=200)] | None = None


class Update(msgspec.Struct):
    webhook_id: str
    event_types: Annotated[list[EventType], msgspec.Meta(max_length=200)]


class Named(msgspec.Struct):
    webhook_id: str


def _types(wanted: list[str] | None) -> tuple[str, ...]:
    if wanted is not None and not wanted:
        raise invalid("event_types must name at least one type.", event_types="Must not be empty")
    return tuple(dict.fromkeys(wanted)) if wanted else (ALL,)


async def create(call: Call, asked: Create) -> dict[str, Any]:
    call.deps.check_url(asked.url)
    webhook = Webhook(
        webhook_id=call.new_id(),
        workspace_id=call.workspace_id,
        url=asked.url,
        event_types=_types(asked.event_types),
        secret=call.deps.new_webhook_secret(),
        created_at=call.now,
    )
    await call.storage.add_webhook(webhook)
    return {"webhook": show.webhook(webhook, call.now), "ok": True}


async def get(call: Call, asked: Named) -> dict[str, Any]:
    found = await call.storage.webhook(call.workspace_id, asked.webhook_id)
    if found is None:
        raise not_found("webhook")
    return {"webhook": show.webhook(found, call.now), "ok": True}


async def list_(call: Call, _asked: Empty) -> dict[str, Any]:
    found = await call.storage.webhooks(call.workspace_id)
    return {"webhooks": [show.webhook(w, call.now) for w in found], "ok": True}


async def update(call: Call, asked: Update) -> dict[str, Any]:
    types = _types(asked.event_types)
    if not await call.storage.update_webhook(call.workspace_id, asked.webhook_id, types):
        raise not_found("webhook")
    return {"ok": True}


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    if not await call.storage.delete_webhook(call.workspace_id, asked.webhook_id):
        raise not_found("webhook")
    return {"ok": True}


ENDPOINTS = (
    Endpoint(
        "/webhooks/create",
        CREATE,
        Create,
        create,
        answer={"webhook": resources.Webhook},
        summary="Adds an endpoint that events are sent to.",
    ),
    Endpoint(
        "/webhooks/get",
        READ,
        Named,
        get,
        answer={"webhook": resources.Webhook},
        summary="Gets a webhook, with its secret.",
    ),
    Endpoint(
        "/webhooks/list",
        READ,
        Empty,
        list_,
        answer={"webhooks": list[resources.Webhook]},
        summary="Lists the webhooks, with their secrets.",
    ),
    Endpoint(
        "/webhooks/update",
        UPDATE,
        Update,
        update,
        answer={},
        summary="Changes which events are sent.",
    ),
    Endpoint(
        "/webhooks/delete",
        DELETE,
        Named,
        delete,
        answer={},
        summary="Removes a webhook.",
    ),
)
