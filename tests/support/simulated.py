"""A simulated connection on virtual time, with a store that outlives it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from latchwork.drivers.protocol import DevicesFound, DriverContext, Push
from latchwork.drivers.simulator.driver import SimulatorDriver, factory
from support.driver_context import KeptStore
from support.virtual_time import VirtualClock


class Connection:
    def __init__(self, settings: Mapping[str, Any], store: KeptStore, clock: VirtualClock) -> None:
        context = DriverContext(
            connected_account_id="account",
            settings=factory.check_settings(settings),
            secrets={},
            clock=clock,
            store=store,
        )
        driver = factory(context)
        assert isinstance(driver, SimulatorDriver)
        self.driver = driver
        self.clock = clock
        self.pushes: list[Push] = []

    async def sink(self, push: Push) -> None:
        self.pushes.append(push)

    async def told(self) -> list[Push]:
        """What was pushed since the list of all locks."""
        await asyncio.sleep(0.001)
        return [push for push in self.pushes if not isinstance(push, DevicesFound)]


@asynccontextmanager
async def connect(
    settings: Mapping[str, Any], store: KeptStore | None = None
) -> AsyncIterator[Connection]:
    """A live connection; with a store of an earlier one, after a restart."""
    connection = Connection(settings, store or KeptStore(), VirtualClock())
    up = asyncio.Event()
    running = asyncio.create_task(connection.driver.run(connection.sink, up.set))
    await up.wait()
    await asyncio.sleep(0.001)
    try:
        yield connection
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.driver.aclose()
