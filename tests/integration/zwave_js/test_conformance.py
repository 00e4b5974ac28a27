"""Every kind of Z-Wave lock conforms, on real Z-Wave JS."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.zwave_bench import PLAIN, ZwaveBench
from support.zwave_rig import CREDENTIAL_LOCK, LOCKS, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]

UNSCHEDULED = {"native_window", "change_of_clocks"}
UNABLE = {
    V1_LOCK: {"nothing_listed", *UNSCHEDULED},
    SCHEDULE_LOCK: {"nothing_listed"},
    CREDENTIAL_LOCK: {"nothing_listed", "late_write", *UNSCHEDULED},
}


@pytest.mark.parametrize("node", LOCKS)
@every_behaviour
async def test_conformance(rig: ZwaveRig, behaviour: Behaviour, node: int) -> None:
    bench = ZwaveBench(rig, PLAIN)
    await conform(behaviour, bench, bench.locks[LOCKS.index(node)], unable=UNABLE[node])
