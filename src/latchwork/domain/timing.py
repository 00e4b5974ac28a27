"""When a code is due: ahead of its start on natively scheduling locks, just in time on others."""

from datetime import datetime, timedelta

from latchwork.domain.access_code import AccessCode, CodeType
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.window import NATIVE_PRELOAD


def is_natively_scheduled(code: AccessCode, device: Device) -> bool:
    """Whether the lock itself shall enforce the code's window."""
    return (
        device.capabilities.native_scheduling
        and code.prefer_native_scheduling
        and code.type is CodeType.TIME_BOUND
        and code.offline is None
    )


def keeps_window(code: AccessCode, device: Device) -> bool:
    """Whether the lock itself opens to the code in its window alone."""
    return code.offline is not None or is_natively_scheduled(code, device)


def lead_time(device: Device, account: ConnectedAccount) -> timedelta:
    """How long before its start a just-in-time code is programmed."""
    return device.lead_time if account.lead_time is None else account.lead_time


def program_from(code: AccessCode, device: Device, account: ConnectedAccount) -> datetime:
    """The instant from which the code shall be put on the lock, or be issued."""
    if code.starts_at is None or code.offline is not None:
        return code.created_at
    if is_natively_scheduled(code, device):
        return code.starts_at - NATIVE_PRELOAD
    return code.starts_at - lead_time(device, account)
