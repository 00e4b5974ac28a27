"""From a caller's wish to new desired state. Pure: the instant and the new ids are arguments.

Each function answers a `Command`: what storage writes in one transaction. Raises Rejected naming
the rule that the wish breaks.
"""

from collections.abc import Callable
from datetime import datetime

import msgspec

from latchwork.domain import events, problem
from latchwork.domain.access_code import AccessCode, CodeStatus, CodeType, Pool
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.errors import Rejected
from latchwork.domain.external import IN_EFFECT
from latchwork.domain.pin import Pin
from latchwork.domain.timing import program_from
from latchwork.domain.told import event_of, told_changes

BEING_DELETED = "being_deleted"
DELETING = "The code is being removed from the lock; then it is gone."
LATEST = 2200
"""Years from then on are taken for a slip."""

OF_THE_OLD_WISH = (
    "failed_to_set_on_device",
    "failed_to_update",
    "duplicate_code_on_device",
    "code_constraints_violated",
    "no_space_for_access_code_on_device",
    "provider_issue",
)
"""Errors that an update takes away: they spoke of what is wished no more."""


class Command(msgspec.Struct, frozen=True):
    """A change of desired state. `due_at`: when the engine has to see the lock for it."""

    code: AccessCode
    attempt: ActionAttempt
    events: tuple[events.NewEvent, ...]
    due_at: datetime


class NewCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller asks for; instants are UTC."""

    pin: Pin
    name: str | None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    allow_external_modification: bool = False
    prefer_native_scheduling: bool = True
    attempt_for_offline_device: bool = True
    common_code_key: str | None = None
    use_backup_pool: bool = False


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller changes; UNSET is left as it is."""

    pin: Pin | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType | None = msgspec.UNSET
    starts_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    ends_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    type: CodeType | msgspec.UnsetType = msgspec.UNSET
    allow_external_modification: bool | msgspec.UnsetType = msgspec.UNSET
    attempt_for_offline_device: bool | msgspec.UnsetType = msgspec.UNSET


def check_window(starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> None:
    """Raises Rejected with rule `starts_at` or `ends_at`."""
    if starts_at is not None and starts_at.year >= LATEST:
        raise Rejected("starts_at", f"starts_at must lie before the year {LATEST}.")
    if ends_at is None:
        return
    if ends_at.year >= LATEST:
        raise Rejected("ends_at", f"ends_at must lie before the year {LATEST}.")
    if ends_at <= now:
        raise Rejected("ends_at", "ends_at must lie in the future.")
    if starts_at is not None and ends_at <= starts_at:
        raise Rejected("ends_at", "ends_at must lie after starts_at.")


def new_code(
    wish: NewCode,
    device: Device,
    account: ConnectedAccount,
    now: datetime,
    new_id: Callable[[], str],
) -> Command:
    """A code with ends_at is time-bound, and starts now when it names no start; one without is
    ongoing, from its start on when it names one."""
    check_window(wish.starts_at, wish.ends_at, now)
    bound = wish.ends_at is not None
    code = AccessCode(
        access_code_id=new_id(),
        workspace_id=device.workspace_id,
        device_id=device.device_id,
        connected_account_id=device.connected_account_id,
        type=CodeType.TIME_BOUND if bound else CodeType.ONGOING,
        name=wish.name,
        pin=wish.pin,
        created_at=now,
        changed_at=now,
        starts_at=now if bound and wish.starts_at is None else wish.starts_at,
        ends_at=wish.ends_at,
        allow_external_modification=wish.allow_external_modification,
        prefer_native_scheduling=wish.prefer_native_scheduling,
        attempt_for_offline_device=wish.attempt_for_offline_device,
        common_code_key=wish.common_code_key,
        use_backup_pool=wish.use_backup_pool,
    )
    due_at = max(now, program_from(code, device, account))
    if not bound and due_at <= now:
        code = msgspec.structs.replace(code, status=CodeStatus.SETTING)
    # The wish is accepted as soon as it is stored: whoever asks again is answered success.
    attempt = attempt_of(
        ActionType.CREATE_ACCESS_CODE, code, now, new_id, status=AttemptStatus.SUCCESS
    )
    # The lock's pool is filled when the code is wished for, not when it starts.
    due_at = now if code.wants_pool else due_at
    return Command(code, attempt, (event_of(events.CREATED, code, now),), due_at)


def changed_code(
    code: AccessCode, changes: Changes, now: datetime, new_id: Callable[[], str]
) -> Command:
    """The code with the next generation. Its PIN's proof, and its bond to codes that share the
    PIN, fall with its PIN; a new window or name leaves a `set` code `set`."""
    _check_changeable(code, now)
    starts_at, ends_at = _window(code, changes, now)
    check_window(starts_at, ends_at, now)
    pin = code.pin if changes.pin is msgspec.UNSET else changes.pin
    changed = msgspec.structs.replace(
        code,
        pin=pin,
        name=code.name if changes.name is msgspec.UNSET else changes.name,
        starts_at=starts_at,
        ends_at=ends_at,
        type=CodeType.ONGOING if ends_at is None else CodeType.TIME_BOUND,
        allow_external_modification=_or(
            changes.allow_external_modification, code.allow_external_modification
        ),
        attempt_for_offline_device=_or(
            changes.attempt_for_offline_device, code.attempt_for_offline_device
        ),
        common_code_key=code.common_code_key if pin == code.pin else None,
        generation=code.generation + 1,
        changed_at=now,
        status=CodeStatus.SETTING
        if code.status is CodeStatus.SET and pin != code.pin
        else code.status,
        warnings=problem.without(code.warnings, (IN_EFFECT,)),
        errors=problem.without(code.errors, OF_THE_OLD_WISH),
        failures=0,
        retry_at=None,
        blocked=None,
    )
    return changed_command(code, changed, now, new_id)


def changed_command(
    code: AccessCode, changed: AccessCode, now: datetime, new_id: Callable[[], str]
) -> Command:
    """The change from one wish to the next, with what is told of it."""
    told = tuple(told_changes(code, changed, now))
    attempt = attempt_of(ActionType.UPDATE_ACCESS_CODE, changed, now, new_id)
    return Command(changed, attempt, told, now)


def _check_changeable(code: AccessCode, now: datetime) -> None:
    if code.is_leaving(now):
        raise Rejected("access_code_id", "The access code has ended or is being deleted.")
    if code.offline is not None:
        raise Rejected(
            "access_code_id",
            "An offline access code cannot be changed: the lock computes it by itself.",
        )
    if code.pool is Pool.WAITING:
        raise Rejected(
            "access_code_id",
            "A code of the backup pool cannot be changed before it is pulled "
            "(/access_codes/pull_backup_access_code).",
        )


def deleted_code(code: AccessCode, now: datetime, new_id: Callable[[], str]) -> Command:
    """Asks for removal; asking twice is asking once."""
    if code.offline is not None and code.is_issued and not code.is_leaving(now):
        raise Rejected(
            "access_code_id",
            "An offline access code cannot be revoked: the lock takes it until it ends.",
        )
    changed = msgspec.structs.replace(
        code,
        generation=code.generation + 1,
        changed_at=now,
        delete_requested_at=code.delete_requested_at or now,
        status=CodeStatus.REMOVING,
        failures=0,
        retry_at=None,
        blocked=None,
        warnings=problem.added(code.warnings, problem.Problem(BEING_DELETED, DELETING, now)),
    )
    attempt = attempt_of(ActionType.DELETE_ACCESS_CODE, changed, now, new_id)
    mutation = {"requested_mutations": [{"mutation_code": "deleting"}]}
    told = event_of(events.MUTATIONS_REQUESTED, changed, now, mutation)
    return Command(changed, attempt, (told,) if code.delete_requested_at is None else (), now)


def _or(value: bool | msgspec.UnsetType, standing: bool) -> bool:
    return standing if isinstance(value, msgspec.UnsetType) else value


def _window(
    code: AccessCode, changes: Changes, now: datetime
) -> tuple[datetime | None, datetime | None]:
    starts_at = code.starts_at if changes.starts_at is msgspec.UNSET else changes.starts_at
    ends_at = code.ends_at if changes.ends_at is msgspec.UNSET else changes.ends_at
    if changes.type is CodeType.ONGOING:
        if changes.ends_at is not msgspec.UNSET and changes.ends_at is not None:
            raise Rejected("ends_at", "An ongoing access code has no ends_at.")
        ends_at = None
    if changes.type is CodeType.TIME_BOUND and ends_at is None:
        raise Rejected("ends_at", "A time-bound access code needs ends_at.")
    if ends_at is not None and starts_at is None:
        starts_at = now
    return starts_at, ends_at


def attempt_of(
    action_type: ActionType,
    code: AccessCode,
    now: datetime,
    new_id: Callable[[], str],
    status: AttemptStatus = AttemptStatus.PENDING,
) -> ActionAttempt:
    return ActionAttempt(
        action_attempt_id=new_id(),
        workspace_id=code.workspace_id,
        action_type=action_type,
        created_at=now,
        status=status,
        device_id=code.device_id,
        access_code_id=code.access_code_id,
        generation=code.generation,
    )
