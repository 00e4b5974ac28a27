"""Faults that a simulated lock can have: set by name, standing or counted down."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from latchwork.domain.errors import Rejected

ALWAYS: Final = -1
"""As a count: every time, until it is changed."""
_NUMBERS: Final = (
    "delay",
    "stale_reads",
    "late_apply",
    "clock_skew",
)
_COUNTS: Final = ("drop_answer", "ignore_writes", "ignore_clears", "unread", "fail_next")
_PACES: Final = ("fail_every", "drop_every")
_SWITCHES: Final = ("mask_pins", "offline", "hub_offline", "full", "subscription_expired")


class Flapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lock is out of reach for the first `share` (0 to 1) of every `period` seconds."""

    period: float
    share: float = 0.5

    def is_out(self, now: datetime) -> bool:
        return now.timestamp() % self.period < self.period * self.share


class Faults(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Durations are in seconds. Counts are of calls that are still to go wrong; -1 is every one."""

    delay: float = 0.0
    """Added to every call."""
    drop_answer: int = 0
    """Writes and clears that are carried out while their answer is lost."""
    ignore_writes: int = 0
    """Writes that are acknowledged and not stored."""
    ignore_clears: int = 0
    """Clears that are acknowledged and not carried out."""
    mask_pins: bool = False
    """Reads say that something is stored, not what."""
    unread: int = 0
    """Positions whose read brings nothing."""
    stale_reads: float = 0.0
    """For so long after a change, reads tell what stood there before it."""
    fail_next: int = 0
    """Calls that are not answered and do nothing."""
    fail_every: int = 0
    """Every so manieth call is not answered and does nothing; 0: none."""
    drop_every: int = 0
    """Every so manieth write or clear is carried out while its answer is lost; 0: none."""
    late_apply: float = 0.0
    """Writes and clears take effect so long after they were acknowledged."""
    offline: bool = False
    hub_offline: bool = False
    flapping: Flapping | None = None
    clock_skew: float = 0.0
    """How far the lock's own clock is ahead."""
    full: bool = False
    """The lock takes no further code."""
    subscription_expired: bool = False
    """The provider serves the lock only to a paid subscription."""

    def takes(self, name: str) -> bool:
        """Whether the counted fault strikes now; counts it down."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left != 0


def set_fault(faults: Faults, name: str, value: Any) -> None:
    """Raises Rejected naming the fault when there is none of this name or the value is no
    value for it."""
    if name == "flapping":
        faults.flapping = _flapping(value)
        return
    kinds: tuple[type, ...]
    if name in _SWITCHES:
        kinds, least = (bool,), 0.0
    elif name in _COUNTS:
        kinds, least = (int,), ALWAYS
    elif name in _PACES:
        kinds, least = (int,), 0
    elif name in _NUMBERS:
        kinds, least = (int, float), -1e9 if name == "clock_skew" else 0.0
    else:
        raise Rejected("name", f"There is no fault {name!r}; known are: {', '.join(NAMES)}.")
    fits = isinstance(value, kinds) and isinstance(value, bool) == (kinds == (bool,))
    if not fits or value < least:
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise Rejected("value", f"The fault {name} takes {expected}, not this value.")
    setattr(faults, name, value)


def made(values: Mapping[str, Any]) -> Faults:
    """Faults from names and values; raises as `set_fault` does."""
    faults = Faults()
    for name, value in values.items():
        set_fault(faults, name, value)
    return faults


def _flapping(value: Any) -> Flapping | None:
    if value is None or value is False:
        return None
    try:
        flapping = msgspec.convert(value, Flapping)
    except msgspec.ValidationError:
        flapping = Flapping(0.0)
    if not flapping.period > 0 or not 0 <= flapping.share <= 1:
        message = "The fault flapping takes {period: seconds, share: 0 to 1}, or null."
        raise Rejected("value", message)
    return flapping


NAMES: Final = tuple(sorted((*_NUMBERS, *_COUNTS, *_PACES, *_SWITCHES, "flapping")))
