"""One behaviour of the suite."""

from collections.abc import Awaitable, Callable

import msgspec

from latchwork.drivers.conformance.stage import Stage


class Behaviour(msgspec.Struct, frozen=True):
    """`title`: as a row of the table. `show` plays it on a stage and says in a few words what the
    stack really did; it raises NotConforming, or Unable where the stack cannot show it. `pains`:
    which pains of lock software it shows to be absent, by their numbers in docs/reliability.md."""

    name: str
    title: str
    show: Callable[[Stage], Awaitable[str]]
    pains: tuple[int, ...] = ()

    @property
    def test_id(self) -> str:
        """`pain_13_answer_lost`; the name alone for one that shows none."""
        return "_".join((*(f"pain_{number}" for number in self.pains), self.name))
