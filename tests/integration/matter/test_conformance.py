"""Matter locks conform, on a real Matter server and matter.js."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.matter_bench import MatterBench
from support.matter_rig import FRONT, GARAGE, MatterRig, RigLock

pytestmark = [pytest.mark.acceptance]

SLOW = {"offline_and_back", "answer_lost", "stack_restarts"}
"""Of the whole node or server, and long: shown on one lock."""
UNABLE = {FRONT: set[str](), GARAGE: {"native_window"}}


@pytest.mark.parametrize("lock", [FRONT, GARAGE], ids=lambda lock: lock.name)
@every_behaviour
async def test_conformance(rig: MatterRig, behaviour: Behaviour, lock: RigLock) -> None:
    if lock != FRONT and behaviour.name in SLOW:
        pytest.skip("shown on the lock that is no bridge's")
    if behaviour.name == "duplicate_refused":
        # Late reports of the behaviour before are changes that make a duplicate worth a new try.
        await rig.reports_passed(lock)
    bench = MatterBench(rig)
    under_test = bench.locks[[FRONT, GARAGE].index(lock)]
    await conform(behaviour, bench, under_test, unable=UNABLE[lock])
