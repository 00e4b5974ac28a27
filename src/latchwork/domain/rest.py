"""The end of a visit: what is to be tried again, and when to look again."""

from datetime import datetime

import msgspec

from latchwork.domain.lock_state import LockState
from latchwork.domain.policy import Policy, backoff
from latchwork.domain.problem import Problem, added, has, without
from latchwork.domain.settle import next_change
from latchwork.domain.wanted import has_standing, has_work, is_misplaced, is_wanted, rests

FULL = "max_access_codes_reached"
NO_SPACE = "no_space_for_access_code_on_device"


def next_due(state: LockState, now: datetime, policy: Policy) -> datetime | None:
    """When to look again if nothing wakes the engine before; None: never by time alone."""
    times: list[datetime | None] = [_look_for_lock(state, now, policy)]
    for code in state.codes.values():
        if code.deleted_at is not None:
            continue
        times.append(next_change(state, code, now, policy))
        if code.blocked is None:
            times.append(code.retry_at)
        if has(code.errors, NO_SPACE) and state.device.scanned_at:
            times.append(state.device.scanned_at + policy.audit_interval)
    for wish in state.wishes:
        times.append(wish.created_at + policy.unmanaged_expiry)
        other = state.foreign_of(wish.unmanaged_id)
        times.append(None if other is None else other.retry_at)
    if has_standing(state):
        times.append(state.device.audit_at)
    return min((t for t in times if t is not None and t > now), default=None)


def _look_for_lock(state: LockState, now: datetime, policy: Policy) -> datetime | None:
    """When to ask a lock again that did not answer: seldom while nothing waits for it. What comes
    to wait for it meanwhile is a reason of its own, and need not wait so long."""
    at = state.device.retry_at
    if at is None or state.device.failures == 0 or has_work(state, now, policy):
        return at
    return max(at, now + policy.audit_interval)


def note_failures(state: LockState, now: datetime, policy: Policy, jitter: float) -> None:
    """At the end of a visit that reached the lock: what should be done by now and is not gets a
    back-off, so that the next visit reads again before it tries again."""
    for code in tuple(state.codes.values()):
        entry = state.entry_of(code)
        if entry is not None and is_misplaced(state, entry, now):
            pending = True
        else:
            pending = (
                is_wanted(state, code, now)
                and code.blocked is None
                and not rests(state, code)
                and (entry is not None or not has(code.errors, NO_SPACE))
            )
        if pending and (code.retry_at is None or code.retry_at <= now):
            failures = code.failures + 1
            wait = backoff(policy.code_backoff, policy.longest_backoff, failures, jitter)
            state.set_code(code, failures=failures, retry_at=now + wait)
    for position in sorted(state.wished_positions()):
        other = state.foreign[position]
        if other.retry_at is None or other.retry_at <= now:
            failures = other.failures + 1
            wait = backoff(policy.code_backoff, policy.longest_backoff, failures, jitter)
            state.set_foreign(
                msgspec.structs.replace(other, failures=failures, retry_at=now + wait)
            )


def note_fullness(state: LockState, now: datetime) -> None:
    """Warns of a lock that holds as many codes as it can, and takes the warning away."""
    most = state.device.capabilities.room
    active = len(state.ledger) + len(state.foreign)
    warnings = without(state.device.warnings, (FULL,))
    if active >= most:
        text = "The lock holds as many codes as it can. Remove some that are not needed."
        detail = {"active_access_code_count": active, "max_active_access_code_count": most}
        warnings = added(state.device.warnings, Problem(FULL, text, now, detail))
    if warnings != state.device.warnings:
        state.set_device(warnings=warnings)


def renew_audit(state: LockState, now: datetime, policy: Policy, jitter: float) -> None:
    """Sets the next audit when none is to come; spread, so that locks do not queue up, and the
    rarer the more a read costs the lock's battery."""
    audit_at = state.device.audit_at
    if audit_at is None or audit_at <= now:
        interval = policy.audit_interval * max(state.device.capabilities.read_cost, 1)
        state.set_device(audit_at=now + interval * (1.0 + 0.1 * jitter))
