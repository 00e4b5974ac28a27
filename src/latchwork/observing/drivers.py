"""A driver that is watched: each operation on a lock timed, counted by outcome, and traced."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from latchwork.domain.access_code import Offline
from latchwork.domain.errors import (
    Conflict,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import (
    ConfiguresAutoLock,
    DevicesFound,
    Driver,
    DriverContext,
    DriverFactory,
    ListsAnew,
    OfflineIssuer,
    Push,
    ReceivesDeliveries,
    Sink,
)
from latchwork.observing.metrics import Metrics

if TYPE_CHECKING:
    from latchwork.observing.tracing import Tracing

T = TypeVar("T")

OUTCOMES: Final = {
    RetryLater: "retry_later",
    Conflict: "conflict",
    Rejected: "rejected",
    NeedsAttention: "needs_attention",
    Unsupported: "unsupported",
    asyncio.CancelledError: "timed_out",
    TimeoutError: "timed_out",
}
ANSWERS: Final = frozenset(("ok", "conflict", "rejected", "unsupported"))
"""Outcomes that settle the matter: what follows them is no retry."""


class WatchedDriver:
    """Passes every call on. See Driver."""

    def __init__(
        self, driver: Driver, name: str, metrics: Metrics, tracing: "Tracing | None"
    ) -> None:
        self._driver = driver
        self._name = name
        self._metrics = metrics
        self._tracing = tracing
        self._failed: set[tuple[str, str, object]] = set()

    @property
    def max_concurrent_visits(self) -> int:
        return self._driver.max_concurrent_visits

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        await self._driver.run(sink, connected)

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        call = self._driver.observe(provider_key, positions)
        return await self._watched("observe", provider_key, call)

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        return await self._watched("scan", provider_key, self._driver.scan(provider_key))

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        call = self._driver.write(provider_key, position, pin, name, window)
        await self._watched("write", provider_key, call, position)

    async def clear(self, provider_key: str, position: int) -> None:
        call = self._driver.clear(provider_key, position)
        await self._watched("clear", provider_key, call, position)

    async def lock(self, provider_key: str) -> None:
        await self._watched("lock", provider_key, self._driver.lock(provider_key))

    async def unlock(self, provider_key: str) -> None:
        await self._watched("unlock", provider_key, self._driver.unlock(provider_key))

    async def probe(self, provider_key: str) -> bool:
        return await self._watched("probe", provider_key, self._driver.probe(provider_key))

    async def simulate(self, provider_key: str, action: str, values: Mapping[str, Any]) -> bool:
        return await self._driver.simulate(provider_key, action, values)

    async def aclose(self) -> None:
        await self._driver.aclose()

    def _span(self, kind: str) -> AbstractContextManager[object]:
        if self._tracing is None:
            return nullcontext()
        return self._tracing.span(f"driver {kind}", {"latchwork.driver": self._name})

    async def _watched(
        self, kind: str, provider_key: str, call: Awaitable[T], place: object = None
    ) -> T:
        mark = (kind, provider_key, place)
        if mark in self._failed:
            self._metrics.retries.note(self._name, kind)
        outcome, begin = "ok", time.perf_counter()
        try:
            if self._tracing is None:
                return await call
            with self._span(kind):
                return await call
        except BaseException as error:
            outcome = OUTCOMES.get(type(error), "failed")
            raise
        finally:
            took = time.perf_counter() - begin
            self._metrics.operations.note(took, self._name, kind, outcome)
            if outcome not in ANSWERS:
                self._failed.add(mark)
            elif self._failed:
                self._failed.discard(mark)


class _AutoLock(WatchedDriver):
    async def configure_auto_lock(
        self, provider_key: str, *, enabled: bool, delay: float | None
    ) -> None:
        inner = cast("ConfiguresAutoLock", self._driver)
        call = inner.configure_auto_lock(provider_key, enabled=enabled, delay=delay)
        await self._watched("configure_auto_lock", provider_key, call)


class _Lists(WatchedDriver):
    async def list_anew(self) -> DevicesFound:
        return await cast("ListsAnew", self._driver).list_anew()


class _Issues(WatchedDriver):
    async def issue(self, provider_key: str, grain: Offline, window: Window, reference: str) -> Pin:
        call = cast("OfflineIssuer", self._driver).issue(provider_key, grain, window, reference)
        return await self._watched("issue", provider_key, call, reference)


class _Receives(WatchedDriver):
    async def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[Push]:
        return await cast("ReceivesDeliveries", self._driver).receive(headers, body)


OFFERS: Final[Mapping[type, type[WatchedDriver]]] = {
    ConfiguresAutoLock: _AutoLock,
    ListsAnew: _Lists,
    OfflineIssuer: _Issues,
    ReceivesDeliveries: _Receives,
}
"""What a driver may offer besides, each with the part that passes it on: the engine asks by type,
so a watched driver offers exactly what the driver itself does."""


def watched(driver: Driver, name: str, metrics: Metrics, tracing: "Tracing | None") -> Driver:
    """The driver, watched; it offers besides what the driver offers."""
    parts = tuple(part for offer, part in OFFERS.items() if isinstance(driver, offer))
    kind: Callable[..., WatchedDriver] = type("WatchedDriver", parts or (WatchedDriver,), {})
    return kind(driver, name, metrics, tracing)


class WatchedFactory:
    """A driver's factory whose drivers are watched. See DriverFactory."""

    def __init__(
        self, factory: DriverFactory, name: str, metrics: Metrics, tracing: "Tracing | None"
    ) -> None:
        self._factory = factory
        self._watch = (name, metrics, tracing)
        self.provider_display_name = factory.provider_display_name
        self.setting_fields = factory.setting_fields

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._factory.check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return watched(self._factory(context), *self._watch)
