"""Deliveries of providers (webhooks, callbacks) to an account of ours: no API key, but a token in
the path that only the provider knows, and its own signature where it has one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from latchwork.api.errors import ApiError
from latchwork.api.parsing import bounded_body
from latchwork.domain.errors import LatchworkError, Rejected, RetryLater, Unsupported
from latchwork.domain.inbound_address import PATH

log = structlog.get_logger(__name__)

TIMEOUT: Final = 20.0
"""Seconds for a driver to take a delivery."""
Deliver = Callable[[str, Mapping[str, str], bytes], Awaitable[None]]
"""(account, headers with names in lower case, body): stored when it returns."""


def is_inbound(request: Request) -> bool:
    return str(request.scope["path"]).startswith(PATH)


async def take(
    request: Request, account_of: Callable[[str], str | None], deliver: Deliver
) -> Response:
    """200 once all is stored; providers deliver again after anything else."""
    if request.method != "POST":
        raise ApiError(405, "method_not_allowed", "POST alone.", headers={"allow": "POST"})
    account_id = account_of(request.scope["path"].removeprefix(PATH))
    if account_id is None:
        raise ApiError(404, "not_found", "There is no such endpoint.")
    body = await bounded_body(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        async with asyncio.timeout(TIMEOUT):
            await deliver(account_id, headers, body)
    except TimeoutError:
        raise RetryLater("The delivery took too long.") from None
    except Rejected as error:
        log.info("inbound.refused", connected_account_id=account_id, rule=error.rule)
        status = 401 if error.rule == "signature" else 400
        raise ApiError(status, "invalid_delivery", str(error)) from None
    except Unsupported:
        raise ApiError(404, "not_found", "There is no such endpoint.") from None
    except LatchworkError as error:
        log.info("inbound.put_off", connected_account_id=account_id, reason=str(error))
        raise
    return PlainTextResponse("success")
