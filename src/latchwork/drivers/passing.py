"""A driver that passes every call on to another, for whoever wants to see the calls.

It offers besides exactly what the other driver offers: the engine asks for that by type.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Self, TypeVar, cast

from latchwork.domain.access_code import Offline
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

T = TypeVar("T")


class PassingDriver:
    """See `Driver`. Made by `around`; each operation on a lock goes through `passed`."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    @classmethod
    def around(cls, driver: Driver, *arguments: Any) -> Self:
        """One that passes on all that this driver offers. `arguments` follow it to `__init__`."""
        parts = (part for offer, part in OFFERS.items() if isinstance(driver, offer))
        kind: Callable[..., Self] = type(cls.__name__, (cls, *parts), {})
        return kind(driver, *arguments)

    async def passed(
        self,
        operation: str,  # noqa: ARG002
        provider_key: str,  # noqa: ARG002
        call: Awaitable[T],
        place: object = None,  # noqa: ARG002
    ) -> T:
        """Awaits the call of an operation, such as "write". `place`: the position that it is
        about, or what else tells it from others of its kind on the lock."""
        return await call

    @property
    def max_concurrent_visits(self) -> int:
        return self._driver.max_concurrent_visits

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        await self._driver.run(sink, connected)

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        call = self._driver.observe(provider_key, positions)
        return await self.passed("observe", provider_key, call)

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        return await self.passed("scan", provider_key, self._driver.scan(provider_key))

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        call = self._driver.write(provider_key, position, pin, name, window)
        await self.passed("write", provider_key, call, position)

    async def clear(self, provider_key: str, position: int) -> None:
        call = self._driver.clear(provider_key, position)
        await self.passed("clear", provider_key, call, position)

    async def lock(self, provider_key: str) -> None:
        await self.passed("lock", provider_key, self._driver.lock(provider_key))

    async def unlock(self, provider_key: str) -> None:
        await self.passed("unlock", provider_key, self._driver.unlock(provider_key))

    async def probe(self, provider_key: str) -> bool:
        return await self.passed("probe", provider_key, self._driver.probe(provider_key))

    async def simulate(self, provider_key: str, action: str, values: Mapping[str, Any]) -> bool:
        return await self._driver.simulate(provider_key, action, values)

    async def aclose(self) -> None:
        await self._driver.aclose()


class _AutoLock(PassingDriver):
    async def configure_auto_lock(
        self, provider_key: str, *, enabled: bool, delay: float | None
    ) -> None:
        inner = cast("ConfiguresAutoLock", self._driver)
        call = inner.configure_auto_lock(provider_key, enabled=enabled, delay=delay)
        await self.passed("configure_auto_lock", provider_key, call)


class _Lists(PassingDriver):
    async def list_anew(self) -> DevicesFound:
        return await cast("ListsAnew", self._driver).list_anew()


class _Issues(PassingDriver):
    async def issue(self, provider_key: str, grain: Offline, window: Window, reference: str) -> Pin:
        call = cast("OfflineIssuer", self._driver).issue(provider_key, grain, window, reference)
        return await self.passed("issue", provider_key, call, reference)


class _Receives(PassingDriver):
    async def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[Push]:
        return await cast("ReceivesDeliveries", self._driver).receive(headers, body)


OFFERS: Final[Mapping[type, type[PassingDriver]]] = {
    ConfiguresAutoLock: _AutoLock,
    ListsAnew: _Lists,
    OfflineIssuer: _Issues,
    ReceivesDeliveries: _Receives,
}
"""What a driver may offer besides, each with the part that passes it on."""


class PassingFactory:
    """See `DriverFactory`. `wrap` makes of each new driver the one that is handed out."""

    def __init__(self, factory: DriverFactory, wrap: Callable[[Driver], Driver]) -> None:
        self.provider_display_name = factory.provider_display_name
        self.setting_fields = factory.setting_fields
        self._factory = factory
        self._wrap = wrap

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._factory.check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return self._wrap(self._factory(context))
