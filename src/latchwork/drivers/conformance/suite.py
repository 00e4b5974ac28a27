"""The suite for pytest.

from latchwork.drivers.conformance.suite import conform, every_behaviour

@every_behaviour
async def test_conformance(behaviour: Behaviour, bench: MyBench) -> None:
    await conform(behaviour, bench, bench.locks[0], unable={"native_window"})
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

import pytest

from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.bench import Bench, LockUnderTest
from latchwork.drivers.conformance.outcome import Outcome, save
from latchwork.drivers.conformance.run import BEHAVIOURS, play

RESULTS: Final = "LATCHWORK_CONFORMANCE_RESULTS"
"""The environment variable that names the folder for outcomes; without it none are kept."""

every_behaviour = pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.test_id)


async def conform(
    behaviour: Behaviour, bench: Bench, lock: LockUnderTest, *, unable: Collection[str] = ()
) -> None:
    """Plays the behaviour; see `judge`."""
    judge(await play(behaviour, bench, lock), unable)


def judge(outcome: Outcome, unable: Collection[str] = ()) -> None:
    """Keeps the outcome, and skips with the reason what the stack cannot show. `unable` names
    exactly those behaviours: one more or one less is a failure."""
    if folder := os.environ.get(RESULTS):
        save(outcome, Path(folder))
    if outcome.shown and outcome.behaviour in unable:
        pytest.fail(f"{outcome.lock} shows {outcome.behaviour} by now")
    if not outcome.shown and outcome.behaviour not in unable:
        pytest.fail(f"{outcome.lock} should show {outcome.behaviour}: {outcome.note}")
    if not outcome.shown:
        pytest.skip(outcome.note)
