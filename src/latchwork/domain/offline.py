"""Codes that a lock computes by itself: windows of a fixed grain, issued once, never taken back.

The lock and its provider share a secret; the PIN follows from it and the window. So nothing is
written to the lock, and nothing can be: neither a change nor a removal would reach it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Final

import msgspec

from latchwork.domain import events
from latchwork.domain.access_code import (
    AccessCode,
    CodeStatus,
    CodeType,
    Evidence,
    EvidenceKind,
    Offline,
)
from latchwork.domain.action_attempt import ActionType, AttemptStatus
from latchwork.domain.commands import Command, NewCode, attempt_of, check_window
from latchwork.domain.device import Device, OfflineCodes
from latchwork.domain.errors import Rejected
from latchwork.domain.lock_state import LockState
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem, Problems, added
from latchwork.domain.told import event_of
from latchwork.domain.window import Window

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
USE_SOON: Final = "igloo_algopin_must_be_used_within_24_hours"
"""Seam's code for a PIN that lapses when it is not used within a day of its start."""
ADJUSTED_IN_UTC: Final = "time_frame_adjusted_for_unknown_time_zone"


class Fitted(msgspec.Struct, frozen=True):
    """A window that the lock can compute a PIN for."""

    grain: Offline
    window: Window


def fit(window: Window, rules: OfflineCodes, zone: tzinfo, rounding: timedelta = HOUR) -> Fitted:
    """The narrowest window of the lock's grain that holds the one asked for: whole hours, or for
    longer ones whole days of the lock's clock. Raises Rejected naming the parameter at fault.

    `window`: with a start and an end; `rounding`: how far its end may be put off.
    """
    if window.starts_at is None or window.ends_at is None:
        raise Rejected(
            "ends_at", "An offline access code needs ends_at: the lock cannot forget it."
        )
    starts_at = _floor(window.starts_at, zone)
    ends_at = _ceil(window.ends_at, zone)
    if ends_at - starts_at <= timedelta(hours=rules.longest_hours):
        return Fitted(Offline.HOURLY, Window(starts_at, ends_at))
    ends_at = _days_end(starts_at, window.ends_at, rules, zone)
    if ends_at - window.ends_at > rounding:
        raise Rejected(
            "max_time_rounding",
            f"A code for more than {rules.longest_hours} hours must end at the time of day at "
            f"which it starts. The next such end is {ends_at.isoformat()}: name it as ends_at, or "
            "allow it with max_time_rounding 1d.",
        )
    return Fitted(Offline.DAILY, Window(starts_at, ends_at))


def fit_one_time(starts_at: datetime, rules: OfflineCodes, zone: tzinfo) -> Fitted:
    """The window in which a code that opens once must be used."""
    if rules.one_time_hours is None:
        raise Rejected("is_one_time_use", "The device has no one-time access codes.")
    begin = _floor(starts_at, zone)
    return Fitted(Offline.ONE_TIME, Window(begin, begin + timedelta(hours=rules.one_time_hours)))


def _days_end(
    starts_at: datetime, ends_at: datetime, rules: OfflineCodes, zone: tzinfo
) -> datetime:
    if rules.days is None:
        text = f"The lock takes offline codes for at most {rules.longest_hours} hours."
        raise Rejected("ends_at", text)
    shortest, longest = rules.days
    begin = starts_at.astimezone(zone)
    days = max(shortest, (ends_at.astimezone(zone).date() - begin.date()).days)
    end = _after_days(begin, days)
    if end < ends_at:
        days += 1
        end = _after_days(begin, days)
    if days > longest:
        raise Rejected("ends_at", f"The lock takes offline codes for at most {longest} days.")
    return end.astimezone(starts_at.tzinfo)


def _after_days(begin: datetime, days: int) -> datetime:
    """The same time of day, `days` later by the calendar of its zone."""
    return begin + timedelta(days=days)


def _floor(instant: datetime, zone: tzinfo) -> datetime:
    local = instant.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return local.astimezone(instant.tzinfo)


def _ceil(instant: datetime, zone: tzinfo) -> datetime:
    floor = _floor(instant, zone)
    return floor if floor == instant else floor + HOUR


def new_offline_code(
    wish: NewCode,
    fitted: Fitted,
    device: Device,
    now: datetime,
    new_id: Callable[[], str],
    *,
    adjusted_in_utc: bool = False,
) -> Command:
    """A code without a PIN, until its provider issues one. `adjusted_in_utc`: the lock's time
    zone is not known, so that whole hours and days were taken in UTC."""
    check_window(fitted.window.starts_at, fitted.window.ends_at, now)
    warnings: Problems = ()
    if adjusted_in_utc:
        text = "The lock's time zone is not known: whole hours and days were taken in UTC."
        warnings = added(warnings, Problem(ADJUSTED_IN_UTC, text, now))
    if fitted.grain is Offline.ONE_TIME:
        text = "The code opens once, within 24 hours of its start; then it lapses."
        warnings = added(warnings, Problem(USE_SOON, text, now))
    started = fitted.window.has_started(now)
    code = AccessCode(
        access_code_id=new_id(),
        workspace_id=device.workspace_id,
        device_id=device.device_id,
        connected_account_id=device.connected_account_id,
        type=CodeType.TIME_BOUND,
        name=wish.name,
        pin=wish.pin,
        created_at=now,
        changed_at=now,
        starts_at=fitted.window.starts_at,
        ends_at=fitted.window.ends_at,
        status=CodeStatus.SETTING if started else CodeStatus.UNSET,
        offline=fitted.grain,
        warnings=warnings,
    )
    attempt = attempt_of(
        ActionType.CREATE_ACCESS_CODE, code, now, new_id, status=AttemptStatus.SUCCESS
    )
    return Command(code, attempt, (event_of(events.CREATED, code, now),), now)


def used_up(code: AccessCode, now: datetime, new_id: Callable[[], str]) -> Command:
    """A code for one use has opened the lock: it is over."""
    ended = msgspec.structs.replace(
        code, ends_at=now, generation=code.generation + 1, changed_at=now
    )
    attempt = attempt_of(
        ActionType.UPDATE_ACCESS_CODE, ended, now, new_id, status=AttemptStatus.SUCCESS
    )
    return Command(ended, attempt, (), now)


def awaiting(state: LockState, now: datetime) -> tuple[AccessCode, ...]:
    """Codes whose PIN is to be asked for now, oldest first."""
    return tuple(
        code
        for code in state.codes.values()
        if code.offline is not None
        and not code.is_issued
        and not code.is_leaving(now)
        and code.blocked is None
        and (code.retry_at is None or code.retry_at <= now)
    )


def issued(state: LockState, code: AccessCode, pin: Pin, now: datetime) -> None:
    """The provider answered: the lock takes this PIN in the code's window."""
    evidence = Evidence(EvidenceKind.ISSUED, None, code.generation, now)
    code = state.set_code(code, pin=pin, evidence=evidence, failures=0, retry_at=None)
    state.tell(events.ISSUED, code, now, pin=True)
