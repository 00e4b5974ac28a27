"""Lateness: when a wish should have come true, what is said when it has not, and to whom."""

from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain import events, problem
from latchwork.domain.access_code import AccessCode
from latchwork.domain.external import CONFLICTING
from latchwork.domain.lock_state import LockState
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem

LOW_BATTERY: Final = "accessory_keypad_low_battery"
"""Seam's code for the battery of what the PIN is typed on, the nearest that it has."""
FAILED_TO_UPDATE: Final = "failed_to_update"


class Lateness(msgspec.Struct, frozen=True):
    """What stands on a late code: first a warning, then an error, each with its event once."""

    warning: str
    delayed: str
    error: str
    failed: str
    failure_text: str


SETTING: Final = Lateness(
    "delay_in_setting_on_device",
    events.DELAY_IN_SETTING,
    "failed_to_set_on_device",
    events.FAILED_TO_SET,
    "The code could not be set on the lock in time. Setting it goes on being tried.",
)
ISSUING: Final = Lateness(
    "delay_in_issuing",
    events.DELAY_IN_ISSUING,
    "failed_to_issue",
    events.FAILED_TO_ISSUE,
    "The lock's provider could not issue the code in time. It goes on being asked.",
)
REMOVING: Final = Lateness(
    "delay_in_removing_from_device",
    events.DELAY_IN_REMOVING,
    "failed_to_remove_from_device",
    events.FAILED_TO_REMOVE,
    "The code is still on the lock: it could not be removed in time. Removal goes on being tried.",
)


def tell_late(
    state: LockState,
    code: AccessCode,
    now: datetime,
    policy: Policy,
    late_from: datetime,
    what: Lateness,
    why: str,
) -> None:
    """Tells of what has been late since `late_from`, as far as it is due to be told."""
    new = not problem.has(code.warnings, what.warning)
    warnings = problem.added(code.warnings, Problem(what.warning, why, now))
    code = state.set_code(code, warnings=warnings)
    if new:
        state.tell(what.delayed, code, now)
    if now >= late_from + policy.failure_deadline:
        fail(state, code, now, what.error, what.failure_text, what.failed)


def tell_late_update(
    state: LockState, code: AccessCode, now: datetime, policy: Policy
) -> AccessCode:
    """The code opens the lock, and a change of it is not on the lock yet."""
    if code.generation == 1:
        return code
    if now < expected_at(code, state.program_from(code), policy) + policy.failure_deadline:
        return code
    text = "The last change of the code could not be made on the lock in time. It goes on being "
    return fail(state, code, now, FAILED_TO_UPDATE, f"{text}tried.", events.FAILED_TO_UPDATE)


def mark_failed(state: LockState, code: AccessCode, now: datetime, message: str) -> AccessCode:
    """Adds failed_to_set_on_device (failed_to_issue for what is issued), with its event when it
    is new."""
    what = SETTING if code.offline is None else ISSUING
    return fail(state, code, now, what.error, message, what.failed)


def fail(
    state: LockState, code: AccessCode, now: datetime, error: str, message: str, event_type: str
) -> AccessCode:
    """Adds an error, with its event when it is new."""
    if problem.has(code.errors, error):
        return code
    code = state.set_code(code, errors=problem.added(code.errors, Problem(error, message, now)))
    state.tell(event_type, code, now)
    return code


def expected_at(code: AccessCode, begin: datetime, policy: Policy) -> datetime:
    """From when an unproven code, programmed from `begin`, counts as late: at its start when it was
    wished in good time, else after a grace from the wish, or from the discovery that somebody
    removed it."""
    grace = code.changed_at + policy.delay_after
    if code.starts_at is None or code.changed_at > min(begin, code.starts_at - policy.delay_after):
        late_from = grace if code.starts_at is None else max(code.starts_at, grace)
    else:
        late_from = code.starts_at
    for standing in code.errors:
        if standing.code == CONFLICTING:
            late_from = max(late_from, standing.created_at + policy.delay_after)
    return late_from


def removal_due(code: AccessCode) -> datetime:
    """When removal of a leaving code began to be due."""
    times = [t for t in (code.delete_requested_at, code.ends_at) if t is not None]
    return min(times)


def why_late(state: LockState) -> str:
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
