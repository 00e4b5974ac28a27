"""What an observation proves: from reads of a lock to beliefs, with the events they call for.

Rules, in the order of their weight:
- `NotRead` changes nothing.
- A position without a ledger entry belongs to somebody else: it is listed, never touched.
- Only a read that shows our PIN proves it; `Occupied` confirms an acknowledged write of ours where
  the position was empty before: over an earlier PIN it proves nothing.
- Another PIN in our position, or what the lock says another hand wrote there, is not ours: the
  position is given up, never written over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from latchwork.domain import events, external
from latchwork.domain.access_code import AccessCode, Evidence, EvidenceKind
from latchwork.domain.lock_state import LockState
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.refusal import unblock_duplicates
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.window import Window, same_schedule

LANDS_WITHIN = timedelta(seconds=30)
"""How late a lock may apply a write: they were seen to confirm up to 30 s late."""


def believe(state: LockState, observed: Mapping[int, Observation], now: datetime) -> None:
    """Applies fresh reads. Positions of ours and of others alike."""
    for position, observation in observed.items():
        if isinstance(observation, NotRead):
            continue
        entry = state.ledger.get(position)
        if entry is None:
            _believe_foreign(state, position, observation, now)
        elif isinstance(observation, Empty):
            _found_empty(state, entry, now)
        elif isinstance(observation, Occupied):
            _found_occupied(state, entry, observation, now)
        else:
            _found_pin(state, entry, observation, now)


def believe_scan(state: LockState, scanned: Mapping[int, Observation], now: datetime) -> None:
    """Applies a scan, which may come from a cache: it tells of other people's codes only, and not
    of one that a caller wishes something of, which takes a fresh read."""
    fresh_only = state.ledger.keys() | state.wished_positions()
    believe(state, {p: seen for p, seen in scanned.items() if p not in fresh_only}, now)


def _believe_foreign(
    state: LockState, position: int, observation: Empty | Occupied | Holds, now: datetime
) -> None:
    known = state.foreign.get(position)
    if isinstance(observation, Empty):
        if known is not None:
            state.drop_foreign(position)
            _tell_foreign(state, events.UNMANAGED_REMOVED, known, now)
            _unblock_duplicates_of(state, known)
        return
    if known is None:
        _add_foreign(state, position, observation, now)
        return
    if isinstance(observation, Occupied):
        return
    if known.pin is not None and known.pin != observation.pin:
        state.drop_foreign(position)
        _tell_foreign(state, events.UNMANAGED_REMOVED, known, now)
        _add_foreign(state, position, observation, now)
        _unblock_duplicates_of(state, known)
        return
    window = _known_window(observation)
    seen = msgspec.structs.replace(
        known, pin=observation.pin, window=window, name=observation.name or known.name
    )
    if seen != known:
        state.set_foreign(seen)
    if (seen.pin, seen.window) != (known.pin, known.window):
        _unblock_duplicates_of(state, known)


def _known_window(observation: Occupied | Holds) -> Window | None:
    return None if observation.window is msgspec.UNSET else observation.window


def _add_foreign(
    state: LockState, position: int, observation: Occupied | Holds, now: datetime
) -> None:
    found = ForeignCode(
        unmanaged_access_code_id=state.new_id(),
        device_id=state.device.device_id,
        position=position,
        pin=observation.pin if isinstance(observation, Holds) else None,
        name=observation.name,
        window=_known_window(observation),
        created_at=now,
    )
    state.set_foreign(found)
    _tell_foreign(state, events.UNMANAGED_CREATED, found, now)


def _tell_foreign(state: LockState, event_type: str, code: ForeignCode, now: datetime) -> None:
    state.tell_device(
        events.NewEvent(
            event_type=event_type,
            occurred_at=now,
            device_id=state.device.device_id,
            connected_account_id=state.account.connected_account_id,
            access_code_id=code.unmanaged_access_code_id,
        )
    )


def _found_empty(state: LockState, entry: LedgerEntry, now: datetime) -> None:
    code = state.codes.get(entry.access_code_id)
    if code is None or code.is_leaving(now) or entry.phase is Phase.CLEARING:
        if not _may_still_land(entry, code, now):
            _removed(state, entry, code, now)
            # The clear made room for a write: a try of its own.
            state.attempted.discard(entry.access_code_id)
    elif code.blocked is not None:
        state.drop_entry(entry.position)
    elif entry.phase is Phase.CONFIRMED:
        external.removed_by_hand(state, entry, code, now)
    elif entry.phase is not Phase.RESERVED or entry.earlier_pins or entry.confirmed_pin:
        earlier = entry.earlier_pins if _may_still_land(entry, code, now) else ()
        state.set_entry(
            msgspec.structs.replace(
                entry, phase=Phase.RESERVED, earlier_pins=earlier, confirmed_pin=None
            )
        )


def _may_still_land(entry: LedgerEntry, code: AccessCode | None, now: datetime) -> bool:
    """Whether a write of ours that no read has shown yet may be applied after this one: what is
    empty now would open the door then. A write that the lock refused lands no more."""
    return (
        entry.written_at is not None
        and entry.confirmed_pin != entry.pin
        and (code is None or code.blocked is None)
        and now - entry.written_at < LANDS_WITHIN
    )


def _removed(state: LockState, entry: LedgerEntry, code: AccessCode | None, now: datetime) -> None:
    state.drop_entry(entry.position)
    _unblock_duplicates_of(state, entry)
    if code is None:
        return
    code = state.set_code(code, evidence=None, scheduled_on_device=False)
    if code.is_leaving(now) and (entry.written_at is not None or entry.confirmed_at is not None):
        state.tell(events.REMOVED_FROM_DEVICE, code, now)


def _found_occupied(
    state: LockState, entry: LedgerEntry, observation: Occupied, now: datetime
) -> None:
    if observation.by_other:
        _foreign_in_our_position(state, entry, observation, now)
        return
    if entry.phase in (Phase.RESERVED, Phase.CLEARING):
        return
    if entry.phase is Phase.CONFIRMED and not _schedule_agrees(observation.window, entry):
        external.window_changed(state, entry, observation.window, now)
    elif _schedule_agrees(observation.window, entry) and not entry.earlier_pins:
        _confirm(state, entry, EvidenceKind.OCCUPIED, observation.name, now)


def _found_pin(state: LockState, entry: LedgerEntry, observation: Holds, now: datetime) -> None:
    pin = observation.pin
    ours = pin == entry.pin
    if not ours and pin not in entry.earlier_pins and pin != entry.confirmed_pin:
        _foreign_in_our_position(state, entry, observation, now)
    elif entry.phase is Phase.CLEARING or not ours:
        _not_yet_applied(state, entry)
    elif _schedule_agrees(observation.window, entry):
        _confirm(state, entry, EvidenceKind.READ_BACK, observation.name, now)
    elif entry.phase is Phase.CONFIRMED:
        external.window_changed(state, entry, observation.window, now)
    else:
        _not_yet_applied(state, entry)


def _schedule_agrees(seen: Window | msgspec.UnsetType | None, entry: LedgerEntry) -> bool:
    return isinstance(seen, msgspec.UnsetType) or same_schedule(seen, entry.window)


def _confirm(
    state: LockState,
    entry: LedgerEntry,
    kind: EvidenceKind,
    name: str | None,
    now: datetime,
) -> None:
    was_proven = entry.phase is Phase.CONFIRMED
    proven = msgspec.structs.replace(
        entry,
        phase=Phase.CONFIRMED,
        confirmed_pin=entry.pin,
        confirmed_at=now,
        earlier_pins=(),
    )
    state.set_entry(proven)
    if replaced := entry.pins - {entry.pin}:
        unblock_duplicates(state, replaced, None)
    code = state.codes.get(entry.access_code_id)
    if code is not None:
        state.set_code(
            code,
            evidence=Evidence(
                kind=kind, position=entry.position, generation=entry.generation, observed_at=now
            ),
        )
    if name is not None and state.device.capabilities.name_max_length is not None:
        _found_name(state, proven, name, now, was_proven=was_proven)


def _found_name(
    state: LockState, entry: LedgerEntry, name: str, now: datetime, *, was_proven: bool
) -> None:
    if was_proven and entry.appearance not in (None, name):
        external.name_changed(state, entry, name, now)
    elif not was_proven and entry.appearance == name != entry.name:
        # The lock said yes to another name and tells the old one still: it is written again.
        state.set_entry(msgspec.structs.replace(entry, name=None))
    else:
        state.set_entry(msgspec.structs.replace(entry, appearance=name))


def _not_yet_applied(state: LockState, entry: LedgerEntry) -> None:
    if entry.phase is Phase.ACKNOWLEDGED:
        state.set_entry(msgspec.structs.replace(entry, phase=Phase.RESERVED))


def _foreign_in_our_position(
    state: LockState, entry: LedgerEntry, observation: Holds | Occupied, now: datetime
) -> None:
    code = state.codes.get(entry.access_code_id)
    pin = observation.pin if isinstance(observation, Holds) else None
    was_proven = entry.phase is Phase.CONFIRMED
    is_allowed = (
        was_proven
        and code is not None
        and code.allow_external_modification
        and not code.is_leaving(now)
    )
    if is_allowed and code is not None and pin is not None:
        external.pin_adopted(state, entry, code, pin, now)
        kept = msgspec.structs.replace(state.ledger[entry.position], phase=Phase.ACKNOWLEDGED)
        _confirm(state, kept, EvidenceKind.READ_BACK, observation.name, now)
        return
    state.drop_entry(entry.position)
    _add_foreign(state, entry.position, observation, now)
    _unblock_duplicates_of(state, entry)
    if code is None:
        return
    if code.is_leaving(now):
        code = state.set_code(code, evidence=None, scheduled_on_device=False)
        state.tell(events.REMOVED_FROM_DEVICE, code, now)
    elif was_proven:
        external.pin_replaced(state, code, now)
    else:
        state.set_code(code, evidence=None)


def _unblock_duplicates_of(state: LockState, gone: ForeignCode | LedgerEntry) -> None:
    if isinstance(gone, LedgerEntry):
        unblock_duplicates(state, gone.pins, gone.access_code_id)
    else:
        pins = () if gone.pin is None else (gone.pin,)
        unblock_duplicates(state, pins, gone.unmanaged_access_code_id)
