"""The one list of behaviours that every driver is held to, on its own stack.

What is tested is the engine and the driver together on that stack: the behaviours go through a
whole Latchwork in memory, and judge by the truth in the lock. Derive from `Bench` and
`LockUnderTest`, and play `BEHAVIOURS`; with pytest through `latchwork.drivers.conformance.suite`.
"""

from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.bench import Bench, Fault, LockUnderTest, Unable
from latchwork.drivers.conformance.outcome import NotConforming, Outcome
from latchwork.drivers.conformance.run import BEHAVIOURS, play

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Bench",
    "Fault",
    "LockUnderTest",
    "NotConforming",
    "Outcome",
    "Unable",
    "play",
]
