"""The API as an ASGI application: one dispatch for every endpoint of the table."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from latchwork import request_ids
from latchwork.api import inbound
from latchwork.api.answers import JsonAnswer
from latchwork.api.auth import authenticated
from latchwork.api.desk import Desk
from latchwork.api.endpoint import ApiDeps, Call, Endpoint
from latchwork.api.errors import ApiError, from_domain
from latchwork.api.idempotency import key_of, once
from latchwork.api.openapi.pages import ApiPages
from latchwork.api.parsing import convert, parameters
from latchwork.api.routes import (
    access_codes,
    access_codes_backup,
    access_codes_linked,
    access_codes_read,
    access_codes_timeline,
    accounts,
    client_sessions,
    connect_webviews,
    customization_profiles,
    devices,
    events,
    locks,
    simulate,
    unmanaged_codes,
    webhook_care,
    webhooks,
    workspaces,
)
from latchwork.api.versions import in_version
from latchwork.domain.errors import LatchworkError
from latchwork.domain.idempotency import Answered
from latchwork.storage.interface import StorageUnavailable

log = structlog.get_logger(__name__)

ENDPOINTS: tuple[Endpoint, ...] = (
    *access_codes.ENDPOINTS,
    *access_codes_read.ENDPOINTS,
    *access_codes_linked.ENDPOINTS,
    *access_codes_backup.ENDPOINTS,
    *access_codes_timeline.ENDPOINTS,
    *unmanaged_codes.ENDPOINTS,
    *devices.ENDPOINTS,
    *locks.ENDPOINTS,
    *simulate.ENDPOINTS,
    *accounts.ENDPOINTS,
    *events.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *webhook_care.ENDPOINTS,
    *workspaces.ENDPOINTS,
    *customization_profiles.ENDPOINTS,
    *client_sessions.ENDPOINTS,
    *connect_webviews.ENDPOINTS,
)

_encode = msgspec.json.Encoder().encode

Page = Callable[[Request], Awaitable[Response | None]]
"""Answers what is asked of pages for people; None for a path that is none of them."""


def create_app(deps: ApiDeps, console: Callable[[Desk], Page] | None = None) -> ASGIApp:
    """The application; `deps` lives as long as it does. `console`: pages whose commands go over
    the same desk as the API's."""
    return _Api(deps, console)


class _Api:
    def __init__(self, deps: ApiDeps, console: Callable[[Desk], Page] | None) -> None:
        self._deps = deps
        self._desk = Desk(deps, ENDPOINTS)
        self._endpoints = self._desk.endpoints
        self._documents = ApiPages(ENDPOINTS, deps.public_url or "http://localhost:8700")
        made = None if console is None else console(self._desk)
        self._pages = [page for page in (deps.page, made) if page is not None]
        self._limiter = self._desk.limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        begin = time.perf_counter()
        request_id = self._desk.new_id()
        request_ids.current.set(request_id)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        response.raw_headers.append((b"seam-request-id", request_id.encode()))
        log.debug(
            "request",
            method=request.method,
            path=scope["path"] if scope["path"] in self._endpoints else "unknown",
            status=response.status_code,
            ms=round((time.perf_counter() - begin) * 1000, 2),
        )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            if request.scope["path"] in self._endpoints:
                return await self._handle(request)
            return await self._special(request) or await self._handle(request)
        except ApiError as error:
            return _refused(error)
        except LatchworkError as error:
            return _refused(from_domain(error))
        except ClientDisconnect:
            raise
        except Exception:
            log.exception("request.failed", method=request.method)
            return _refused(_internal())

    async def _special(self, request: Request) -> Response | None:
        """What is not of the endpoint table."""
        if request.scope["path"] == "/health":
            return await self._health()
        if inbound.is_inbound(request):
            return await self._inbound(request)
        if request.method == "GET" and (page := self._documents.find(request.scope["path"])):
            return page
        for answer in self._pages:
            if (found := await answer(request)) is not None:
                return found
        return None

    async def _inbound(self, request: Request) -> Response:
        addresses, deliver = self._deps.inbound, self._deps.deliver
        if addresses is None or deliver is None:
            raise ApiError(404, "not_found", "There is no such endpoint.")
        return await inbound.take(request, addresses.account_of, deliver)

    async def _handle(self, request: Request) -> Response:
        endpoint = self._endpoint(request)
        now = self._deps.now()
        caller = await authenticated(request, endpoint, self._deps.storage, now)
        if self._limiter is not None:
            self._limiter.count_request(caller.credential_id, now)
        values, text, strict = await parameters(request)
        asked = convert(endpoint.request, values, text=text, strict=strict)
        call = self._desk.call(caller, endpoint.path)
        key = key_of(request, endpoint)
        if key is None:
            return JsonAnswer(await self._perform(endpoint, asked, call))

        async def perform(claimed: Call) -> Answered:
            return await self._performed_to_the_end(endpoint, asked, claimed)

        return JsonAnswer(*await once(call, endpoint, key, values, perform))

    def _endpoint(self, request: Request) -> Endpoint:
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
        return endpoint

    async def _perform(self, endpoint: Endpoint, asked: msgspec.Struct, call: Call) -> Answered:
        answer = await self._desk.perform(endpoint, asked, call)
        shown = in_version(answer, call.caller.api_version)
        return Answered(status=200, body=_encode(shown))

    async def _performed_to_the_end(
        self, endpoint: Endpoint, asked: msgspec.Struct, call: Call
    ) -> Answered:
        """Like _perform, with an answer for what went wrong on our side. Raises ApiError for a
        refusal (4xx), StorageUnavailable when nobody knows what was stored."""
        try:
            return await self._perform(endpoint, asked, call)
        except StorageUnavailable:
            raise
        except (ApiError, LatchworkError) as error:
            known = error if isinstance(error, ApiError) else from_domain(error)
            if known.status < 500:
                raise known from None
            return Answered(status=known.status, body=_encode(known.body()))
        except Exception:
            log.exception("request.failed", path=endpoint.path)
            return Answered(status=500, body=_encode(_internal().body()))

    async def _health(self) -> Response:
        await self._deps.storage.healthy()
        return _json(200, {"ok": True, "status": "ready"})


def _internal() -> ApiError:
    return ApiError(500, "internal_error", "Something went wrong on the server.")


def _refused(error: ApiError) -> Response:
    answer = Answered(status=error.status, body=_encode(error.body()))
    return JsonAnswer(answer, error.headers)


def _json(status: int, body: dict[str, Any]) -> Response:
    return JsonAnswer(Answered(status=status, body=_encode(body)))
