"""Backup codes: a small pool of PINs that stand on a lock, told to nobody, until one is pulled in
place of a time-bound code that has come to grief.

The pool is the engine's to keep: it is filled while a time-bound code that asks for it stands, and
taken off the lock when none does. A pulled code is a code like any other, with the window of the
one that it stands in for.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain import events
from latchwork.domain.access_code import AccessCode, CodeStatus, CodeType, Pool
from latchwork.domain.action_attempt import ActionType
from latchwork.domain.commands import Command, attempt_of, changed_command
from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.generate import generate_pin
from latchwork.domain.lock_state import LockState, is_proven
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem, added, has, without
from latchwork.domain.told import event_of

NAME: Final = "Backup"
EMPTY: Final = "empty_backup_access_code_pool"
USING: Final = "using_backup_access_code"


def supports_pool(capabilities: LockCapabilities) -> bool:
    """Whether codes can stand on the lock ahead of their use, and for long."""
    return capabilities.access_codes and capabilities.positions > 1


def keep_pool(
    state: LockState, now: datetime, policy: Policy, randbelow: Callable[[int], int]
) -> bool:
    """Fills the pool, or gives it up when no code asks for it any more; says on the device when
    it is empty. Answers whether the lock has to be visited for it.

    For the end of a visit: what it adds is stored before the lock hears of it, and left out
    where another code with the PIN came in between."""
    staying = [code for code in state.codes.values() if not code.is_leaving(now)]
    waiting = [code for code in staying if code.pool is Pool.WAITING]
    is_wanted = state.device.backup_pool_enabled and any(code.wants_pool for code in staying)
    if not is_wanted:
        for code in waiting:
            _retire(state, code, now)
        _say(state, now, is_empty=False)
        return bool(waiting)
    room = state.device.capabilities.room - len(state.foreign)
    room -= sum(code.offline is None and code.pool is not Pool.WAITING for code in staying)
    missing = min(policy.backup_pool_size, room) - len(waiting)
    new = _fill(state, missing, now, randbelow)
    _say(state, now, is_empty=_is_empty(state, (*waiting, *new)))
    return bool(new)


def _fill(
    state: LockState, count: int, now: datetime, randbelow: Callable[[int], int]
) -> list[AccessCode]:
    new: list[AccessCode] = []
    for _ in range(count):
        try:
            pin = generate_pin(state.device.code_rules, state.pins(), None, randbelow)
        except Rejected:
            break
        code = AccessCode(
            access_code_id=state.new_id(),
            workspace_id=state.device.workspace_id,
            device_id=state.device.device_id,
            connected_account_id=state.account.connected_account_id,
            type=CodeType.ONGOING,
            name=NAME,
            pin=pin,
            created_at=now,
            changed_at=now,
            status=CodeStatus.SETTING,
            pool=Pool.WAITING,
        )
        state.add_code(code)
        state.tell(events.CREATED, code, now)
        new.append(code)
    return new


def _retire(state: LockState, code: AccessCode, now: datetime) -> None:
    state.set_code(
        code,
        delete_requested_at=now,
        status=CodeStatus.REMOVING,
        failures=0,
        retry_at=None,
        blocked=None,
    )


def _is_empty(state: LockState, pool: tuple[AccessCode, ...]) -> bool:
    """Whether nothing can be pulled, and it is not just a matter of moments."""
    return all(
        not is_proven(state, code)
        and (bool(code.errors) or has(code.warnings, "delay_in_setting_on_device"))
        for code in pool
    )


def _say(state: LockState, now: datetime, *, is_empty: bool) -> None:
    errors = without(state.device.errors, (EMPTY,))
    if is_empty:
        text = "No backup code stands on the lock: if a code fails, there is none to pull."
        errors = added(state.device.errors, Problem(EMPTY, text, now))
    if errors != state.device.errors:
        state.set_device(errors=errors)


def pull(
    code: AccessCode, pool: Iterable[AccessCode], now: datetime, new_id: Callable[[], str]
) -> tuple[Command, Command]:
    """The code with its backup, and the backup with the code's window; both or none are to be
    stored. `pool`: the backup codes that wait on the code's lock. Raises Rejected."""
    if code.type is not CodeType.TIME_BOUND or code.offline is not None:
        raise Rejected("access_code_id", "Only time-bound access codes have backup codes.")
    if code.is_leaving(now):
        raise Rejected("access_code_id", "The access code has ended or is being deleted.")
    if code.pulled_backup_id is not None:
        raise Rejected("access_code_id", "The access code has a backup code already.")
    if not code.use_backup_pool:
        raise Rejected(
            "access_code_id", "The access code was not made with use_backup_access_code_pool."
        )
    backup = next((c for c in pool if c.status is CodeStatus.SET), None)
    if backup is None:
        raise Rejected(EMPTY, "No backup code stands on the lock now.")
    text = "A backup code is in use in place of this one."
    original = msgspec.structs.replace(
        code,
        generation=code.generation + 1,
        changed_at=now,
        pulled_backup_id=backup.access_code_id,
        warnings=added(code.warnings, Problem(USING, text, now)),
    )
    pulled = msgspec.structs.replace(
        backup,
        type=CodeType.TIME_BOUND,
        name=code.name,
        starts_at=code.starts_at,
        ends_at=code.ends_at,
        pool=Pool.PULLED,
        generation=backup.generation + 1,
        changed_at=now,
    )
    told = event_of(
        events.BACKUP_PULLED, original, now, {"backup_access_code_id": backup.access_code_id}
    )
    update = ActionType.UPDATE_ACCESS_CODE
    return (
        Command(original, attempt_of(update, original, now, new_id), (told,), now),
        changed_command(backup, pulled, now, new_id),
    )
