"""An engine that is broken on purpose is caught: the quick ones here, all of them by
`make mutations`."""

import pytest

from support.chaos.mutations import MUTATIONS, broken
from support.chaos.story import Failed, rage

QUICK = (
    "take_a_failed_write_for_done",
    "believe_a_removal",
    "write_before_the_ledger",
    "ignore_the_lead_time",
    "drop_an_event",
    "double_an_event",
    "give_up_a_refused_webhook",
    "skip_the_removal_at_the_end",
)
WITHIN = 20


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_engine_is_caught(name: str) -> None:
    with broken(name):
        for seed in range(1, WITHIN + 1):
            try:
                rage(seed)
            except Failed:
                return
    pytest.fail(f"{WITHIN} seeds saw nothing of: {MUTATIONS[name].__doc__}")
