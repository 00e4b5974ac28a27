"""PINs at positions, on locks of both command classes: what all of it has in common.

A position is a User Code slot, or the user and the credential slot of that number.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from latchwork.domain.errors import Conflict
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.zwave_js.node import LockNode

MASK: Final = "*"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = Window(_EPOCH, _EPOCH)


class Codes(Protocol):
    """Reads and writes the PINs of one lock, without their schedules."""

    async def read(self, position: int) -> Observation:
        """A fresh read; NotRead when the lock does not answer, RetryLater when it is lost."""

    async def scan(self) -> Mapping[int, Observation]:
        """All positions that hold something, in one command. Unsupported where there is none."""

    async def write(self, position: int, pin: Pin, name: str | None) -> None:
        """Stores and enables a PIN. Raises Conflict, Rejected or RetryLater."""

    async def clear(self, position: int) -> None:
        """Empties a position; RetryLater when the lock does not say that it is empty."""


def pin_of(data: Any) -> Pin | None:
    """The PIN in a report; None when it is masked, absent or no printable text."""
    if not isinstance(data, str) or not data or not data.isascii() or not data.isprintable():
        return None
    return None if set(data) == {MASK} else Pin(data)


def stored(data: Any, *, enabled: bool) -> Observation:
    """What an occupied position says. A PIN that the lock has disabled is valid never: it is told
    with an empty window, so that nobody takes it for one that opens the door."""
    pin = pin_of(data)
    if pin is None:
        return Occupied() if enabled else Occupied(window=NEVER)
    return Holds(pin) if enabled else Holds(pin, window=NEVER)


async def conflict(lock: LockNode, codes: Codes, position: int, pin: Pin) -> Conflict:
    """The error for a PIN that the lock refused as a duplicate, with the position that holds it
    where Z-Wave JS remembers one and the lock confirms it."""
    message = "The lock holds this PIN already."
    for other in await lock.commands.cached_credentials(lock.credential_type):
        if other.slot == position or pin_of(other.data) != pin:
            continue
        seen = await codes.read(other.slot)
        if isinstance(seen, Holds) and seen.pin == pin:
            return Conflict(message, other.slot)
    return Conflict(message)


def remember(lock: LockNode, position: int, observation: Observation) -> None:
    """Notes what was read, so that Z-Wave JS's own events of it are told from news."""
    if isinstance(observation, Holds):
        lock.seen[position] = observation.pin
    elif isinstance(observation, Empty):
        lock.seen[position] = None
    elif not isinstance(observation, NotRead):
        lock.seen.pop(position, None)
