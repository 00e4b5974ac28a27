"""One Z-Wave rig of each network for all tests of this folder, and one connection for each test."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import pytest

from latchwork.drivers.protocol import DevicesFound, Driver
from support.zwave_connection import Connection, make_driver
from support.zwave_rig import LOCKS, SECURED_LOCKS, SLEEPING_LOCK, V1_LOCK, ZwaveRig


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[ZwaveRig]:
    yield from running(request, "plain")


@pytest.fixture(scope="session")
def secured(request: pytest.FixtureRequest) -> Iterator[ZwaveRig]:
    yield from running(request, "secured")


@pytest.fixture(scope="session")
def sleeping(request: pytest.FixtureRequest) -> Iterator[ZwaveRig]:
    for rig in running(request, "sleeping"):
        rig.interview(SLEEPING_LOCK)
        yield rig


def running(request: pytest.FixtureRequest, network: str) -> Iterator[ZwaveRig]:
    failed_before = request.session.testsfailed
    with ZwaveRig(network=network, time_zone="Europe/Amsterdam") as rig:
        yield rig
        rig.keep_logs = request.session.testsfailed > failed_before


@asynccontextmanager
async def connected(rig: ZwaveRig, nodes: Sequence[int]) -> AsyncIterator[Connection]:
    """A connection to freshly emptied locks."""
    for node in nodes:
        rig.reset(node)
    connection = Connection(make_driver(rig.url))
    await connection.until(DevicesFound, lambda p: p.complete and len(p.devices) == len(nodes))
    yield connection
    await connection.end()


@pytest.fixture
async def live(rig: ZwaveRig) -> AsyncIterator[Connection]:
    async with connected(rig, LOCKS) as connection:
        yield connection


@pytest.fixture
async def secured_live(secured: ZwaveRig) -> AsyncIterator[Connection]:
    async with connected(secured, SECURED_LOCKS) as connection:
        yield connection


@pytest.fixture
async def sleeping_live(sleeping: ZwaveRig) -> AsyncIterator[Connection]:
    async with connected(sleeping, (V1_LOCK, SLEEPING_LOCK)) as connection:
        yield connection


@pytest.fixture
def driver(live: Connection) -> Driver:
    return live.driver
