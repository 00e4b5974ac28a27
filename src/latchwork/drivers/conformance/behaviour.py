"""One behaviour of the suite."""

from collections.abc import Awaitable, Callable

import msgspec

from latchwork.drivers.conformance.stage import Stage


class Behaviour(msgspec.Struct, frozen=True):
    """`title`: as a row of the table. `show` plays it on a stage and says in a few words what the
    stack really did; it raises NotConforming, or Unable where the stack cannot show it."""

    name: str
    title: str
    show: Callable[[Stage], Awaitable[str]]
