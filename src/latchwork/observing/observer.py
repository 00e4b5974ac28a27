"""All watching of one process, wrapped around the parts that the composition makes."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from latchwork.domain.errors import NeedsAttention
from latchwork.domain.policy import Policy
from latchwork.drivers.protocol import DriverFactory
from latchwork.observing.drivers import watched_factory
from latchwork.observing.metrics import Metrics
from latchwork.observing.visits import WatchedVisitStorage
from latchwork.observing.wakes import Wakes
from latchwork.storage.interface import VisitStorage
from latchwork.webhooks.post import Answer, Sender

if TYPE_CHECKING:
    from latchwork.observing.tracing import Tracing


class Observer:
    """Metrics, traces and wakes of one process."""

    def __init__(self, *, tracing: "Tracing | None" = None) -> None:
        self.metrics = Metrics()
        self.wakes = Wakes()
        self.tracing = tracing

    def factories(self, factories: Mapping[str, DriverFactory]) -> Mapping[str, DriverFactory]:
        return {
            name: watched_factory(factory, name, self.metrics, self.tracing)
            for name, factory in factories.items()
        }

    def visit_storage(self, storage: VisitStorage, policy: Policy) -> WatchedVisitStorage:
        return WatchedVisitStorage(storage, self.metrics, self.wakes, policy, self.tracing)

    def sender(self, sender: Sender) -> "WatchedSender":
        return WatchedSender(sender, self.metrics, self.tracing)

    def close(self) -> None:
        if self.tracing is not None:
            self.tracing.close()


class WatchedSender:
    """Posts webhooks, timed. See Sender."""

    def __init__(self, sender: Sender, metrics: Metrics, tracing: "Tracing | None") -> None:
        self._sender = sender
        self._metrics = metrics
        self._tracing = tracing

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        begin = time.perf_counter()
        if self._tracing is None:
            answer = await self._sender.post(url, headers, body)
        else:
            with self._tracing.span("webhook post", {}) as span:
                answer = await self._sender.post(url, headers, body)
                if answer.status_code is not None:
                    span.set_attribute("http.response.status_code", answer.status_code)
        outcome = "accepted" if answer.accepted else "refused"
        if answer.status_code is None:
            outcome = "unreachable"
        self._metrics.posts.note(time.perf_counter() - begin, outcome)
        return answer


def tracing_if_wished(*, wished: bool) -> "Tracing | None":
    """Raises NeedsAttention when traces are wished and OpenTelemetry is not installed."""
    if not wished:
        return None
    try:
        from latchwork.observing.tracing import open_tracing

        return open_tracing()
    except ImportError as error:
        raise NeedsAttention(
            f"LATCHWORK_TRACING is on, but {error.name} is not installed: "
            "pip install 'latchwork[otel]'."
        ) from None
