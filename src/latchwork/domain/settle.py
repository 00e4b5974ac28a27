"""From beliefs and time to status: what each code is now, who is late, what is over.

Called after every reading of the lock; total and idempotent: with the same beliefs at the same
instant it changes nothing and tells nothing.
"""

from datetime import datetime

import msgspec

from latchwork.domain import events, problem
from latchwork.domain.access_code import AccessCode, Blocked, CodeStatus, Evidence
from latchwork.domain.lock_state import LockState, is_proven
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem
from latchwork.domain.slots import LedgerEntry, Phase
from latchwork.domain.timing import is_natively_scheduled, program_from

CURED_BY_PROOF = (
    "failed_to_set_on_device",
    "duplicate_code_on_device",
    "no_space_for_access_code_on_device",
    "conflicting_external_modification",
    "code_constraints_violated",
    "provider_issue",
)
"""Errors that end when the code is proven on the lock."""

WARNINGS_CURED_BY_PROOF = ("delay_in_setting_on_device", "unknown_issue_with_access_code")


LOW_BATTERY = "accessory_keypad_low_battery"
"""Seam's code for the battery of what the PIN is typed on, the nearest that it has."""

BATTERY_TEXT = "The lock's battery is low: programming the code may take longer or fail."


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
    code = state.set_code(
        code,
        status=CodeStatus.REMOVING,
        scheduled_on_device=False,
        warnings=problem.without(code.warnings, WARNINGS_CURED_BY_PROOF),
    )
    if entry is None:
        was_told = state.told(events.REMOVED_FROM_DEVICE, code.access_code_id)
        if code.delete_requested_at is not None or not was_told:
            state.tell(events.DELETED, code, now, pin=True)
        state.set_code(code, deleted_at=now)
        return
    late_from = removal_due(code) + policy.delay_after
    if now >= late_from:
        code = _warn(
            state,
            code,
            now,
            "delay_in_removing_from_device",
            "The code could not be removed from the lock yet; removal goes on being tried.",
            events.DELAY_IN_REMOVING,
        )
    if now >= late_from + policy.failure_deadline:
        _fail(
            state,
            code,
            now,
            "failed_to_remove_from_device",
            "The code is still on the lock: it could not be removed in time. Removal goes on "
            "being tried.",
            events.FAILED_TO_REMOVE,
        )


def removal_due(code: AccessCode) -> datetime:
    """When removal of a leaving code began to be due."""
    times = [t for t in (code.delete_requested_at, code.ends_at) if t is not None]
    return min(times)


def _settle_staying(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    if is_proven(state, code):
        _settle_proven(state, code, now, policy)
    else:
        _settle_unproven(state, code, now, policy)


def _settle_proven(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    code = _adopt_generation(state, code)
    code = state.set_code(
        code,
        errors=problem.without(code.errors, CURED_BY_PROOF),
        warnings=problem.without(code.warnings, WARNINGS_CURED_BY_PROOF),
        failures=0,
        retry_at=None,
        blocked=None,
    )
    if is_natively_scheduled(code, state.device) and not code.window.has_started(now):
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
    state.set_entry(msgspec.structs.replace(entry, generation=code.generation, name=code.name))
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
    limit = state.device.capabilities.name_max_length
    if limit is None or code.name is None:
        return None
    return code.name[:limit]


def needs_fresh_proof(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> bool:
    """Whether a preloaded code has come to its start with a proof too old to rely on, and no
    newer read was tried yet in this visit. Without a link to the lock the old proof stands."""
    evidence: Evidence | None = code.evidence
    return (
        code.status is not CodeStatus.SET
        and evidence is not None
        and now - evidence.observed_at > policy.verify_before_start
        and evidence.position not in state.tried
    )


def _become_set(state: LockState, code: AccessCode, now: datetime) -> None:
    if code.status is CodeStatus.SET:
        return
    code = state.set_code(code, status=CodeStatus.SET)
    state.tell(events.SET_ON_DEVICE, code, now, pin=True)


def _settle_unproven(state: LockState, code: AccessCode, now: datetime, policy: Policy) -> None:
    entry = state.entry_of(code)
    code = state.set_code(
        code, scheduled_on_device=False, status=_unproven_status(state, code, entry, now)
    )
    if code.status is CodeStatus.SET or code.blocked is Blocked.EXTERNAL:
        return
    if problem.has(state.device.warnings, LOW_BATTERY) and code.status is CodeStatus.SETTING:
        warning = Problem("unknown_issue_with_access_code", BATTERY_TEXT, now)
        code = state.set_code(code, warnings=problem.added(code.warnings, warning))
    late_from = expected_at(state, code, policy)
    if now >= late_from:
        code = _warn(
            state,
            code,
            now,
            "delay_in_setting_on_device",
            _why_late(state),
            events.DELAY_IN_SETTING,
        )
    if now >= late_from + policy.failure_deadline:
        mark_failed(
            state,
            code,
            now,
            "The code could not be set on the lock in time. Setting it goes on being tried.",
        )


def mark_failed(state: LockState, code: AccessCode, now: datetime, message: str) -> AccessCode:
    """Adds failed_to_set_on_device, with its event when it is new."""
    return _fail(state, code, now, "failed_to_set_on_device", message, events.FAILED_TO_SET)


def _unproven_status(
    state: LockState, code: AccessCode, entry: LedgerEntry | None, now: datetime
) -> CodeStatus:
    if _opens_meanwhile(code, entry, now):
        return code.status if code.status is CodeStatus.SET else CodeStatus.SETTING
    if code.blocked is Blocked.EXTERNAL:
        return CodeStatus.UNSET
    if code.window.has_started(now):
        return CodeStatus.SETTING
    if is_natively_scheduled(code, state.device):
        return CodeStatus.UNSET
    if now >= program_from(code, state.device, state.account):
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


def expected_at(state: LockState, code: AccessCode, policy: Policy) -> datetime:
    """From when an unproven code counts as late: at its start when it was wished in good time,
    else after a grace from the wish, or from the discovery that somebody removed it."""
    begin = program_from(code, state.device, state.account)
    grace = code.changed_at + policy.delay_after
    if code.starts_at is None or code.changed_at > min(begin, code.starts_at - policy.delay_after):
        late_from = grace if code.starts_at is None else max(code.starts_at, grace)
    else:
        late_from = code.starts_at
    for standing in code.errors:
        if standing.code == "conflicting_external_modification":
            late_from = max(late_from, standing.created_at + policy.delay_after)
    return late_from


def _why_late(state: LockState) -> str:
    """The likeliest reason first: it tells a person what to mend."""
    device, account = state.device, state.account
    text = "The code is not on the lock yet; setting it goes on being tried."
    if not account.connected:
        return f"The connection to the lock's hub or account is down. {text}"
    if not device.online:
        return f"The lock is disconnected. {text}"
    if problem.has(device.warnings, LOW_BATTERY):
        return f"The lock's battery is low. {text}"
    if problem.has(device.warnings, "device_has_flaky_connection"):
        return f"The lock's connection is weak. {text}"
    return text


def _warn(
    state: LockState, code: AccessCode, now: datetime, warning: str, message: str, event_type: str
) -> AccessCode:
    new = not problem.has(code.warnings, warning)
    code = state.set_code(
        code, warnings=problem.added(code.warnings, Problem(warning, message, now))
    )
    if new:
        state.tell(event_type, code, now)
    return code


def _fail(
    state: LockState, code: AccessCode, now: datetime, error: str, message: str, event_type: str
) -> AccessCode:
    if problem.has(code.errors, error):
        return code
    code = state.set_code(code, errors=problem.added(code.errors, Problem(error, message, now)))
    state.tell(event_type, code, now)
    return code


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
        if not is_proven(state, code):
            late_from = expected_at(state, code, policy)
            begin = program_from(code, state.device, state.account)
            times += [begin, late_from, late_from + policy.failure_deadline]
    return min((t for t in times if t is not None and t > now), default=None)
