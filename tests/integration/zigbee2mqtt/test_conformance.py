"""A Zigbee lock conforms, on real Zigbee2MQTT."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.zigbee_bench import ZigbeeBench
from support.zigbee_rig import ZigbeeRig

pytestmark = [pytest.mark.acceptance]


@pytest.fixture(scope="module")
def bench(rig: ZigbeeRig) -> ZigbeeBench:
    return ZigbeeBench(rig)


@every_behaviour
async def test_conformance(bench: ZigbeeBench, behaviour: Behaviour) -> None:
    await conform(behaviour, bench, bench.locks[0])
