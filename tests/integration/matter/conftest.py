"""One Matter rig for all tests of this folder, and one connection of the driver for each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from latchwork.drivers.matter.driver import factory
from latchwork.drivers.protocol import DevicesFound, Driver
from support.driver_context import context_for
from support.matter_bench import ZONE
from support.matter_rig import LOCKS, MatterRig, why_not
from support.zwave_connection import Connection


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[MatterRig]:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    failed_before = request.session.testsfailed
    with MatterRig() as rig:
        yield rig
        rig.keep_logs = request.session.testsfailed > failed_before


@pytest.fixture
async def live(rig: MatterRig) -> AsyncIterator[Connection]:
    """A connection to freshly emptied locks."""
    for lock in LOCKS:
        rig.reset(lock)
    settings = {"url": rig.url, "time_zone": ZONE}
    connection = Connection(factory(context_for(factory, settings, {})))
    await connection.until(
        DevicesFound, lambda p: all(d.online for d in p.devices) and len(p.devices) == len(LOCKS)
    )
    yield connection
    await connection.end()


@pytest.fixture
def driver(live: Connection) -> Driver:
    return live.driver
