"""The way in, watched: requests timed and traced; /metrics and /ready answered."""

import hmac
import time
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latchwork.domain.errors import LatchworkError
from latchwork.domain.pin import Secret
from latchwork.observing.metrics import CONTENT_TYPE, Metrics
from latchwork.storage.backlog import BacklogStorage

if TYPE_CHECKING:
    from latchwork.observing.tracing import Tracing

OTHER: Final = "other"
CLASSES: Final = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class WatchedStorage(BacklogStorage, Protocol):
    async def healthy(self) -> None: ...


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What the watched way in needs. `metrics` None: there is no /metrics."""

    storage: WatchedStorage
    now: Callable[[], datetime]
    metrics: Metrics | None
    token: Secret | None
    """What /metrics asks for; None: nothing."""
    tracing: "Tracing | None"
    paths: Collection[str]
    """Paths that are told by name."""
    draining: Callable[[], bool]


class WatchedApp:
    """Wraps the application of a process."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        self._app = app
        self._watch = watch
        self._paths = frozenset(watch.paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        path = scope["path"]
        if path == "/ready":
            return await (await self._ready())(scope, receive, send)
        if path == "/metrics" and self._watch.metrics is not None:
            response = await self._metrics(Request(scope), self._watch.metrics)
            return await response(scope, receive, send)
        if self._watch.tracing is not None:
            return await self._traced(self._watch.tracing, scope, receive, send)
        return await self._timed(scope, receive, send)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        metrics = self._watch.metrics
        if metrics is None:
            await self._app(scope, receive, send)
            return
        note, path, begin = metrics.requests.note, self._told(scope), time.perf_counter()

        async def answering(message: Message) -> None:
            # At its head: a stream of events goes on for hours.
            if message["type"] == "http.response.start":
                note(time.perf_counter() - begin, path, CLASSES[message["status"] // 100])
            await send(message)

        await self._app(scope, receive, answering)

    async def _traced(self, tracing: "Tracing", scope: Scope, receive: Receive, send: Send) -> None:
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        with tracing.request(scope["method"], self._told(scope), headers) as span:

            async def answering(message: Message) -> None:
                if message["type"] == "http.response.start":
                    tracing.answered(span, message["status"], _request_id(message))
                await send(message)

            await self._timed(scope, receive, answering)

    def _told(self, scope: Scope) -> str:
        return scope["path"] if scope["path"] in self._paths else OTHER

    async def _ready(self) -> Response:
        if self._watch.draining():
            return _told(503, "draining")
        try:
            await self._watch.storage.healthy()
        except LatchworkError:
            return _told(503, "the database takes no writes or does not answer")
        return _told(200, "ready")

    async def _metrics(self, request: Request, metrics: Metrics) -> Response:
        token = self._watch.token
        if token is not None:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {token.reveal()}".encode()):
                return _told(401, "send the token of LATCHWORK_METRICS_TOKEN as a bearer token")
        await self._measure_queues(metrics)
        return Response(metrics.rendered(), 200, HEADERS, media_type=CONTENT_TYPE)

    async def _measure_queues(self, metrics: Metrics) -> None:
        """Without a database nothing is known of them, and the rest is told all the same."""
        now = self._watch.now()
        try:
            waiting = await self._watch.storage.backlog(now)
        except LatchworkError:
            metrics.queue.clear()
            metrics.queue_age.clear()
            return
        for queue, depth, since in (
            ("visits", waiting.visits, waiting.visits_since),
            ("webhooks", waiting.messages, waiting.messages_since),
        ):
            age = 0.0 if since is None else max((now - since).total_seconds(), 0.0)
            metrics.queue.labels(queue).set(depth)
            metrics.queue_age.labels(queue).set(age)


def _request_id(message: Message) -> str | None:
    for name, value in message.get("headers", ()):
        if name == b"seam-request-id":
            return str(value.decode("latin-1"))
    return None


def _told(status: int, words: str) -> Response:
    body = {"ok": status == 200, "status": words}
    return Response(msgspec.json.encode(body), status, HEADERS, media_type="application/json")
