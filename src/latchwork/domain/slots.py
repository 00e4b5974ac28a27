"""The ownership ledger: which positions on a lock are ours, and what we wrote there."""

from datetime import datetime
from enum import StrEnum

import msgspec

from latchwork.domain.pin import Pin
from latchwork.domain.window import Window


class Phase(StrEnum):
    RESERVED = "reserved"
    """Written ahead: the lock may or may not hold it."""
    ACKNOWLEDGED = "acknowledged"
    """The lock said yes to the write; not proven."""
    CONFIRMED = "confirmed"
    """A read after the write proved it."""
    CLEARING = "clearing"
    """A removal was commanded; not proven."""


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A position that we wrote, or are about to write, for one code."""

    device_id: str
    position: int
    access_code_id: str
    generation: int
    """Of the code, when this PIN and window were chosen."""
    pin: Pin
    """What the position shall hold."""
    earlier_pins: tuple[Pin, ...] = ()
    """What we wrote there before and have not seen replaced: still ours when read back."""
    name: str | None = None
    window: Window | None = None
    """The schedule written to the lock with it; None: valid always, the lock gets no schedule."""
    phase: Phase = Phase.RESERVED
    written_at: datetime | None = None
    confirmed_at: datetime | None = None
    confirmed_pin: Pin | None = None
    """The last PIN proven here; differs from `pin` while a change is under way."""
    appearance: str | None = None
    """The name as the lock told it at the last proof."""

    @property
    def pins(self) -> set[Pin]:
        """All that may open by it: an earlier PIN opens until the new one is written over it."""
        pins = {self.pin, *self.earlier_pins}
        return pins if self.confirmed_pin is None else {*pins, self.confirmed_pin}


class ForeignCode(msgspec.Struct, frozen=True, kw_only=True):
    """A position that holds something we did not write: listed as unmanaged, and touched only
    where a caller names it. Another PIN at the position is another code."""

    unmanaged_access_code_id: str
    device_id: str
    position: int
    pin: Pin | None
    """None: the lock masks it."""
    name: str | None = None
    window: Window | None = None
    created_at: datetime
    failures: int = 0
    """Consecutive attempts to do what a caller wishes of it that the lock did not honour."""
    retry_at: datetime | None = None

    @property
    def is_nameable(self) -> bool:
        """Whether a caller can name it: a read has to show that a position holds this very code."""
        return self.pin is not None

    @property
    def is_manageable(self) -> bool:
        """Whether it can become one of ours as it stands: with a PIN that we know, and a schedule
        of a kind that we write ourselves."""
        window = self.window
        return self.is_nameable and (
            window is None or window.ends_at is not None or window.starts_at is None
        )
