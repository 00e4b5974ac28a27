"""Changes by another hand: what they are called, who is told, and whether they are let be.

A code whose owner allows changes by hand keeps them, with a warning; any other is set again, with
an error that its proof takes away. A changed window, and a code switched off on the lock, are put
back in any case: with them `set` would be a lie.
"""

from datetime import datetime
from typing import Any

import msgspec

from latchwork.domain import events
from latchwork.domain.access_code import AccessCode, Blocked
from latchwork.domain.lock_state import LockState
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem, added
from latchwork.domain.slots import LedgerEntry, Phase
from latchwork.domain.window import Window

CONFLICTING = "conflicting_external_modification"
IN_EFFECT = "external_modification_in_effect"
INACTIVE = "access_code_inactive"

PIN_CHANGED: tuple[dict[str, Any], ...] = ({"field": "code", "from": None, "to": None},)
"""The PINs themselves are secrets: what changed is named, the values are not."""


def removed_by_hand(state: LockState, entry: LedgerEntry, code: AccessCode, now: datetime) -> None:
    """The position of a proven code was found empty."""
    if code.allow_external_modification:
        state.drop_entry(entry.position)
        code = _let_be(state, code, now, "removed", ())
        code = state.set_code(
            code, evidence=None, scheduled_on_device=False, blocked=Blocked.EXTERNAL
        )
    else:
        state.set_entry(
            msgspec.structs.replace(
                entry,
                phase=Phase.RESERVED,
                earlier_pins=(),
                confirmed_pin=None,
                written_at=None,
                confirmed_at=None,
                appearance=None,
            )
        )
        code = _conflicts(state, code, now, "removed", ())
    state.tell(events.DELETED_EXTERNALLY, code, now)


def pin_adopted(
    state: LockState, entry: LedgerEntry, code: AccessCode, pin: Pin, now: datetime
) -> AccessCode:
    """The owner allows changes by hand: what was keyed in is the code's PIN from now on."""
    state.set_entry(
        msgspec.structs.replace(
            entry, pin=pin, confirmed_pin=pin, earlier_pins=(), confirmed_at=now
        )
    )
    code = state.set_code(code, pin=pin)
    code = _let_be(state, code, now, "modified", PIN_CHANGED)
    state.tell(events.MODIFIED_EXTERNALLY, code, now)
    return code


def pin_replaced(state: LockState, code: AccessCode, now: datetime) -> None:
    """Another PIN stands where ours was proven; ours goes to another position, or nowhere where
    the owner allows changes."""
    if code.allow_external_modification:
        code = _let_be(state, code, now, "modified", PIN_CHANGED)
        code = state.set_code(
            code, evidence=None, scheduled_on_device=False, blocked=Blocked.EXTERNAL
        )
    else:
        code = _conflicts(state, code, now, "modified", PIN_CHANGED)
    state.tell(events.MODIFIED_EXTERNALLY, code, now)


def name_changed(state: LockState, entry: LedgerEntry, seen: str, now: datetime) -> None:
    """The lock tells another name than at the last proof; the PIN stands."""
    code = state.codes.get(entry.access_code_id)
    if code is None or code.is_leaving(now):
        return
    fields = ({"field": "name", "from": entry.appearance, "to": seen},)
    if code.allow_external_modification:
        state.set_entry(msgspec.structs.replace(entry, appearance=seen))
        code = _let_be(state, code, now, "modified", fields)
    else:
        # Nothing written there counts as this name any more: it is written anew.
        state.set_entry(msgspec.structs.replace(entry, name=None, appearance=seen))
        code = state.set_code(code, errors=added(code.errors, _conflict("modified", fields, now)))
    state.tell(events.MODIFIED_EXTERNALLY, code, now)


def window_changed(
    state: LockState, entry: LedgerEntry, seen: Window | msgspec.UnsetType | None, now: datetime
) -> None:
    """The lock tells another schedule than was proven, or that the code is switched off."""
    state.set_entry(msgspec.structs.replace(entry, phase=Phase.RESERVED))
    code = state.codes.get(entry.access_code_id)
    if code is None or code.is_leaving(now):
        return
    found = seen if isinstance(seen, Window) else Window()
    if found.is_empty:
        text = "The code is switched off on the lock; it is being set again."
        code = state.set_code(code, errors=added(code.errors, Problem(INACTIVE, text, now)))
        code = _conflicts(state, code, now, "modified", ())
    else:
        wanted = entry.window or Window()
        fields = tuple(
            {"field": name, "from": _text(getattr(wanted, name)), "to": _text(getattr(found, name))}
            for name in ("starts_at", "ends_at")
            if getattr(wanted, name) != getattr(found, name)
        )
        code = _conflicts(state, code, now, "modified", fields)
    state.tell(events.MODIFIED_EXTERNALLY, code, now)


def _conflict(change_type: str, fields: tuple[dict[str, Any], ...], now: datetime) -> Problem:
    return Problem(
        code=CONFLICTING,
        message=f"The code was {change_type} on the lock by another hand; it is being set again.",
        created_at=now,
        detail={"change_type": change_type, "modified_fields": list(fields)},
    )


def _conflicts(
    state: LockState,
    code: AccessCode,
    now: datetime,
    change_type: str,
    fields: tuple[dict[str, Any], ...],
) -> AccessCode:
    return state.set_code(
        code,
        errors=added(code.errors, _conflict(change_type, fields, now)),
        evidence=None,
        scheduled_on_device=False,
    )


def _let_be(
    state: LockState,
    code: AccessCode,
    now: datetime,
    change_type: str,
    fields: tuple[dict[str, Any], ...],
) -> AccessCode:
    warning = msgspec.structs.replace(
        _conflict(change_type, fields, now),
        code=IN_EFFECT,
        message=f"The code was {change_type} on the lock by another hand, as its owner allows.",
    )
    return state.set_code(code, warnings=added(code.warnings, warning))


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
