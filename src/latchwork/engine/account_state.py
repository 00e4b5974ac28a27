"""An account's connection found and lost, with the events that say so. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from latchwork.domain import events
from latchwork.domain.contact import device_event
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.errors import NeedsAttention
from latchwork.domain.lock_state import listed
from latchwork.domain.problem import Problem, added, without

LOST = ("account_disconnected", "bridge_disconnected")

Changed = tuple[ConnectedAccount, tuple[events.NewEvent, ...]]


def connected(account: ConnectedAccount, now: datetime) -> Changed:
    """The provider answers."""
    changed = msgspec.structs.replace(account, connected=True, errors=without(account.errors, LOST))
    if account.connected:
        return changed, ()
    return changed, (_event(events.ACCOUNT_CONNECTED, changed, now),)


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
    if event_type == events.ACCOUNT_DISCONNECTED:
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
