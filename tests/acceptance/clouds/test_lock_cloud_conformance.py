"""The lock_cloud driver conforms, on the reference server as a real process."""

from collections.abc import Iterator

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.lock_cloud_bench import LockCloudServer, bench_on

pytestmark = [pytest.mark.acceptance]


@pytest.fixture(scope="module")
def server() -> Iterator[LockCloudServer]:
    with LockCloudServer() as server:
        yield server


@every_behaviour
async def test_conformance(server: LockCloudServer, behaviour: Behaviour) -> None:
    async with bench_on(server) as bench:
        await conform(behaviour, bench, bench.locks[0])
