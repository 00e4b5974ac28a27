"""The Z-Wave JS driver by itself, connected and listened to."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from latchwork.drivers.protocol import Driver, DriverContext, Push
from latchwork.drivers.zwave_js.driver import factory

PATIENCE = 40.0
P = TypeVar("P", bound=Push)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())


class NoStore:
    async def load(self, _key: str) -> bytes | None:
        return None

    async def load_all(self) -> Mapping[str, bytes]:
        return {}

    async def save(self, key: str, value: bytes) -> None:
        raise AssertionError("the driver stores nothing")


def make_driver(url: str, **settings: Any) -> Driver:
    return factory(
        DriverContext(
            connected_account_id="account",
            settings=factory.check_settings({"url": url, **settings}),
            secrets={},
            clock=Clock(),
            store=NoStore(),
        )
    )


class Connection:
    """A running driver with all that it has pushed."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.pushes: list[Push] = []
        self.connected = asyncio.Event()
        self._news = asyncio.Condition()
        self.running = asyncio.create_task(driver.run(self._take, self.connected.set))

    async def _take(self, push: Push) -> None:
        async with self._news:
            self.pushes.append(push)
            self._news.notify_all()

    async def until(self, kind: type[P], wanted: Callable[[P], bool] = lambda _: True) -> P:
        """The first push of a kind that is wanted, past or to come."""

        def found() -> P | None:
            return next((p for p in self.pushes if isinstance(p, kind) and wanted(p)), None)

        async with asyncio.timeout(PATIENCE), self._news:
            while (push := found()) is None:
                await self._news.wait()
        return push

    async def end(self) -> None:
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        await self.driver.aclose()


def key(node: int) -> str:
    """The rig's provider key of a node."""
    return f"c0ffee01-{node}"
