"""What a lock will report of our own commands, so that it is told from another hand's doing.

Reports come when the server's subscription lets them, which may be a minute later. Without this the
report of a user that was made for a refused PIN, and removed again, would look like a change that
makes the PIN worth another try, for ever.
"""

import asyncio
from collections import defaultdict
from typing import Final, NamedTuple

from latchwork.drivers.matter.clusters import Change, DataType

PATIENCE: Final = 120.0
"""Seconds that a report may take; after that a like one is news."""


class Echo(NamedTuple):
    """A change of one entry: `at` is the index of the PIN, or of the user."""

    kind: int
    change: int
    at: int


class Echoes:
    """Of one lock."""

    def __init__(self) -> None:
        self._until: dict[Echo, list[float]] = defaultdict(list)

    def expect(self, kind: DataType, change: Change, index: int) -> None:
        """One report of this is ours, whatever the lock answers to the command."""
        self._until[Echo(kind, change, index)].append(_now() + PATIENCE)

    def take(self, echo: Echo) -> bool:
        """Whether a report is one that is expected; then it is so no more."""
        waiting = [until for until in self._until.pop(echo, []) if until >= _now()]
        if len(waiting) > 1:
            self._until[echo] = waiting[1:]
        return bool(waiting)


def _now() -> float:
    return asyncio.get_running_loop().time()
