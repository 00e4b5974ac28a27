"""The API as an ASGI application: one dispatch for every endpoint of the table."""

import time
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from latchwork.api import inbound
from latchwork.api.endpoint import ApiDeps, Call, Endpoint
from latchwork.api.errors import ApiError, from_domain
from latchwork.api.limits import Limiter
from latchwork.api.parsing import bearer, convert, parameters
from latchwork.api.routes import (
    access_codes,
    accounts,
    devices,
    events,
    simulate,
    unmanaged_codes,
    webhooks,
)
from latchwork.domain.errors import LatchworkError
from latchwork.domain.ids import uuid7
from latchwork.storage.interface import ApiKey

log = structlog.get_logger(__name__)

ENDPOINTS: tuple[Endpoint, ...] = (
    *access_codes.ENDPOINTS,
    *unmanaged_codes.ENDPOINTS,
    *devices.ENDPOINTS,
    *simulate.ENDPOINTS,
    *accounts.ENDPOINTS,
    *events.ENDPOINTS,
    *webhooks.ENDPOINTS,
)

_encode = msgspec.json.Encoder().encode

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def create_app(deps: ApiDeps) -> ASGIApp:
    """The application; `deps` lives as long as it does."""
    return _Api(deps)


class _Api:
    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._endpoints = {endpoint.path: endpoint for endpoint in ENDPOINTS}
        limit = deps.requests_a_minute
        self._limiter = None if limit is None else Limiter(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        begin = time.perf_counter()
        request_id = self._new_id()
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        response.headers["seam-request-id"] = request_id
        log.debug(
            "request",
            request_id=request_id,
            method=request.method,
            path=scope["path"] if scope["path"] in self._endpoints else "unknown",
            status=response.status_code,
            ms=round((time.perf_counter() - begin) * 1000, 2),
        )
        await response(scope, receive, send)

    def _new_id(self) -> str:
        return uuid7(self._deps.now(), self._deps.entropy(10))

    async def _answer(self, request: Request) -> Response:
        try:
            if request.url.path == "/health":
                return await self._health()
            if inbound.is_inbound(request):
                return await self._inbound(request)
            return _json(200, await self._handle(request))
        except ApiError as error:
            return _json(error.status, error.body(), error.headers)
        except LatchworkError as error:
            known = from_domain(error)
            return _json(known.status, known.body(), known.headers)
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request.failed", method=request.method)
            unknown = ApiError(500, "internal_error", "Something went wrong on the server.")
            return _json(500, unknown.body())

    async def _inbound(self, request: Request) -> Response:
        addresses, deliver = self._deps.inbound, self._deps.deliver
        if addresses is None or deliver is None:
            raise ApiError(404, "not_found", "There is no such endpoint.")
        return await inbound.take(request, addresses.account_of, deliver)

    async def _handle(self, request: Request) -> dict[str, Any]:
        path = request.scope["path"].rstrip("/") or "/"
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            raise ApiError(404, "not_found", "There is no such endpoint.")
        if request.method not in endpoint.methods:
            raise ApiError(
                405,
                "method_not_allowed",
                f"{path} takes {', '.join(endpoint.methods)}.",
                headers={"allow": ", ".join(endpoint.methods)},
            )
        key = await self._authenticated(request)
        if self._limiter is not None:
            self._limiter.count_request(key.api_key_id, self._deps.now())
        workspace = await self._deps.storage.workspace(key.workspace_id)
        if workspace is None:
            raise _unauthorized()
        values, text, strict = await parameters(request)
        asked = convert(endpoint.request, values, text=text, strict=strict)
        call = Call(
            deps=self._deps,
            key=key,
            workspace=workspace,
            now=self._deps.now(),
            path=path,
            new_id=self._new_id,
        )
        if self._limiter is not None:
            await self._limiter.count_command(call, asked)
        return await endpoint.handler(call, asked)

    async def _authenticated(self, request: Request) -> ApiKey:
        secret = bearer(request)
        key = None if secret is None else await self._deps.storage.authenticate(secret)
        if key is None:
            raise _unauthorized()
        return key

    async def _health(self) -> Response:
        await self._deps.storage.healthy()
        return _json(200, {"ok": True, "status": "ready"})


def _unauthorized() -> ApiError:
    return ApiError(
        401,
        "unauthorized",
        "Send a valid API key: Authorization: Bearer seam_...",
        headers={"www-authenticate": "Bearer"},
    )


def _json(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(
        _encode(body), status, {**HEADERS, **(headers or {})}, media_type="application/json"
    )
