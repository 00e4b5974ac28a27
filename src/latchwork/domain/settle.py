"""From beliefs and time to status: what each code is now, who is late, what is over.

Called after every reading of the lock; total and idempotent: with the same beliefs at the same
instant it changes nothing and tells nothing.
"""

from datetime import datetime

import msgspec

from latchwork.domain import events, problem
from latchwork.domain.access_code import AccessCode, Blocked, CodeStatus, Evidence
from latchwork.domain.external import CONFLICTING, INACTIVE
from latchwork.domain.late import (
    FAILED_TO_UPDATE,
    ISSUING,
    LOW_BATTERY,
    REMOVING,
    SETTING,
    expected_at,
    removal_due,
    tell_late,
    tell_late_update,
    why_late,
)
from latchwork.domain.lock_state import LockState, is_proven
from latchwork.domain.names import fitted
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem
from latchwork.domain.slots import LedgerEntry, Phase
from latchwork.domain.timing import keeps_window

CURED_BY_PROOF: tuple[str, ...] = (
    "failed_to_set_on_device",
    "failed_to_issue",
    "duplicate_code_on_device",
    "no_space_for_access_code_on_device",
    CONFLICTING,
    INACTIVE,
    "code_constraints_violated",
    "provider_issue",
    FAILED_TO_UPDATE,
)
"""Errors that end when the code is proven on the lock."""

WARNINGS_CURED_BY_PROOF = (
    "delay_in_setting_on_device",
    "delay_in_issuing",
    "unknown_issue_with_access_code",
)


BATTERY_TEXT = "The lock's battery is low: programming the code may take longer or fail."
STILL_THERE = "The code could not be removed from the lock yet; removal goes on being tried."
NOT_ISSUED = "The lock's provider has not issued the code yet; it goes on being asked."


def settle(state: LockState, now: datetime, policy: Policy) -> None:
    """Brings every code of the lock to the status that beliefs and time give it."""
    for code in tuple(state.codes.values()):
        if code.deleted_at is not None:
            continue
        if code.is_leaving(now):
            _settle_leaving(state, code, now, policy)
        else:
            _settle_staying(state, code, now, policy)


def _settle_leaving(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    entry = state.entry_of(code)
    code = _no_longer_there(state, code, CodeStatus.REMOVING)
    code = state.set_code(code, warnings=problem.without(code.warnings, WARNINGS_CURED_BY_PROOF))
    if entry is None:
        if code.offline is not None and code.is_issued:
            # It ends by the lock's own clock: there is nothing to remove.
            state.tell(events.REMOVED_FROM_DEVICE, code, now)
        was_told = state.told(events.REMOVED_FROM_DEVICE, code.access_code_id)
        if code.delete_requested_at is not None or not was_told:
            state.tell(events.DELETED, code, now, pin=True)
        state.set_code(code, deleted_at=now)
        return
    late_from = removal_due(code) + policy.delay_after
    if now >= late_from:
        tell_late(state, code, now, policy, late_from, REMOVING, STILL_THERE)


def _settle_staying(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    if is_proven(state, code):
        _settle_proven(state, code, now, policy)
    else:
        _settle_unproven(state, code, now, policy)


def _settle_proven(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    code = _adopt_generation(state, code)
    entry = state.entry_of(code)
    if entry is not None and needs_rename(state, code, entry):
        code = tell_late_update(state, code, now, policy)
        cured = tuple(e for e in CURED_BY_PROOF if e not in (CONFLICTING, FAILED_TO_UPDATE))
    else:
        code = state.set_code(code, failures=0, retry_at=None)
        cured = CURED_BY_PROOF
    code = state.set_code(
        code,
        errors=problem.without(code.errors, cured),
        warnings=problem.without(code.warnings, WARNINGS_CURED_BY_PROOF),
        blocked=None,
    )
    if keeps_window(code, state.device) and not code.window.has_started(now):
        if not code.scheduled_on_device:
            code = state.set_code(code, scheduled_on_device=True)
            state.tell(events.SCHEDULED_ON_DEVICE, code, now, pin=True)
        state.set_code(code, status=CodeStatus.UNSET)
    elif not needs_fresh_proof(state, code, now, policy):
        _become_set(state, code, now)


def _adopt_generation(state: LockState, code: AccessCode) -> AccessCode:
    """A change that needs nothing of the lock is in effect as soon as it is seen."""
    entry = state.entry_of(code)
    if entry is None or entry.generation == code.generation or needs_rename(state, code, entry):
        return code
    state.set_entry(msgspec.structs.replace(entry, generation=code.generation))
    evidence = code.evidence
    if evidence is not None:
        evidence = msgspec.structs.replace(evidence, generation=code.generation)
    return state.set_code(code, evidence=evidence)


def needs_rename(state: LockState, code: AccessCode, entry: LedgerEntry) -> bool:
    """Whether the lock stores names and stores an old one."""
    return state.device.capabilities.name_max_length is not None and entry.name != lock_name(
        state, code
    )


def lock_name(state: LockState, code: AccessCode) -> str | None:
    """The code's name as the lock can store it; None: the lock stores none."""
    capabilities = state.device.capabilities
    if capabilities.name_max_length is None:
        return None
    entry = state.entry_of(code)
    standing = None if entry is None else entry.name
    return fitted(code.name, capabilities, standing, state.other_names(code))


def needs_fresh_proof(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> bool:
    """Whether a preloaded code has come to its start with a proof too old to rely on, and no
    newer read was tried yet in this visit. Without a link to the lock the old proof stands."""
    evidence: Evidence | None = code.evidence
    return (
        code.status is not CodeStatus.SET
        and evidence is not None
        and evidence.position is not None
        and now - evidence.observed_at > policy.verify_before_start
        and evidence.position not in state.tried
    )


def _become_set(state: LockState, code: AccessCode, now: datetime) -> None:
    if code.status is CodeStatus.SET:
        return
    code = state.set_code(code, status=CodeStatus.SET)
    state.tell(events.SET_ON_DEVICE, code, now, pin=True)


def _no_longer_there(state: LockState, code: AccessCode, status: CodeStatus) -> AccessCode:
    if code.scheduled_on_device:
        state.untell(events.SCHEDULED_ON_DEVICE, code.access_code_id)
    if code.status is CodeStatus.SET and status is not CodeStatus.SET:
        state.untell(events.SET_ON_DEVICE, code.access_code_id)
    return state.set_code(code, scheduled_on_device=False, status=status)


def _settle_unproven(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    entry = state.entry_of(code)
    status = _unproven_status(state, code, entry, now)
    code = _no_longer_there(state, code, status)
    if code.blocked is Blocked.EXTERNAL:
        return
    if code.status is CodeStatus.SET:
        tell_late_update(state, code, now, policy)
        return
    is_low = code.offline is None and problem.has(state.device.warnings, LOW_BATTERY)
    if is_low and code.status is CodeStatus.SETTING:
        warning = Problem("unknown_issue_with_access_code", BATTERY_TEXT, now)
        code = state.set_code(code, warnings=problem.added(code.warnings, warning))
    late_from = expected_at(code, state.program_from(code), policy)
    if now < late_from:
        return
    if code.offline is None:
        tell_late(state, code, now, policy, late_from, SETTING, why_late(state))
    else:
        tell_late(state, code, now, policy, late_from, ISSUING, NOT_ISSUED)


def _unproven_status(
    state: LockState, code: AccessCode, entry: LedgerEntry | None, now: datetime
) -> CodeStatus:
    if _opens_meanwhile(code, entry, now):
        return code.status if code.status is CodeStatus.SET else CodeStatus.SETTING
    if code.blocked is Blocked.EXTERNAL:
        return CodeStatus.UNSET
    if code.window.has_started(now):
        return CodeStatus.SETTING
    if keeps_window(code, state.device):
        return CodeStatus.UNSET
    if now >= state.program_from(code):
        return CodeStatus.SETTING
    return CodeStatus.UNSET


def _opens_meanwhile(code: AccessCode, entry: LedgerEntry | None, now: datetime) -> bool:
    """Whether the lock still holds this PIN under an earlier window that is open now: while a
    stay is being extended the guest's PIN opens, so the code stays `set`."""
    return (
        entry is not None
        and entry.confirmed_pin == code.pin
        and entry.pin == code.pin
        and code.evidence is not None
        and entry.phase is not Phase.CLEARING
        and (entry.window is None or entry.window.contains(now))
        and code.window.contains(now)
    )


def next_change(
    state: LockState, code: AccessCode, now: datetime, policy: Policy
) -> datetime | None:
    """The next instant at which time alone changes what `settle` makes of the code."""
    times: list[datetime | None] = [code.ends_at]
    if code.is_leaving(now):
        late_from = removal_due(code) + policy.delay_after
        times = [late_from, late_from + policy.failure_deadline]
    else:
        times.append(code.starts_at)
        entry = state.entry_of(code)
        if not is_proven(state, code) or (entry and needs_rename(state, code, entry)):
            begin = state.program_from(code)
            late_from = expected_at(code, begin, policy)
            times += [begin, late_from, late_from + policy.failure_deadline]
    return min((t for t in times if t is not None and t > now), default=None)
