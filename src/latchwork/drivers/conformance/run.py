"""Plays behaviours on locks."""

from typing import Final

from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.bench import Bench, LockUnderTest, Unable
from latchwork.drivers.conformance.codes import CODES
from latchwork.drivers.conformance.outcome import Outcome
from latchwork.drivers.conformance.pains import PAINS
from latchwork.drivers.conformance.reports import REPORTS
from latchwork.drivers.conformance.stage import Stage
from latchwork.drivers.conformance.troubles import TROUBLES

BEHAVIOURS: Final[tuple[Behaviour, ...]] = (*CODES, *TROUBLES, *REPORTS, *PAINS)
"""The one list, the same for every stack."""


async def play(behaviour: Behaviour, bench: Bench, lock: LockUnderTest) -> Outcome:
    """Shows the behaviour on a lock of the bench, on a stage of its own. Raises NotConforming
    where the driver or the stack falls short."""
    began = bench.clock.now()
    radio = None
    try:
        async with Stage(bench, lock) as stage:
            note = await behaviour.show(stage)
            await stage.secrets_kept()
            radio = stage.radio
        shown = True
    except Unable as reason:
        note, shown = str(reason), False
    return Outcome(
        behaviour=behaviour.name,
        lock=lock.title,
        shown=shown,
        note=note,
        radio=radio,
        seconds=round((bench.clock.now() - began).total_seconds(), 2),
    )
