"""A driver that is watched: each operation on a lock timed, counted by outcome, and traced."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final, TypeVar

from latchwork.domain.errors import (
    Conflict,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.drivers.passing import PassingDriver, PassingFactory
from latchwork.drivers.protocol import Driver, DriverFactory
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


class WatchedDriver(PassingDriver):
    """See `PassingDriver`."""

    def __init__(
        self, driver: Driver, name: str, metrics: Metrics, tracing: "Tracing | None"
    ) -> None:
        super().__init__(driver)
        self._name = name
        self._metrics = metrics
        self._tracing = tracing
        self._failed: set[tuple[str, str, object]] = set()

    def _span(self, kind: str) -> AbstractContextManager[object]:
        if self._tracing is None:
            return nullcontext()
        return self._tracing.span(f"driver {kind}", {"latchwork.driver": self._name})

    async def passed(
        self, operation: str, provider_key: str, call: Awaitable[T], place: object = None
    ) -> T:
        mark = (operation, provider_key, place)
        if mark in self._failed:
            self._metrics.retries.note(self._name, operation)
        outcome, begin = "ok", time.perf_counter()
        try:
            if self._tracing is None:
                return await call
            with self._span(operation):
                return await call
        except BaseException as error:
            outcome = OUTCOMES.get(type(error), "failed")
            raise
        finally:
            took = time.perf_counter() - begin
            self._metrics.operations.note(took, self._name, operation, outcome)
            if outcome not in ANSWERS:
                self._failed.add(mark)
            elif self._failed:
                self._failed.discard(mark)


def watched(driver: Driver, name: str, metrics: Metrics, tracing: "Tracing | None") -> Driver:
    return WatchedDriver.around(driver, name, metrics, tracing)


def watched_factory(
    factory: DriverFactory, name: str, metrics: Metrics, tracing: "Tracing | None"
) -> DriverFactory:
    """A driver's factory whose drivers are watched."""
    return PassingFactory(factory, lambda driver: watched(driver, name, metrics, tracing))
