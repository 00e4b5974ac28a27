"""What is written down of a position before the lock is touched there."""

import msgspec

from latchwork.domain.lock_state import LockState
from latchwork.domain.pin import Pin
from latchwork.domain.plan import Clear, Write
from latchwork.domain.slots import LedgerEntry, Phase


def reserve(state: LockState, step: Write | Clear) -> None:
    """Announces the step in the ledger. Whatever of ours may stand at the position stays known."""
    entry = state.ledger.get(step.position)
    if isinstance(step, Clear):
        if entry is not None:
            state.set_entry(msgspec.structs.replace(entry, phase=Phase.CLEARING))
        return
    earlier: tuple[Pin, ...] = ()
    confirmed_pin = confirmed_at = None
    if entry is not None:
        earlier = tuple(p for p in (entry.pin, *entry.earlier_pins) if p != step.pin)
        confirmed_pin, confirmed_at = entry.confirmed_pin, entry.confirmed_at
    state.set_entry(
        LedgerEntry(
            device_id=state.device.device_id,
            position=step.position,
            access_code_id=step.access_code_id,
            generation=step.generation,
            pin=step.pin,
            earlier_pins=earlier,
            name=step.name,
            window=step.window,
            confirmed_pin=confirmed_pin,
            confirmed_at=confirmed_at,
            appearance=None if entry is None else entry.appearance,
        )
    )
