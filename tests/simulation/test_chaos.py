"""Days of random wishes, faults and crashes from a seed: the promises hold at every look, and once
the locks behave again everything ends as it was wished.

LATCHWORK_SEEDS says how many seeds (`make test` runs 500); `make simulate` runs more of them.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.chaos.mutations import broken
from support.chaos.story import Failed, rage

SEEDS = int(os.environ.get("LATCHWORK_SEEDS", "4"))
PORTION = 10
RUNNER = Path(__file__).with_name("run.py")


@pytest.mark.parametrize("first", range(1, SEEDS + 1, PORTION))
def test_promises_hold_through_faults_and_crashes(first: int) -> None:
    for seed in range(first, min(first + PORTION, SEEDS + 1)):
        rage(seed)


def test_a_seed_fixes_everything() -> None:
    """Hashes and places in memory, and with them the order of sets, differ from process to process;
    the server's own time zone does from host to host."""
    script = (
        "objects = [object() for _ in range({})]\n"
        "from support.chaos.story import rage\n"
        "print(rage(3))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script.format(objects)],
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "TZ": zone,
                "PYTHONPATH": str(RUNNER.parents[1]),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout.splitlines()[-1]
        for seed, zone, objects in (
            ("1", "UTC", 0),
            ("2", "America/St_Johns", 1_000),
            ("3", "UTC", 20_001),
        )
    }
    assert len(digests) == 1


def test_a_failure_tells_how_to_see_it_again() -> None:
    with broken("drop_an_event"), pytest.raises(Failed) as failure:
        rage(1)
    told = str(failure.value)
    assert re.search(r"became set (\d) times, told (?!\1)", told)
    assert "make simulate SEEDS=1 FIRST=1" in told
    assert "wish" in told
