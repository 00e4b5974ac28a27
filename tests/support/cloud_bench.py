"""What the benches of lock clouds share: positions, and an address for the cloud's deliveries.

A cloud has no positions; they are the driver's own. Where the suite wants another hand's code at a
certain position, the bench says so to the driver's book.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from latchwork.domain.errors import Rejected, RetryLater
from latchwork.drivers.clouds.book import Slot
from latchwork.drivers.clouds.driver import CloudDriver
from latchwork.drivers.conformance import Bench, LockUnderTest
from latchwork.drivers.protocol import Driver, DriverContext, DriverFactory, Sink


class CaughtDriver:
    """See `Driver`; keeps hold of the sink, so that deliveries reach the engine."""

    def __init__(self, driver: CloudDriver, caught: Callable[[Sink], None]) -> None:
        self._driver = driver
        self._caught = caught

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        self._caught(sink)
        await self._driver.run(sink, connected)


class CatchingFactory:
    """See `DriverFactory`; remembers the last driver that it made."""

    def __init__(self, factory: DriverFactory, bench: "CloudBench") -> None:
        self.provider_display_name = factory.provider_display_name
        self.setting_fields = factory.setting_fields
        self._factory = factory
        self._bench = bench

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._factory.check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        context = msgspec.structs.replace(context, inbound_url=self._bench.inbound_url)
        driver = self._factory(context)
        assert isinstance(driver, CloudDriver)
        self._bench.driver = driver
        return CaughtDriver(driver, self._bench.catch)


class CloudBench(Bench):
    """`inbound_url`: where the cloud delivers to; None: it has to be polled."""

    driver: CloudDriver | None = None
    inbound_url: str | None = None
    sink: Sink | None = None

    def catch(self, sink: Sink) -> None:
        self.sink = sink

    async def deliver(self, request: web.Request) -> web.Response:
        """As the API does it."""
        if self.driver is None or self.sink is None:
            return web.Response(status=503)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            for push in await self.driver.receive(headers, await request.read()):
                await self.sink(push)
        except RetryLater:
            return web.Response(status=503)
        except Rejected:
            return web.Response(status=401)
        return web.Response(text="success")

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Takes deliveries at an address of this machine."""
        app = web.Application()
        app.router.add_post("/inbound/token", self.deliver)
        async with serving(app) as url:
            self.inbound_url = f"{url}/inbound/token"
            yield


class CloudLockUnderTest(LockUnderTest):
    """`bench` knows the driver, and so the positions."""

    bench: CloudBench

    def position_of(self, code_id: str) -> int:
        """Where the driver lists a code; 0 for one that it has not seen yet."""
        if self.bench.driver is None:
            return 0
        page = self.bench.driver._book.page(self.provider_key)
        return page.position_of(code_id) or 0

    def code_at(self, position: int) -> str | None:
        assert self.bench.driver is not None
        slot = self.bench.driver._book.page(self.provider_key).slots.get(position)
        return None if slot is None else slot.code_id

    async def list_at(self, code_id: str, position: int) -> None:
        """Has somebody else's code listed at a position."""
        assert self.bench.driver is not None
        await self.bench.driver._book.set(self.provider_key, position, Slot(code_id=code_id))


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The application on a free port of this machine."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
