"""Webhooks: where events are sent, how it went, and what to do about it."""

from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response

from latchwork.api.errors import ApiError, from_domain, not_found
from latchwork.console.rendering import page, to
from latchwork.console.routing import Route
from latchwork.console.telling import ALL_TYPES, told_of
from latchwork.console.visit import Visit
from latchwork.domain.errors import LatchworkError
from latchwork.domain.webhook import Webhook
from latchwork.storage.interface import EventFilter

ATTEMPTS: Final = 40
REVEAL: Final = "reveal_webhook_secret"


async def find(visit: Visit) -> Webhook:
    found = await visit.storage.webhook(visit.workspace_id, visit.names["webhook_id"])
    if found is None:
        raise not_found("webhook")
    return found


async def all_webhooks(visit: Visit) -> Response:
    return await _all(visit)


async def _all(
    visit: Visit, error: Exception | None = None, made: dict[str, Any] | None = None
) -> Response:
    problem = from_domain(error) if isinstance(error, LatchworkError) else error
    return page(
        visit,
        "webhooks.html",
        problem.status if isinstance(problem, ApiError) else 200,
        webhooks=await visit.storage.webhooks(visit.workspace_id),
        problem=problem.message if isinstance(problem, ApiError) else "",
        made=made,
        types=ALL_TYPES,
    )


async def create(visit: Visit) -> Response:
    types = visit.typed.get("event_types", "").replace(",", " ").split()
    try:
        made = await visit.ask(
            "/webhooks/create", url=visit.typed.get("url", "").strip(), event_types=types or None
        )
    except (ApiError, LatchworkError) as error:
        return await _all(visit, error)
    return await _all(visit, made=made["webhook"])


async def webhook(visit: Visit) -> Response:
    return await _one(visit, await find(visit))


async def _one(visit: Visit, found: Webhook, secret: str | None = None) -> Response:
    attempts = await visit.storage.attempts_of(visit.workspace_id, found.webhook_id, ATTEMPTS)
    ids = tuple({event_id for _, event_id, _ in attempts})
    events = await visit.storage.events(
        visit.workspace_id, EventFilter(event_ids=ids), limit=ATTEMPTS, cursor=None
    )
    told = {one.event.event_id: one for one in await told_of(visit, events.items)}
    return page(
        visit,
        "webhook.html",
        webhook=found,
        secret=secret,
        attempts=[(attempt, event_id, told.get(event_id)) for _, event_id, attempt in attempts],
        until=found.previous_secret_until if len(found.secrets_at(visit.now)) > 1 else None,
    )


async def reveal(visit: Visit) -> Response:
    found = await find(visit)
    await visit.note(REVEAL, webhook_id=found.webhook_id)
    return await _one(visit, found, found.secret.reveal())


async def rotate(visit: Visit) -> Response:
    made = await visit.ask(
        "/latchwork/webhooks/rotate_secret", webhook_id=visit.names["webhook_id"]
    )
    return await _one(visit, await find(visit), made["webhook"]["secret"])


async def resend(visit: Visit) -> Response:
    webhook_id = visit.names["webhook_id"]
    event_id = visit.typed.get("event_id", "")
    await visit.ask("/latchwork/webhooks/resend", webhook_id=webhook_id, event_id=event_id)
    return to(f"/webhooks/{webhook_id}", "resent")


async def replay(visit: Visit) -> Response:
    """What was not delivered in the last day."""
    webhook_id = visit.names["webhook_id"]
    since = (visit.now - timedelta(days=1)).isoformat()
    await visit.ask("/latchwork/webhooks/replay", webhook_id=webhook_id, since=since)
    return to(f"/webhooks/{webhook_id}", "resent")


async def enable(visit: Visit) -> Response:
    webhook_id = visit.names["webhook_id"]
    await visit.ask("/latchwork/webhooks/enable", webhook_id=webhook_id)
    return to(f"/webhooks/{webhook_id}", "saved")


async def delete(visit: Visit) -> Response:
    await visit.ask("/webhooks/delete", webhook_id=visit.names["webhook_id"])
    return to("/webhooks", "webhook-deleted")


_ONE: Final = "/webhooks/{webhook_id}"
ROUTES: Final = (
    Route("GET", "/webhooks", all_webhooks),
    Route("POST", "/webhooks", create),
    Route("GET", _ONE, webhook),
    Route("POST", f"{_ONE}/secret", reveal),
    Route("POST", f"{_ONE}/rotate", rotate),
    Route("POST", f"{_ONE}/resend", resend),
    Route("POST", f"{_ONE}/replay", replay),
    Route("POST", f"{_ONE}/enable", enable),
    Route("POST", f"{_ONE}/delete", delete),
)
