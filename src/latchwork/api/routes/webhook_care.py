"""/latchwork/webhooks: secrets that rotate, endpoints that were disabled, messages sent again."""

from datetime import timedelta
from typing import Annotated, Any

import msgspec

from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.endpoint import CREATE, READ, Call, Endpoint, page_size
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.webhook import Webhook

Hours = Annotated[float, msgspec.Meta(ge=0, le=168)]


class Named(msgspec.Struct):
    webhook_id: str


class Rotate(msgspec.Struct):
    webhook_id: str
    previous_secret_valid_hours: Hours = 24


class ListAttempts(msgspec.Struct):
    webhook_id: str
    limit: float | None = None


class Resend(msgspec.Struct):
    webhook_id: str
    event_id: str


class Replay(msgspec.Struct):
    webhook_id: str
    since: str
    include_delivered: bool = False


async def _found(call: Call, webhook_id: str) -> Webhook:
    found = await call.storage.webhook(call.workspace_id, webhook_id)
    if found is None:
        raise not_found("webhook")
    return found


async def _standing(call: Call, webhook_id: str) -> Webhook:
    """Raises for a disabled one: nothing would be sent."""
    found = await _found(call, webhook_id)
    if found.disabled:
        text = "The webhook is disabled. Enable it first: /latchwork/webhooks/enable."
        raise ApiError(409, "webhook_disabled", text)
    return found


async def rotate_secret(call: Call, asked: Rotate) -> dict[str, Any]:
    until = call.now + timedelta(hours=asked.previous_secret_valid_hours)
    secret = call.deps.new_webhook_secret()
    found = await call.storage.rotate_secret(call.workspace_id, asked.webhook_id, secret, until)
    if found is None:
        raise not_found("webhook")
    return {"webhook": show.webhook(found, call.now), "ok": True}


async def enable(call: Call, asked: Named) -> dict[str, Any]:
    if not await call.storage.enable_webhook(call.workspace_id, asked.webhook_id):
        raise not_found("webhook")
    return {"webhook": show.webhook(await _found(call, asked.webhook_id), call.now), "ok": True}


async def list_attempts(call: Call, asked: ListAttempts) -> dict[str, Any]:
    webhook = await _found(call, asked.webhook_id)
    found = await call.storage.attempts_of(
        call.workspace_id, webhook.webhook_id, page_size(asked.limit)
    )
    shown = [show.webhook_attempt(*one) for one in found]
    return {"webhook_attempts": shown, "ok": True}


async def resend(call: Call, asked: Resend) -> dict[str, Any]:
    webhook = await _standing(call, asked.webhook_id)
    sent = await call.storage.resend(call.workspace_id, webhook.webhook_id, asked.event_id)
    if sent is None:
        raise not_found("event")
    return {"message_id": sent, "ok": True}


async def replay(call: Call, asked: Replay) -> dict[str, Any]:
    since = instant("since", asked.since)
    if since is None:
        raise invalid("since must name an instant.", since="Required")
    webhook = await _standing(call, asked.webhook_id)
    count = await call.storage.replay(
        call.workspace_id, webhook.webhook_id, since, delivered_too=asked.include_delivered
    )
    return {"message_count": count or 0, "ok": True}


ENDPOINTS = (
    Endpoint(
        "/latchwork/webhooks/rotate_secret",
        CREATE,
        Rotate,
        rotate_secret,
        answer={"webhook": resources.Webhook},
        summary="Gives a webhook a new secret; the one before it signs beside it for a day.",
    ),
    Endpoint(
        "/latchwork/webhooks/enable",
        CREATE,
        Named,
        enable,
        answer={"webhook": resources.Webhook},
        summary="Sends to a disabled webhook again, from now on.",
    ),
    Endpoint(
        "/latchwork/webhooks/list_attempts",
        READ,
        ListAttempts,
        list_attempts,
        answer={"webhook_attempts": list[resources.WebhookAttempt]},
        summary="Lists the newest attempts to deliver to a webhook, and what came of them.",
    ),
    Endpoint(
        "/latchwork/webhooks/resend",
        CREATE,
        Resend,
        resend,
        answer={"message_id": str},
        summary="Sends an event to a webhook again, under the id that it had.",
    ),
    Endpoint(
        "/latchwork/webhooks/replay",
        CREATE,
        Replay,
        replay,
        answer={"message_count": int},
        summary="Sends a webhook all events since an instant that it has not taken.",
    ),
)
