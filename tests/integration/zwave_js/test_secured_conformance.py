"""Locks that speak S2 conform like any other, on real Z-Wave JS."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.zwave_bench import SECURED, ZwaveBench
from support.zwave_rig import CREDENTIAL_LOCK, SCHEDULE_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]

TYPING = 0.3
"""S2 cannot follow a hand that types forty PINs a second: its reports meet the commands."""
UNABLE = {
    SCHEDULE_LOCK: {"nothing_listed"},
    CREDENTIAL_LOCK: {"nothing_listed", "late_write", "native_window", "change_of_clocks"},
}


@pytest.mark.parametrize("node", SECURED)
@every_behaviour
async def test_conformance(secured: ZwaveRig, behaviour: Behaviour, node: int) -> None:
    bench = ZwaveBench(secured, SECURED, typing=TYPING)
    await conform(behaviour, bench, bench.locks[list(SECURED).index(node)], unable=UNABLE[node])
