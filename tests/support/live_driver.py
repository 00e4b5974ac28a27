"""A driver by itself, connected and listened to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from latchwork.drivers.protocol import DevicesFound, Driver, Push

PATIENCE = 10.0
P = TypeVar("P", bound=Push)


class LiveDriver:
    """`pushes`: all that it has told. Use `live`."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.pushes: list[Push] = []
        self._news = asyncio.Condition()
        self.running = asyncio.create_task(driver.run(self._take, lambda: None))

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
                if self.running.done():
                    await self.running
                await asyncio.wait_for(self._news.wait(), PATIENCE)
        return push


async def killed_at(driver: Driver, kind: type[Push], until: Callable[[], Awaitable[None]]) -> None:
    """Runs the driver, and ends it in the midst of storing the first push of a kind; `until` makes
    it tell that."""
    up, stuck = asyncio.Event(), asyncio.Event()

    async def take(push: Push) -> None:
        if isinstance(push, kind):
            stuck.set()
            await asyncio.Event().wait()

    running = asyncio.create_task(driver.run(take, up.set))
    try:
        async with asyncio.timeout(PATIENCE):
            await up.wait()
            await until()
            await stuck.wait()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await driver.aclose()


@asynccontextmanager
async def live(driver: Driver) -> AsyncIterator[LiveDriver]:
    """The driver once it has listed its locks; what ends it early is raised here."""
    connection = LiveDriver(driver)
    try:
        listed = asyncio.create_task(connection.until(DevicesFound))
        await asyncio.wait({listed, connection.running}, return_when=asyncio.FIRST_COMPLETED)
        if connection.running.done():
            listed.cancel()
            await connection.running
        yield connection
    finally:
        connection.running.cancel()
        await asyncio.gather(connection.running, return_exceptions=True)
        await driver.aclose()
