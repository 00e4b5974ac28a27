"""Every kind of Z-Wave lock conforms, on real Z-Wave JS."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.zwave_bench import ZwaveBench
from support.zwave_rig import CREDENTIAL_LOCK, LOCKS, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]

UNABLE = {V1_LOCK: {"native_window"}, SCHEDULE_LOCK: set[str](), CREDENTIAL_LOCK: {"native_window"}}


@pytest.mark.parametrize("node", LOCKS)
@every_behaviour
async def test_conformance(rig: ZwaveRig, behaviour: Behaviour, node: int) -> None:
    bench = ZwaveBench(rig)
    await conform(behaviour, bench, bench.locks[LOCKS.index(node)], unable=UNABLE[node])
