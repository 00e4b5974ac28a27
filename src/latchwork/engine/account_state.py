"""An account's connection found and lost, with the events that say so. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import structlog

from latchwork.domain import events
from latchwork.domain.conditions import OF_ACCOUNTS, with_condition
from latchwork.domain.contact import device_event
from latchwork.domain.device import ConnectedAccount, Device, SyncDue
from latchwork.domain.errors import LatchworkError, NeedsAttention
from latchwork.domain.lock_state import listed
from latchwork.domain.problem import Problem, added, has, without

LOST = ("account_disconnected", "bridge_disconnected")
UNKNOWN_ISSUE = "unknown_issue_with_connected_account"

log = structlog.get_logger(__name__)

Changed = tuple[ConnectedAccount, tuple[events.NewEvent, ...]]


def connected(account: ConnectedAccount, devices: Sequence[Device], now: datetime) -> Changed:
    """The provider answers; after a loss that was told, its locks are told to be back too."""
    changed = msgspec.structs.replace(
        account,
        connected=True,
        errors=without(account.errors, LOST),
        warnings=without(account.warnings, (UNKNOWN_ISSUE,)),
    )
    if account.connected:
        return changed, ()
    told = [_event(events.ACCOUNT_CONNECTED, changed, now)]
    if was_lost(account):
        if changed.sync_due is None:
            changed = msgspec.structs.replace(changed, sync_due=SyncDue.AFTER_RECONNECTION)
        told += [
            device_event(events.DEVICE_CONNECTED, device, changed, now)
            for device in devices
            if device.online and not device.removed
        ]
    return changed, tuple(told)


def was_lost(account: ConnectedAccount) -> bool:
    """Whether the account is told to be disconnected."""
    return any(has(account.errors, code) for code in LOST)


def listed_all(account: ConnectedAccount, now: datetime) -> Changed:
    """All locks of the account were listed; told once after it was made or was reconnected."""
    if account.sync_due is None:
        return account, ()
    first = account.sync_due is SyncDue.FIRST
    event_type = events.ACCOUNT_COMPLETED_FIRST_SYNC if first else events.ACCOUNT_COMPLETED_RESYNC
    changed = msgspec.structs.replace(account, sync_due=None)
    return changed, (_event(event_type, changed, now),)


def conditions_changed(
    account: ConnectedAccount, conditions: Mapping[str, bool | str], now: datetime
) -> Changed:
    """What the driver reports to stand on the account; see `domain.conditions`."""
    told: list[events.NewEvent] = []
    for code, stands in conditions.items():
        if code not in OF_ACCOUNTS:
            log.warning("driver.unknown_condition", provider=account.provider, condition=code)
            continue
        account, event_type = with_condition(account, OF_ACCOUNTS, code, stands=stands, now=now)
        if event_type is not None:
            told.append(_event(event_type, account, now))
    return account, tuple(told)


def lost(
    account: ConnectedAccount, devices: Sequence[Device], error: Exception, now: datetime
) -> Changed:
    """The provider does not answer. A refusal that a person must mend (credentials) is told as
    account_disconnected, a bridge or server that cannot be reached as bridge_disconnected."""
    code = "account_disconnected" if isinstance(error, NeedsAttention) else "bridge_disconnected"
    message = (
        f"The account is disconnected: {error}"
        if isinstance(error, NeedsAttention)
        else "The bridge is disconnected. Check its power, its network and its address."
    )
    changed = msgspec.structs.replace(
        account,
        connected=False,
        errors=added(
            without(account.errors, tuple(c for c in LOST if c != code)),
            Problem(code, message, now),
        ),
    )
    if not isinstance(error, LatchworkError):
        changed, _ = with_condition(changed, OF_ACCOUNTS, UNKNOWN_ISSUE, stands=True, now=now)
    if not account.connected:
        return changed, ()
    told = [_event(events.ACCOUNT_DISCONNECTED, changed, now)]
    reason = "account_disconnected" if code == "account_disconnected" else "hub_disconnected"
    told += [
        device_event(events.DEVICE_DISCONNECTED, device, changed, now, error_code=reason)
        for device in devices
        if device.online and not device.removed
    ]
    return changed, tuple(told)


def _event(event_type: str, account: ConnectedAccount, now: datetime) -> events.NewEvent:
    payload = {}
    if event_type in (events.ACCOUNT_DISCONNECTED, events.ACCOUNT_REAUTHORIZATION):
        payload = {
            "connected_account_errors": listed(account.errors, "error_code"),
            "connected_account_warnings": listed(account.warnings, "warning_code"),
        }
    return events.NewEvent(
        event_type=event_type,
        occurred_at=now,
        connected_account_id=account.connected_account_id,
        payload=payload,
    )
