"""A driver that is watched: how many of its calls are under way at once, per lock and in all, and
what each position was written."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import Driver, DriverContext, DriverFactory, Sink

AfterWrite = Callable[[str, int], Awaitable[None]]


class Traffic:
    """Calls that were made, calls under way, and the most that ever were.

    `reads` counts those that were answered. `written` counts writes by lock and position.
    `after_write` is awaited, with lock and position, when the driver has done a write and before
    the engine learns of it.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.writes = 0
        self.clears = 0
        self.reads = 0
        self.written: Counter[tuple[str, int]] = Counter()
        self.after_write: AfterWrite | None = None
        self.most_per_lock = 0
        self.most_per_connection = 0
        self._under_way: dict[str, int] = {}

    @property
    def under_way(self) -> int:
        return sum(self._under_way.values())

    @contextmanager
    def call(self, provider_key: str) -> Iterator[None]:
        self.calls += 1
        self._under_way[provider_key] = self._under_way.get(provider_key, 0) + 1
        self.most_per_lock = max(self.most_per_lock, self._under_way[provider_key])
        self.most_per_connection = max(self.most_per_connection, self.under_way)
        try:
            yield
        finally:
            self._under_way[provider_key] -= 1


class WatchedDriver:
    """See `Driver`; every call goes to the driver that is watched."""

    def __init__(self, driver: Driver, traffic: Traffic) -> None:
        self._driver = driver
        self._traffic = traffic

    @property
    def max_concurrent_visits(self) -> int:
        return self._driver.max_concurrent_visits

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        await self._driver.run(sink, connected)

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        with self._traffic.call(provider_key):
            observed = await self._driver.observe(provider_key, positions)
        self._traffic.reads += 1
        return observed

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        with self._traffic.call(provider_key):
            return await self._driver.scan(provider_key)

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        self._traffic.writes += 1
        self._traffic.written[provider_key, position] += 1
        with self._traffic.call(provider_key):
            await self._driver.write(provider_key, position, pin, name, window)
        if self._traffic.after_write is not None:
            await self._traffic.after_write(provider_key, position)

    async def clear(self, provider_key: str, position: int) -> None:
        self._traffic.clears += 1
        with self._traffic.call(provider_key):
            await self._driver.clear(provider_key, position)

    async def lock(self, provider_key: str) -> None:
        with self._traffic.call(provider_key):
            await self._driver.lock(provider_key)

    async def unlock(self, provider_key: str) -> None:
        with self._traffic.call(provider_key):
            await self._driver.unlock(provider_key)

    async def probe(self, provider_key: str) -> bool:
        with self._traffic.call(provider_key):
            return await self._driver.probe(provider_key)

    async def simulate(self, provider_key: str, action: str, values: Mapping[str, Any]) -> bool:
        return await self._driver.simulate(provider_key, action, values)

    async def aclose(self) -> None:
        await self._driver.aclose()


class WatchedFactory:
    """See `DriverFactory`; makes the drivers of another factory, watched."""

    def __init__(self, factory: DriverFactory, traffic: Traffic) -> None:
        self.provider_display_name = factory.provider_display_name
        self.setting_fields = factory.setting_fields
        self._factory = factory
        self._traffic = traffic

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._factory.check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return WatchedDriver(self._factory(context), self._traffic)
