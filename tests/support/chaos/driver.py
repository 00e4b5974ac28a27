"""The simulator's driver, watched: no command reaches a lock but under the lease that stands, with
what it does written in the ledger before. Its native schedules pass through local time, as on
locks that know no other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from latchwork.domain.errors import Conflict
from latchwork.domain.observation import Holds, Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.local_time import local_end, local_start
from latchwork.drivers.protocol import Driver, DriverContext
from latchwork.drivers.simulator.driver import SimulatorDriver, SimulatorFactory
from latchwork.engine.reconciler import Reconciler
from latchwork.storage.interface import Lease
from support.chaos.trace import Trace

GRAIN = timedelta(minutes=1)
LEASE_HELD: ContextVar[tuple[str, Lease] | None] = ContextVar("lease-held", default=None)
"""Which worker's visit the present task belongs to, and its lease."""

Announced = Callable[[str, int, Pin | None], str | None]
"""Why a write of this PIN (None: a clear) at a position may not be made now; None: it may."""


class WatchedReconciler(Reconciler):
    """Names its visits, for the watch on the locks."""

    worker = "worker"
    broken: list[str]
    """Visits that failed as none may."""

    async def visit(self, lease: Lease) -> None:
        LEASE_HELD.set((self.worker, lease))
        try:
            await super().visit(lease)
        except Exception as error:
            self.broken.append(f"a visit failed: {error!r}")
            raise


class WatchedDriver(SimulatorDriver):
    def __init__(
        self,
        context: DriverContext,
        trace: Trace,
        announced: Announced,
        zones: Mapping[str, str],
        wished: dict[tuple[str, Window], Window],
    ) -> None:
        super().__init__(context)
        self._trace = trace
        self._announced = announced
        self._zones = {key: ZoneInfo(name) for key, name in zones.items()}
        self._wished = wished
        self._refused: dict[tuple[str, Pin], tuple[object, int]] = {}
        self.broken: list[str] = []

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        what = f"read {', '.join(map(str, positions))}"
        seen = await self._traced(
            provider_key, what, super().observe(provider_key, positions), tell=_seen
        )
        return {p: self._as_wished(provider_key, one) for p, one in seen.items()}

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        self._judge(provider_key, position, pin)
        stored = self._in_local_time(provider_key, window)
        call = super().write(provider_key, position, pin, name, stored)
        try:
            await self._traced(provider_key, f"write {pin.reveal()} at {position}", call)
        except Conflict:
            self._note_conflict(provider_key, pin)
            raise

    async def clear(self, provider_key: str, position: int) -> None:
        self._judge(provider_key, position, None)
        await self._traced(provider_key, f"clear {position}", super().clear(provider_key, position))

    def _judge(self, key: str, position: int, pin: Pin | None) -> None:
        wrong = self._announced(key, position, pin)
        if wrong is not None:
            self.broken.append(wrong)
            raise AssertionError(wrong)

    def _note_conflict(self, key: str, pin: Pin) -> None:
        """One attempt, then none until the lock's codes change."""
        codes = dict(self.house.lock(key).codes)
        before, count = self._refused.get((key, pin), (None, 0))
        count = count + 1 if before == codes else 1
        self._refused[key, pin] = (codes, count)
        if count > 3:
            self.broken.append(f"{key}: a refused duplicate was tried again and again")

    def _in_local_time(self, key: str, window: Window | None) -> Window | None:
        zone = self._zones.get(key)
        if window is None or zone is None or window.starts_at is None or window.ends_at is None:
            return window
        start = local_start(window.starts_at, zone, GRAIN)
        # Where an hour comes twice, the lock opens from its first pass to its second.
        end = local_end(window.ends_at, zone, GRAIN).replace(fold=1)
        kept = Window(
            start.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC)
        )
        self._wished[key, kept] = window
        return kept

    def _as_wished(self, key: str, seen: Observation) -> Observation:
        """As drivers do: a local schedule that agrees with the wished one is told as that."""
        window = getattr(seen, "window", None)
        if not isinstance(seen, Holds) or not isinstance(window, Window):
            return seen
        return msgspec.structs.replace(seen, window=self._wished.get((key, window), window))

    async def _traced(
        self,
        key: str,
        what: str,
        call: Awaitable[Any],
        tell: Callable[[Any], str] = lambda _: "acknowledged",
    ) -> Any:
        held = LEASE_HELD.get()
        who = "driver" if held is None else held[0]
        try:
            answer = await call
        except BaseException as error:
            self._trace.note(self._clock.now(), who, what, key, f"{type(error).__name__}")
            raise
        self._trace.note(self._clock.now(), who, what, key, tell(answer))
        return answer


def _seen(observed: Mapping[int, Observation]) -> str:
    return ", ".join(
        f"{position}: {_told(observation)}" for position, observation in observed.items()
    )


def _told(observation: Observation) -> str:
    pin = getattr(observation, "pin", None)
    kind = type(observation).__name__
    return kind if pin is None else f"{kind} {pin.reveal()}"


class WatchedFactory(SimulatorFactory):
    """Makes watched drivers, and keeps what their watches found over restarts."""

    def __init__(self, trace: Trace, announced: Announced, zones: Mapping[str, str]) -> None:
        wished: dict[tuple[str, Window], Window] = {}
        self._made = (trace, announced, zones, wished)
        self.drivers: list[WatchedDriver] = []

    def __call__(self, context: DriverContext) -> Driver:
        driver = WatchedDriver(context, *self._made)
        self.drivers.append(driver)
        return driver

    def broken(self) -> list[str]:
        return [wrong for driver in self.drivers for wrong in driver.broken]
