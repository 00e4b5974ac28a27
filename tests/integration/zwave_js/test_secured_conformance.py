"""Locks that speak S2 conform like any other, on real Z-Wave JS."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.zwave_bench import SECURED, ZwaveBench
from support.zwave_rig import S2_CREDENTIAL_LOCK, S2_SCHEDULE_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]

UNABLE = {S2_CREDENTIAL_LOCK: {"native_window"}, S2_SCHEDULE_LOCK: set[str]()}


@pytest.mark.parametrize("node", SECURED)
@every_behaviour
async def test_conformance(secured: ZwaveRig, behaviour: Behaviour, node: int) -> None:
    bench = ZwaveBench(secured, SECURED)
    await conform(behaviour, bench, bench.locks[list(SECURED).index(node)], unable=UNABLE[node])
