"""What callers wish of codes that another hand put on a lock: to take one over, or to remove it.

Both rest on a fresh read of the same visit that shows the very PIN that was named: a code is
taken over as it stands, without a write, and nothing but that code is ever cleared.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from latchwork.domain import events
from latchwork.domain.access_code import (
    AccessCode,
    CodeStatus,
    CodeType,
    Evidence,
    EvidenceKind,
)
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.lock_state import LockState, listed
from latchwork.domain.observation import Holds, Observation
from latchwork.domain.pin import Pin
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem
from latchwork.domain.settle import lock_name
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.window import Window

GONE = "The code is no longer on the lock, or its PIN was changed by another hand."
ENDED = "The code's time frame has ended."
ODD = "The code's schedule has a beginning and no end, which codes of ours never have."
TOO_LATE = "The lock could not be read in time; nothing was done."


def fulfil(
    state: LockState, fresh: Mapping[int, Observation], now: datetime, policy: Policy
) -> None:
    """Ends every wish whose end is known: fulfilled, without its code, or too old. `fresh`: what
    this visit has read; idempotent."""
    for wish in tuple(state.wishes):
        code = state.foreign_of(wish.unmanaged_id)
        if code is None:
            _end_without_code(state, wish, now)
        elif now - wish.created_at >= policy.unmanaged_expiry:
            _fail(state, wish, now, "timed_out", Problem("provider_issue", TOO_LATE, now))
        elif wish.action_type is ActionType.CONVERT_TO_MANAGED:
            seen = fresh.get(code.position)
            if isinstance(seen, Holds) and seen.pin == code.pin:
                _take_over(state, wish, code, seen.pin, now)


def _end_without_code(state: LockState, wish: ActionAttempt, now: datetime) -> None:
    """It is gone, which is what a removal wishes; or it was taken over before."""
    is_managed = wish.unmanaged_id in state.codes
    converts = wish.action_type is ActionType.CONVERT_TO_MANAGED
    if converts == is_managed:
        _end(state, wish, AttemptStatus.SUCCESS)
        return
    if is_managed:
        message = "The access code was converted to managed meanwhile."
        _end(state, wish, AttemptStatus.ERROR, "access_code_is_managed", message)
        return
    detail = {"change_type": "removed", "modified_fields": []}
    problem = Problem("conflicting_external_modification", GONE, now, detail)
    _fail(state, wish, now, "access_code_not_found", problem)


def _take_over(
    state: LockState, wish: ActionAttempt, code: ForeignCode, pin: Pin, now: datetime
) -> None:
    window = code.window or Window()
    same = next(
        (c for c in state.codes.values() if c.pin == pin and c.window.overlaps(window)), None
    )
    if same is not None:
        problem = Problem(
            "duplicate_code_on_device",
            "The lock has a managed access code with this PIN.",
            now,
            {"managed_access_code_id": same.access_code_id},
        )
        _fail(state, wish, now, "duplicate_access_code", problem)
    elif not code.is_manageable:
        _fail(state, wish, now, "cannot_be_managed", Problem("provider_issue", ODD, now))
    elif window.has_ended(now):
        _fail(state, wish, now, "access_code_ended", Problem("access_code_inactive", ENDED, now))
    else:
        managed = _managed(state, wish, code, pin, now)
        state.adopt(managed, _entry(state, managed, code, now))
        state.tell(events.UNMANAGED_CONVERTED, managed, now)
        _end(state, wish, AttemptStatus.SUCCESS)


def _managed(
    state: LockState, wish: ActionAttempt, code: ForeignCode, pin: Pin, now: datetime
) -> AccessCode:
    window = code.window or Window()
    return AccessCode(
        access_code_id=code.unmanaged_access_code_id,
        workspace_id=state.device.workspace_id,
        device_id=code.device_id,
        connected_account_id=state.account.connected_account_id,
        type=CodeType.ONGOING if window.ends_at is None else CodeType.TIME_BOUND,
        name=code.name,
        pin=pin,
        created_at=code.created_at,
        changed_at=now,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        allow_external_modification=bool(wish.values.get("allow_external_modification")),
        status=CodeStatus.SETTING if window.has_started(now) else CodeStatus.UNSET,
        evidence=Evidence(EvidenceKind.READ_BACK, code.position, 1, now),
    )


def _entry(state: LockState, managed: AccessCode, code: ForeignCode, now: datetime) -> LedgerEntry:
    return LedgerEntry(
        device_id=code.device_id,
        position=code.position,
        access_code_id=managed.access_code_id,
        generation=managed.generation,
        pin=managed.pin,
        name=lock_name(state, managed),
        window=code.window,
        phase=Phase.CONFIRMED,
        confirmed_at=now,
        confirmed_pin=managed.pin,
    )


def _fail(
    state: LockState, wish: ActionAttempt, now: datetime, error_type: str, problem: Problem
) -> None:
    if wish.action_type is ActionType.CONVERT_TO_MANAGED:
        state.tell_device(_not_converted(state, wish, problem, now))
    _end(state, wish, AttemptStatus.ERROR, error_type, problem.message)


def _not_converted(
    state: LockState, wish: ActionAttempt, problem: Problem, now: datetime
) -> events.NewEvent:
    payload: dict[str, Any] = {
        "access_code_errors": listed((problem,), "error_code"),
        "access_code_warnings": [],
        **state.device_problem_lists(),
    }
    return events.NewEvent(
        event_type=events.UNMANAGED_NOT_CONVERTED,
        occurred_at=now,
        device_id=state.device.device_id,
        connected_account_id=state.account.connected_account_id,
        access_code_id=wish.unmanaged_id,
        payload=payload,
    )


def _end(
    state: LockState,
    wish: ActionAttempt,
    status: AttemptStatus,
    error_type: str | None = None,
    message: str | None = None,
) -> None:
    state.wishes.remove(wish)
    state.finish(
        msgspec.structs.replace(wish, status=status, error_type=error_type, error_message=message)
    )
