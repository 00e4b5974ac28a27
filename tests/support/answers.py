"""Every answer that a test gets is held to what the endpoint table says of it."""

import httpx
import msgspec

from latchwork.api.app import ENDPOINTS
from latchwork.api.openapi.answers import answer_type
from latchwork.api.resources import Error

_ENDPOINTS = {endpoint.path: endpoint for endpoint in ENDPOINTS}


async def assert_described(response: httpx.Response) -> None:
    """For httpx's `response` hook: fails when the body is not as described, key by key."""
    endpoint = _ENDPOINTS.get(response.request.url.path.rstrip("/"))
    kind = None if endpoint is None else answer_type(endpoint)
    if kind is None:
        return
    body = await response.aread()
    try:
        msgspec.json.decode(body, type=kind if response.status_code == 200 else Error)
    except msgspec.ValidationError as error:
        raise AssertionError(
            f"{endpoint.path} answers other than its table entry and api/resources say: {error}"
        ) from None
