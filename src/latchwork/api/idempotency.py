"""Requests with an Idempotency-Key: carried out once, answered alike each time.

Kept for a day are what was done and what went wrong on our side; what was refused (4xx) has
changed nothing, and its key can be used anew.
"""

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request

from latchwork.api import code_serializers as show_code
from latchwork.api import serializers as show
from latchwork.api.endpoint import READ, Call, Endpoint
from latchwork.api.errors import ApiError, invalid
from latchwork.domain.idempotency import Answered, Claim, Held, Unanswered
from latchwork.storage.claimed import CLAIMED
from latchwork.storage.interface import StorageUnavailable

HEADER: Final = "idempotency-key"
REPLAYED: Final = {"idempotent-replayed": "true"}
LONGEST_KEY: Final = 255

_encode = msgspec.json.Encoder(order="deterministic").encode

Perform = Callable[[Call], Awaitable[Answered]]


def key_of(request: Request, endpoint: Endpoint) -> str | None:
    """The request's key; None without one, and for what only reads. Raises 400 for a bad one."""
    key = request.headers.get(HEADER)
    if key is None or request.method == "GET" or endpoint.methods == READ:
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise invalid(f"Idempotency-Key must be 1 to {LONGEST_KEY} printable ASCII characters.")
    return key


async def once(
    call: Call, endpoint: Endpoint, key: str, parameters: dict[str, Any], perform: Perform
) -> tuple[Answered, dict[str, str]]:
    """The answer of `perform`, or the one that the first such request got; and headers.

    `perform` answers errors of our side (5xx) and raises ApiError for refusals. Raises 409 for a
    key that is in use, or was used for something else.
    """
    scope = f"{call.caller.credential_id}\0{call.path}\0{key}"
    storage = call.deps.storage
    found = await storage.claim_request(scope, _encode(parameters), secrets.token_hex(16), call.now)
    if isinstance(found, Answered):
        return found, REPLAYED
    if isinstance(found, Unanswered):
        return await _found_again(call, endpoint, found), REPLAYED
    if isinstance(found, Held):
        raise _held(found)
    try:
        answer = await _performed(call, found, perform)
        await storage.answer_request(found, answer)
    except ApiError:
        await storage.forget_request(found)
        raise
    except StorageUnavailable:
        await storage.release_request(found, call.now)
        raise
    finally:
        storage.end_request(found)
    return answer, {}


async def _performed(call: Call, claim: Claim, perform: Perform) -> Answered:
    """Every write of it marks the claim, with the ids made until then."""

    def new_id() -> str:
        made = call.new_id()
        claim.ids.append(made)
        return made

    held = CLAIMED.set(claim)
    try:
        return await perform(msgspec.structs.replace(call, new_id=new_id))
    finally:
        CLAIMED.reset(held)


def _held(why: Held) -> ApiError:
    if why is Held.OTHER_PARAMETERS:
        return ApiError(
            409,
            "idempotency_key_reused",
            "This Idempotency-Key was used for a request with other parameters.",
        )
    return ApiError(
        409,
        "idempotency_key_in_use",
        "A request with this Idempotency-Key is under way; try again in a moment.",
        headers={"retry-after": "1"},
    )


async def _found_again(call: Call, endpoint: Endpoint, first: Unanswered) -> Answered:
    """The answer of a request that was carried out by a server which then stopped: what it made,
    as it is now."""
    answer: dict[str, Any] = {}
    for made in first.ids:
        answer = {**await _made(call, made), **answer}
    wanted = tuple(endpoint.answer or answer)
    if not wanted or any(name not in answer for name in wanted):
        raise ApiError(
            409,
            "idempotency_answer_lost",
            "The request was carried out, but the server stopped before it could answer. Look for "
            "what it made, and use another Idempotency-Key for anything new.",
            data={"ids": list(first.ids)},
        )
    shown = {name: answer[name] for name in wanted}
    return Answered(status=200, body=_encode({**shown, "ok": True}))


async def _made(call: Call, made: str) -> dict[str, Any]:
    """The resource with this id, by its name in answers."""
    storage, workspace_id = call.storage, call.workspace_id
    if code := await storage.code(workspace_id, access_code_id=made):
        return {"access_code": show_code.access_code(code, call.now)}
    if attempt := await storage.attempt(workspace_id, made):
        return {"action_attempt": show.action_attempt(attempt)}
    if webhook := await call.deps.storage.webhook(workspace_id, made):
        return {"webhook": show.webhook(webhook, call.now)}
    return {}
