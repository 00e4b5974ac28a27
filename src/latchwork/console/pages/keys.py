"""API keys: made, shown once, revoked."""

from typing import Final

from starlette.responses import Response

from latchwork.api.errors import not_found
from latchwork.console.rendering import page, to
from latchwork.console.routing import Route
from latchwork.console.visit import Visit
from latchwork.domain.credentials import ApiKey
from latchwork.domain.pin import Secret

LONGEST_NAME: Final = 100


async def _of_workspace(visit: Visit) -> list[ApiKey]:
    keys = await visit.storage.api_keys()
    return [key for key in keys if key.workspace_id == visit.workspace_id]


async def keys(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, made: Secret | None = None) -> Response:
    found = await _of_workspace(visit)
    found.sort(key=lambda key: (key.revoked_at is not None, key.name.casefold()))
    secret = None if made is None else made.reveal()
    return page(visit, "keys.html", keys=found, made=secret, own=visit.session.api_key_id)


async def create(visit: Visit) -> Response:
    name = visit.typed.get("name", "").strip()[:LONGEST_NAME] or "key"
    made = await visit.deps.new_api_key(visit.workspace_id, name)
    await visit.note("create_api_key", given=["name"])
    return await _shown(visit, made)


async def revoke(visit: Visit) -> Response:
    key_id = visit.names["key_id"]
    if not any(key.api_key_id == key_id for key in await _of_workspace(visit)):
        raise not_found("api_key")
    if await visit.storage.revoke_api_key(key_id, visit.now):
        await visit.note("revoke_api_key", api_key_id=key_id)
    return to("/keys", "revoked")


ROUTES: Final = (
    Route("GET", "/keys", keys),
    Route("POST", "/keys", create),
    Route("POST", "/keys/{key_id}/revoke", revoke),
)
