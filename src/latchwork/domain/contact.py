"""Reaching a lock, and not: when its connection counts as weak, as lost, and as mended."""

from datetime import datetime, timedelta

import msgspec

from latchwork.domain import events
from latchwork.domain.conditions import OF_DEVICES, with_condition
from latchwork.domain.device import ConnectedAccount, Device, battery_status
from latchwork.domain.late import LOW_BATTERY
from latchwork.domain.lock_state import LockState, listed
from latchwork.domain.policy import Policy, backoff
from latchwork.domain.problem import Problem, added, has, without

OFFLINE_ERRORS = ("device_disconnected", "hub_disconnected", "device_removed")
FLAKY = "device_has_flaky_connection"
Changed = tuple[Device, tuple[events.NewEvent, ...]]


def went_offline(
    device: Device,
    account: ConnectedAccount,
    now: datetime,
    error_code: str = "device_disconnected",
) -> Changed:
    """The lock cannot be reached; told once."""
    if not device.online and has(device.errors, error_code):
        return device, ()
    message = (
        "The lock is disconnected from its hub."
        if error_code == "hub_disconnected"
        else "The lock is disconnected. Check its power and its connection."
    )
    device = msgspec.structs.replace(
        device,
        online=False,
        errors=added(without(device.errors, OFFLINE_ERRORS), Problem(error_code, message, now)),
    )
    return device, (
        device_event(events.DEVICE_DISCONNECTED, device, account, now, error_code=error_code),
    )


def went_online(device: Device, account: ConnectedAccount, now: datetime) -> Changed:
    """The lock answers again; told once."""
    if device.online and not (
        device.errors and any(has(device.errors, code) for code in OFFLINE_ERRORS)
    ):
        return device, ()
    device = msgspec.structs.replace(
        device, online=True, removed=False, errors=without(device.errors, OFFLINE_ERRORS)
    )
    return device, (device_event(events.DEVICE_CONNECTED, device, account, now),)


def became_flaky(device: Device, account: ConnectedAccount, now: datetime) -> Changed:
    if has(device.warnings, FLAKY):
        return device, ()
    problem = Problem(FLAKY, "The lock answers only now and then: its connection is weak.", now)
    device = msgspec.structs.replace(device, warnings=added(device.warnings, problem))
    return device, (device_event(events.DEVICE_CONNECTION_BECAME_FLAKY, device, account, now),)


def stabilized(device: Device, account: ConnectedAccount, now: datetime) -> Changed:
    if not has(device.warnings, FLAKY):
        return device, ()
    device = msgspec.structs.replace(device, warnings=without(device.warnings, (FLAKY,)))
    return device, (device_event(events.DEVICE_CONNECTION_STABILIZED, device, account, now),)


def battery_changed(
    device: Device, account: ConnectedAccount, level: float, now: datetime
) -> Changed:
    """A new battery level, 0.0 to 1.0; events when its status changes."""
    before = None if device.battery_level is None else battery_status(device.battery_level)
    after = battery_status(level)
    low = after in {"low", "critical"}
    warnings = without(device.warnings, (LOW_BATTERY,))
    if low:
        text = f"The lock's battery is {after} ({level:.0%}). Replace it soon."
        warnings = added(device.warnings, Problem(LOW_BATTERY, text, now))
    device = msgspec.structs.replace(device, battery_level=level, warnings=warnings)
    told: list[events.NewEvent] = []
    if before is not None and before != after:
        told.append(
            device_event(
                events.DEVICE_BATTERY_STATUS_CHANGED,
                device,
                account,
                now,
                battery_level=level,
                battery_status=after,
            )
        )
    if low and before not in {"low", "critical"}:
        told.append(
            device_event(
                events.DEVICE_LOW_BATTERY,
                device,
                account,
                now,
                battery_level=level,
                battery_source="lock",
            )
        )
    return device, tuple(told)


def condition_changed(
    device: Device, account: ConnectedAccount, code: str, now: datetime, *, stands: bool
) -> Changed:
    """What a driver reports to stand on the lock begins or ends; see `conditions`."""
    device, told = with_condition(device, OF_DEVICES, code, stands=stands, now=now)
    if told is None:
        return device, ()
    return device, (device_event(told, device, account, now),)


def renamed(
    before: Device, after: Device, account: ConnectedAccount, now: datetime
) -> tuple[events.NewEvent, ...]:
    """The event that tells of another name, if it is another."""
    if before.name == after.name:
        return ()
    name = after.name
    return (device_event(events.DEVICE_NAME_CHANGED, after, account, now, device_name=name),)


_OF_UNMANAGED = {
    events.DEVICE_CONNECTED: events.DEVICE_UNMANAGED_CONNECTED,
    events.DEVICE_DISCONNECTED: events.DEVICE_UNMANAGED_DISCONNECTED,
}


def device_event(
    event_type: str, device: Device, account: ConnectedAccount, now: datetime, **payload: object
) -> events.NewEvent:
    """An event of a lock; those that tell of trouble carry the standing problems. An unmanaged
    lock has its own types for coming and going."""
    if not device.is_managed:
        event_type = _OF_UNMANAGED.get(event_type, event_type)
    lists = {}
    if event_type in events.DEVICE_WITH_PROBLEMS:
        lists = {
            "connected_account_errors": listed(account.errors, "error_code"),
            "connected_account_warnings": listed(account.warnings, "warning_code"),
            "device_errors": listed(device.errors, "error_code"),
            "device_warnings": listed(device.warnings, "warning_code"),
        }
    return events.NewEvent(
        event_type=event_type,
        occurred_at=now,
        device_id=device.device_id,
        connected_account_id=account.connected_account_id,
        payload={**payload, **lists},
    )


def reached(state: LockState, now: datetime) -> None:
    """The lock answered."""
    if state.device.failures or state.device.retry_at is not None:
        state.set_device(failures=0, retry_at=None)
    _apply(state, went_online(state.device, state.account, now))
    _apply(state, stabilized(state.device, state.account, now))


def unreached(
    state: LockState,
    now: datetime,
    policy: Policy,
    jitter: float,
    *,
    after: timedelta | None = None,
) -> None:
    """The lock did not answer: a back-off, then a warning, then an error. `after`: what the
    driver asked to wait."""
    failures = state.device.failures + 1
    wait = backoff(policy.device_backoff, policy.longest_backoff, failures, jitter)
    if after is not None:
        wait = max(wait, after)
    state.set_device(failures=failures, retry_at=now + wait)
    if failures >= policy.flaky_after:
        _apply(state, became_flaky(state.device, state.account, now))
    if failures >= policy.offline_after:
        _apply(state, went_offline(state.device, state.account, now))


def _apply(state: LockState, changed: Changed) -> None:
    state.device, told = changed
    for event in told:
        state.tell_device(event)
