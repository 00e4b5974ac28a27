"""Matter locks conform, on a real Matter server and matter.js."""

import pytest

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.matter_bench import MatterBench
from support.matter_rig import FRONT, GARAGE, MatterRig, RigLock

pytestmark = [pytest.mark.acceptance]

UNABLE = {
    FRONT: {"late_write", "nothing_listed"},
    GARAGE: {"late_write", "nothing_listed", "native_window", "change_of_clocks"},
}

UNDISTURBED = {"duplicate_refused", "idle"}
"""They count what a lock is asked that nobody changes: a late report of the behaviour before would
be news, which is worth a read."""


@pytest.mark.parametrize("lock", [FRONT, GARAGE], ids=lambda lock: lock.name)
@every_behaviour
async def test_conformance(rig: MatterRig, behaviour: Behaviour, lock: RigLock) -> None:
    if behaviour.name in UNDISTURBED:
        await rig.reports_passed(lock)
    bench = MatterBench(rig)
    under_test = bench.locks[[FRONT, GARAGE].index(lock)]
    await conform(behaviour, bench, under_test, unable=UNABLE[lock])
