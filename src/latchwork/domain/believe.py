"""What an observation proves: from reads of a lock to beliefs, with the events they call for.

Rules, in the order of their weight:
- `NotRead` changes nothing.
- A position without a ledger entry belongs to somebody else: it is listed, never touched.
- Only a read that shows our PIN proves it; `Occupied` confirms an acknowledged write of ours.
- Another PIN in our position, or what the lock says another hand wrote there, is not ours: the
  position is given up, never written over.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from latchwork.domain import events
from latchwork.domain.access_code import AccessCode, Blocked, Evidence, EvidenceKind
from latchwork.domain.lock_state import LockState
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem, added, without
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.window import Window, same_schedule


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
            _unblock_duplicates(state)
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
        _unblock_duplicates(state)
        return
    window = _known_window(observation)
    seen = msgspec.structs.replace(
        known, pin=observation.pin, window=window, name=observation.name or known.name
    )
    if seen != known:
        state.set_foreign(seen)
    if (seen.pin, seen.window) != (known.pin, known.window):
        _unblock_duplicates(state)


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
        _removed(state, entry, code, now)
    elif code.blocked is not None:
        state.drop_entry(entry.position)
    elif entry.phase is Phase.CONFIRMED:
        _removed_by_hand(state, entry, code, now)
    elif entry.phase is not Phase.RESERVED or entry.earlier_pins or entry.confirmed_pin:
        state.set_entry(
            msgspec.structs.replace(
                entry, phase=Phase.RESERVED, earlier_pins=(), confirmed_pin=None
            )
        )


def _removed(state: LockState, entry: LedgerEntry, code: AccessCode | None, now: datetime) -> None:
    state.drop_entry(entry.position)
    _unblock_duplicates(state)
    if code is None:
        return
    code = state.set_code(code, evidence=None, scheduled_on_device=False)
    if code.is_leaving(now) and (entry.written_at is not None or entry.confirmed_at is not None):
        state.tell(events.REMOVED_FROM_DEVICE, code, now)


def _removed_by_hand(state: LockState, entry: LedgerEntry, code: AccessCode, now: datetime) -> None:
    if code.allow_external_modification:
        state.drop_entry(entry.position)
        code = _modified(state, code, now, "removed", [], Blocked.EXTERNAL)
    else:
        state.set_entry(_unproven(entry))
        code = _modified(state, code, now, "removed", [], None)
    state.tell(events.DELETED_EXTERNALLY, code, now)


def _unproven(entry: LedgerEntry) -> LedgerEntry:
    return msgspec.structs.replace(
        entry,
        phase=Phase.RESERVED,
        earlier_pins=(),
        confirmed_pin=None,
        written_at=None,
        confirmed_at=None,
    )


def _modified(
    state: LockState,
    code: AccessCode,
    now: datetime,
    change_type: str,
    fields: list[dict[str, Any]],
    blocked: Blocked | None,
) -> AccessCode:
    """Notes a change by another hand: a warning where the owner allows it, else an error."""
    problem = Problem(
        code="conflicting_external_modification",
        message=f"The code was {change_type} on the lock by another hand; it is being set again.",
        created_at=now,
        detail={"change_type": change_type, "modified_fields": fields},
    )
    if code.allow_external_modification:
        warning = msgspec.structs.replace(
            problem,
            code="external_modification_in_effect",
            message=f"The code was {change_type} on the lock by another hand, as its owner allows.",
        )
        return state.set_code(
            code,
            warnings=added(code.warnings, warning),
            evidence=None,
            scheduled_on_device=False,
            blocked=blocked,
        )
    return state.set_code(
        code, errors=added(code.errors, problem), evidence=None, scheduled_on_device=False
    )


def _found_occupied(
    state: LockState, entry: LedgerEntry, observation: Occupied, now: datetime
) -> None:
    if observation.by_other:
        _foreign_in_our_position(state, entry, observation, now)
        return
    if entry.phase in (Phase.RESERVED, Phase.CLEARING):
        return
    if entry.phase is Phase.CONFIRMED and not _schedule_agrees(observation.window, entry):
        _window_changed(state, entry, observation.window, now)
    elif _schedule_agrees(observation.window, entry):
        _confirm(state, entry, EvidenceKind.OCCUPIED, now)


def _found_pin(state: LockState, entry: LedgerEntry, observation: Holds, now: datetime) -> None:
    pin = observation.pin
    ours = pin == entry.pin
    if not ours and pin not in entry.earlier_pins and pin != entry.confirmed_pin:
        _foreign_in_our_position(state, entry, observation, now)
    elif entry.phase is Phase.CLEARING or not ours:
        _not_yet_applied(state, entry)
    elif _schedule_agrees(observation.window, entry):
        _confirm(state, entry, EvidenceKind.READ_BACK, now)
    elif entry.phase is Phase.CONFIRMED:
        _window_changed(state, entry, observation.window, now)
    else:
        _not_yet_applied(state, entry)


def _schedule_agrees(seen: Window | msgspec.UnsetType | None, entry: LedgerEntry) -> bool:
    return isinstance(seen, msgspec.UnsetType) or same_schedule(seen, entry.window)


def _confirm(state: LockState, entry: LedgerEntry, kind: EvidenceKind, now: datetime) -> None:
    state.set_entry(
        msgspec.structs.replace(
            entry,
            phase=Phase.CONFIRMED,
            confirmed_pin=entry.pin,
            confirmed_at=now,
            earlier_pins=(),
        )
    )
    code = state.codes.get(entry.access_code_id)
    if code is not None:
        state.set_code(
            code,
            evidence=Evidence(
                kind=kind, position=entry.position, generation=entry.generation, observed_at=now
            ),
        )


def _not_yet_applied(state: LockState, entry: LedgerEntry) -> None:
    if entry.phase is Phase.ACKNOWLEDGED:
        state.set_entry(msgspec.structs.replace(entry, phase=Phase.RESERVED))


def _window_changed(
    state: LockState,
    entry: LedgerEntry,
    seen: Window | msgspec.UnsetType | None,
    now: datetime,
) -> None:
    state.set_entry(msgspec.structs.replace(entry, phase=Phase.RESERVED))
    code = state.codes.get(entry.access_code_id)
    if code is None or code.is_leaving(now):
        return
    found = seen if isinstance(seen, Window) else Window()
    wanted = entry.window or Window()
    fields = [
        {"field": name, "from": _text(getattr(wanted, name)), "to": _text(getattr(found, name))}
        for name in ("starts_at", "ends_at")
        if getattr(wanted, name) != getattr(found, name)
    ]
    # Its window is what makes a natively scheduled code safe, so it is put back in any case.
    code = _modified(state, code, now, "modified", fields, None)
    state.tell(events.MODIFIED_EXTERNALLY, code, now)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


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
        _adopt(state, entry, code, pin, now)
        return
    state.drop_entry(entry.position)
    _add_foreign(state, entry.position, observation, now)
    _unblock_duplicates(state)
    if code is None:
        return
    if code.is_leaving(now):
        code = state.set_code(code, evidence=None, scheduled_on_device=False)
        state.tell(events.REMOVED_FROM_DEVICE, code, now)
    elif was_proven:
        # The PINs themselves are secrets: what changed is named, the values are not.
        fields = [{"field": "code", "from": None, "to": None}]
        blocked = Blocked.EXTERNAL if is_allowed else None
        code = _modified(state, code, now, "modified", fields, blocked)
        state.tell(events.MODIFIED_EXTERNALLY, code, now)
    else:
        state.set_code(code, evidence=None)


def _adopt(state: LockState, entry: LedgerEntry, code: AccessCode, pin: Pin, now: datetime) -> None:
    """The owner allows changes by hand: what was keyed in is the code's PIN from now on."""
    state.set_entry(
        msgspec.structs.replace(
            entry, pin=pin, confirmed_pin=pin, earlier_pins=(), confirmed_at=now
        )
    )
    code = state.set_code(code, pin=pin)
    code = _modified(
        state, code, now, "modified", [{"field": "code", "from": None, "to": None}], None
    )
    _confirm(state, state.ledger[entry.position], EvidenceKind.READ_BACK, now)
    state.tell(events.MODIFIED_EXTERNALLY, code, now)


def _unblock_duplicates(state: LockState) -> None:
    """The lock's codes changed: a PIN that it refused as a duplicate may be tried again."""
    for code in tuple(state.codes.values()):
        if code.blocked is Blocked.DUPLICATE:
            state.set_code(
                code,
                blocked=None,
                failures=0,
                retry_at=None,
                errors=without(code.errors, ("duplicate_code_on_device",)),
            )
