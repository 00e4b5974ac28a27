"""One Z-Wave rig for all tests of this folder, and one connection of the driver for each."""

from collections.abc import AsyncIterator, Iterator

import pytest

from latchwork.drivers.protocol import DevicesFound, Driver
from support.zwave_connection import Connection, make_driver
from support.zwave_rig import LOCKS, ZwaveRig


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[ZwaveRig]:
    failed_before = request.session.testsfailed
    with ZwaveRig(time_zone="Europe/Amsterdam") as rig:
        yield rig
        rig.keep_logs = request.session.testsfailed > failed_before


@pytest.fixture
async def live(rig: ZwaveRig) -> AsyncIterator[Connection]:
    """A connection to freshly emptied locks."""
    for node in LOCKS:
        rig.reset(node)
    connection = Connection(make_driver(rig.url))
    await connection.until(DevicesFound, lambda p: p.complete and len(p.devices) == len(LOCKS))
    yield connection
    await connection.end()


@pytest.fixture
def driver(live: Connection) -> Driver:
    return live.driver
