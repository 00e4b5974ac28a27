"""An engine that is broken on purpose is caught: the quick ones here, all of them by
`make mutations`."""

import inspect
from collections.abc import Callable
from typing import Any

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


def _takes(called: Callable[..., Any]) -> int | None:
    """How many arguments; None: whatever comes."""
    taken = inspect.signature(called).parameters.values()
    return None if any(one.kind is one.VAR_POSITIONAL for one in taken) else len(taken)


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_mutation_stands_where_the_real_one_stands(name: str) -> None:
    """One that cannot even be called is noticed for nothing."""
    for owner, attribute, value in MUTATIONS[name]():
        real = getattr(owner, attribute)
        assert value != real
        if callable(value):
            assert _takes(value) in {None, _takes(real)}


@pytest.mark.parametrize("name", QUICK)
def test_a_broken_engine_is_caught(name: str) -> None:
    with broken(name):
        for seed in range(1, WITHIN + 1):
            try:
                rage(seed)
            except Failed:
                return
    pytest.fail(f"{WITHIN} seeds saw nothing of: {MUTATIONS[name].__doc__}")
