"""A driver that is watched: how many of its calls are under way at once, per lock and in all, and
what each position was written."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from latchwork.drivers.passing import PassingDriver, PassingFactory
from latchwork.drivers.protocol import Driver, DriverFactory

T = TypeVar("T")

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
        self.written: Counter[tuple[str, object]] = Counter()
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


class WatchedDriver(PassingDriver):
    """See `PassingDriver`."""

    def __init__(self, driver: Driver, traffic: Traffic) -> None:
        super().__init__(driver)
        self._traffic = traffic

    async def passed(
        self, operation: str, provider_key: str, call: Awaitable[T], place: object = None
    ) -> T:
        traffic = self._traffic
        if operation == "write":
            traffic.writes += 1
            traffic.written[provider_key, place] += 1
        elif operation == "clear":
            traffic.clears += 1
        with traffic.call(provider_key):
            answer = await call
        if operation == "observe":
            traffic.reads += 1
        elif operation == "write" and traffic.after_write is not None and isinstance(place, int):
            await traffic.after_write(provider_key, place)
        return answer


def watched_factory(factory: DriverFactory, traffic: Traffic) -> DriverFactory:
    """A driver's factory whose drivers are watched."""
    return PassingFactory(factory, lambda driver: WatchedDriver.around(driver, traffic))
