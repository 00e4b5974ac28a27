"""What the suite needs to know of a stack: its driver, its locks, and the truth about them.

A driver's author derives from `Bench` and `LockUnderTest`. What a stack cannot do is left as it
is here: the method raises `Unable` with a reason, and the behaviour is told as not shown.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from latchwork.domain.pin import Secret
from latchwork.domain.window import Window
from latchwork.drivers.protocol import DriverFactory
from latchwork.engine.clock import Clock, SystemClock


class Unable(Exception):
    """The stack cannot show this; the message says why, as a clause: "the lock stores no..."."""


class Fault(StrEnum):
    """What can be made to go wrong. A fault stands until it is switched off or used up."""

    OFFLINE = "offline"
    """The lock is out of reach."""
    IGNORE_NEXT_WRITE = "ignore_next_write"
    """The next write is acknowledged and not stored."""
    LOSE_NEXT_ANSWER = "lose_next_answer"
    """The next write is stored and never answered."""
    MASK_READS = "mask_reads"
    """Reads say that something is stored, not what."""
    DELAY_NEXT_WRITE = "delay_next_write"
    """The next write is acknowledged at once, and stored a second later."""
    REFUSE_DUPLICATES = "refuse_duplicates"
    """A PIN that another position holds is refused. Locks that always do so do nothing here."""


class LockUnderTest(ABC):
    """One lock, with its truth past the driver and past every protocol.

    `title` is unique among all locks that are shown together: "Z-Wave, User Code V1".
    """

    title: str
    provider_key: str
    keypad_keeps_schedules: bool = True
    """Whether the keypad refuses a PIN outside the schedule that the lock stores with it."""

    @abstractmethod
    async def stored(self) -> Mapping[int, str]:
        """The PINs that the lock itself holds, by position."""

    @abstractmethod
    async def reset(self) -> None:
        """Forgets all codes and faults; the lock is in reach and its battery is full. Called
        before each behaviour, when nothing is connected."""

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        """Another hand stores a PIN; `told`: the lock reports it where it can."""
        raise Unable("nobody but the driver can program the lock here")

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        """Another hand empties a position."""
        raise Unable("nobody but the driver can program the lock here")

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        raise Unable(f"the fault {fault.value} cannot be made here")

    async def keypad(self, pin: str) -> bool:
        """Someone types a PIN, and the lock reports what comes of it; whether it opened."""
        raise Unable("the lock has no keypad here")

    async def window(self, position: int) -> Window | None:
        """The schedule that the lock itself stores at a position, as the lock understands it; None:
        none."""
        raise Unable("the stored schedule cannot be looked at here")

    async def battery(self, level: float) -> None:
        """The lock reports a battery level of 0.0 to 1.0."""
        raise Unable("the lock reports no battery here")

    async def radio_operations(self) -> int:
        """How many messages the lock has received for its codes, ever or since `reset`."""
        raise Unable("radio operations cannot be counted here")


class Bench:
    """A stack with locks, up and running.

    `provider`: the name that the driver is registered by. `secrets`: as at connect time.
    """

    provider: str
    factory: DriverFactory
    locks: Sequence[LockUnderTest]
    settings: Mapping[str, Any]
    secrets: Mapping[str, Secret] = {}
    clock: Clock = SystemClock()
    time_zone: str = "Europe/Amsterdam"
    """Where the locks are that keep schedules in local time."""
    patience: timedelta = timedelta(seconds=40)
    """How long anything may take before it counts as not happening."""
    quiet: timedelta = timedelta(seconds=1)
    """How long nothing has to happen before it counts as not going to happen."""

    async def restart(self) -> None:
        """Restarts what stands between the driver and the locks: the server, the hub."""
        raise Unable("nothing stands between the driver and the locks")

    async def list_nothing(self, *, on: bool) -> None:
        """From now on the stack lists no locks, as one does that was started a moment ago; with
        `on` False it lists them again, if it did not. The locks themselves stay as they are."""
        raise Unable("the stack cannot be made to list no locks")
