"""What a read of one position on a lock says. Three-valued, and honest about not knowing.

`Empty`     the lock said that nothing is stored there
`Occupied`  the lock said that something is stored there, and hides what
`Holds`     the lock said which PIN is stored there
`NotRead`   nothing was learned (timeout, failed read, cached value of unknown age)
"""

import msgspec

from latchwork.domain.pin import Pin
from latchwork.domain.window import Window


class Empty(msgspec.Struct, frozen=True, tag=True):
    """Nothing is stored at the position."""


class Occupied(msgspec.Struct, frozen=True, tag=True):
    """Something is stored; the lock masks the PIN.

    `window`: the schedule the lock stores with it; None: no schedule (always valid);
    UNSET: the lock did not tell. `by_other`: the lock told that another hand than ours wrote what
    is stored now; False is no word on that. `name`: what the lock or its provider calls the code.
    """

    window: Window | msgspec.UnsetType | None = msgspec.UNSET
    by_other: bool = False
    name: str | None = None


class Holds(msgspec.Struct, frozen=True, tag=True):
    """This PIN is stored. `window` and `name` as in `Occupied`."""

    pin: Pin
    window: Window | msgspec.UnsetType | None = msgspec.UNSET
    name: str | None = None


class NotRead(msgspec.Struct, frozen=True, tag=True):
    """Nothing was learned; it never changes what we believe."""

    reason: str = ""


Observation = Empty | Occupied | Holds | NotRead
