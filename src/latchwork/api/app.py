"""The API as an ASGI application: one dispatch for every endpoint of the table."""

import time
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from latchwork import request_ids
from latchwork.api import inbound
from latchwork.api.auth import authenticated
from latchwork.api.endpoint import READ, ApiDeps, Call, Endpoint
from latchwork.api.errors import ApiError, from_domain
from latchwork.api.idempotency import key_of, once
from latchwork.api.limits import Limiter
from latchwork.api.openapi.pages import ApiPages
from latchwork.api.parsing import convert, parameters
from latchwork.api.restricted import reachable
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
from latchwork.domain.ids import uuid7
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
        self._pages = ApiPages(ENDPOINTS, deps.public_url or "http://localhost:8700")
        limit = deps.requests_a_minute
        self._limiter = None if limit is None else Limiter(limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        begin = time.perf_counter()
        request_id = self._new_id()
        request_ids.current.set(request_id)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        response.headers["seam-request-id"] = request_id
        log.debug(
            "request",
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
        if request.url.path == "/health":
            return await self._health()
        if inbound.is_inbound(request):
            return await self._inbound(request)
        if request.method == "GET" and (page := self._pages.find(request.url.path)):
            return page
        return None if self._deps.page is None else await self._deps.page(request)

    async def _inbound(self, request: Request) -> Response:
        addresses, deliver = self._deps.inbound, self._deps.deliver
        if addresses is None or deliver is None:
            raise ApiError(404, "not_found", "There is no such endpoint.")
        return await inbound.take(request, addresses.account_of, deliver)

    async def _handle(self, request: Request) -> Response:
        endpoint = self._endpoint(request)
        now, storage = self._deps.now(), self._deps.storage
        caller = await authenticated(request, endpoint, storage, now)
        if self._limiter is not None:
            self._limiter.count_request(caller.credential_id, now)
        values, text, strict = await parameters(request)
        asked = convert(endpoint.request, values, text=text, strict=strict)
        call = Call(
            deps=self._deps,
            caller=caller,
            storage=reachable(storage, caller),
            now=now,
            path=endpoint.path,
            new_id=self._new_id,
        )
        key = key_of(request, endpoint)
        if key is None:
            return _sent(await self._perform(endpoint, asked, call))

        async def perform(claimed: Call) -> Answered:
            return await self._performed_to_the_end(endpoint, asked, claimed)

        return _sent(*await once(call, endpoint, key, values, perform))

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
        if self._limiter is not None:
            await self._limiter.count_command(call, asked)
        answer = await self._handled(endpoint, asked, call)
        shown = in_version(answer, call.caller.api_version)
        return Answered(status=200, body=_encode(shown))

    async def _handled(
        self, endpoint: Endpoint, asked: msgspec.Struct, call: Call
    ) -> dict[str, Any]:
        """The handler's answer; a command is noted before it is stored, for the visit that it
        wakes may begin before it is answered."""
        wakes, request_id = self._deps.wakes, request_ids.current.get()
        if wakes is None or request_id is None or endpoint.methods is READ:
            return await endpoint.handler(call, asked)
        subjects = _subjects(asked)
        wakes.note(subjects, request_id)
        try:
            return await endpoint.handler(call, asked)
        except BaseException:
            wakes.forget(subjects, request_id)
            raise

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


def _subjects(asked: msgspec.Struct) -> list[str]:
    """The locks and codes that a command names."""
    named = [getattr(asked, name, None) for name in ("access_code_id", "device_id")]
    return [one for one in (*named, *(getattr(asked, "device_ids", None) or ())) if one]


def _internal() -> ApiError:
    return ApiError(500, "internal_error", "Something went wrong on the server.")


def _refused(error: ApiError) -> Response:
    answer = Answered(status=error.status, body=_encode(error.body()))
    return _sent(answer, error.headers)


def _sent(answer: Answered, headers: dict[str, str] | None = None) -> Response:
    return Response(
        answer.body, answer.status, {**HEADERS, **(headers or {})}, media_type="application/json"
    )


def _json(status: int, body: dict[str, Any]) -> Response:
    return _sent(Answered(status=status, body=_encode(body)))
