"""What callers say of devices and accounts: names, metadata, whether they are managed at all, and
that they are to be forgotten. Pure: each function answers what is to be stored, with its events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.domain import events
from latchwork.domain.access_code import AccessCode
from latchwork.domain.backup import supports_pool
from latchwork.domain.contact import device_event, renamed
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.errors import Rejected
from latchwork.domain.metadata import merged
from latchwork.domain.time_zone import zone_judged

LONGEST_NAME = 255
Changed = tuple[Device, Sequence[events.NewEvent], bool]


class DeviceChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller changes; UNSET is left as it is. `name` None: the provider's name again.
    `custom_metadata` is merged, see `metadata`."""

    name: str | UnsetType | None = UNSET
    custom_metadata: Mapping[str, Any] = {}
    is_managed: bool | UnsetType = UNSET
    backup_pool_enabled: bool | UnsetType = UNSET


def changed_device(
    device: Device, account: ConnectedAccount, changes: DeviceChanges, now: datetime
) -> Changed:
    """Raises Rejected naming what is wrong. A device that becomes managed, or
    whose backup codes are wished or not any more, is visited at once."""
    metadata = merged(device.custom_metadata, changes.custom_metadata)
    changed = msgspec.structs.replace(device, custom_metadata=metadata)
    if changes.name is not UNSET:
        changed = msgspec.structs.replace(changed, nickname=_checked_name(changes.name))
    pool = _checked_pool(device, changes.backup_pool_enabled)
    changed = msgspec.structs.replace(changed, backup_pool_enabled=pool)
    told = list(renamed(device, changed, account, now))
    if changes.is_managed is UNSET or changes.is_managed == device.is_managed:
        return changed, told, pool != device.backup_pool_enabled
    changed = msgspec.structs.replace(changed, is_managed=changes.is_managed)
    kind = (
        events.DEVICE_UNMANAGED_CONVERTED
        if changes.is_managed
        else events.DEVICE_CONVERTED_TO_UNMANAGED
    )
    told.append(device_event(kind, changed, account, now))
    return changed, told, changes.is_managed


def _checked_name(name: str | UnsetType | None) -> str | None:
    if not isinstance(name, str):
        return None
    if not 0 < len(name.strip()) <= LONGEST_NAME:
        raise Rejected("name", f"name must have 1 to {LONGEST_NAME} characters.")
    return name


def _checked_pool(device: Device, wished: bool | UnsetType) -> bool:
    if wished is UNSET:
        return device.backup_pool_enabled
    if wished and not supports_pool(device.capabilities):
        field = "backup_access_code_pool_enabled"
        raise Rejected(field, "The device supports no backup access code pool.")
    return wished


def check_zone(time_zone: str) -> None:
    """Raises Rejected("time_zone") for what is no IANA name."""
    try:
        ZoneInfo(time_zone)
    except (ValueError, OSError, KeyError):
        raise Rejected(
            "time_zone", "time_zone must be an IANA name, such as Europe/Amsterdam."
        ) from None


def zone_reported(device: Device, time_zone: str, now: datetime) -> Changed:
    """What a caller says of the time zone goes before what the provider says."""
    changed = msgspec.structs.replace(device, reported_time_zone=time_zone)
    return zone_judged(changed, now), (), False


def device_deleted(
    device: Device, account: ConnectedAccount, codes: Sequence[AccessCode], now: datetime
) -> list[events.NewEvent]:
    """The lock is not touched: its codes are told to be deleted, and not to be removed from it."""
    told = [_code_deleted(code, device, account, now) for code in codes]
    gone = device_event(
        events.DEVICE_DELETED,
        device,
        account,
        now,
        device_name=device.name,
        **_metadata(device, account),
    )
    return [*told, gone]


def account_deleted(
    account: ConnectedAccount,
    held: Sequence[tuple[Device, Sequence[AccessCode]]],
    now: datetime,
) -> list[events.NewEvent]:
    """All that is of the account first, then the account."""
    told = [
        event for device, codes in held for event in device_deleted(device, account, codes, now)
    ]
    gone = events.NewEvent(
        event_type=events.ACCOUNT_DELETED,
        occurred_at=now,
        connected_account_id=account.connected_account_id,
        payload={"connected_account_type": account.provider, **_metadata(None, account)},
    )
    return [*told, gone]


def _code_deleted(
    code: AccessCode, device: Device, account: ConnectedAccount, now: datetime
) -> events.NewEvent:
    return events.NewEvent(
        event_type=events.DELETED,
        occurred_at=now,
        device_id=code.device_id,
        connected_account_id=code.connected_account_id,
        access_code_id=code.access_code_id,
        code=code.pin,
        payload=_metadata(device, account),
    )


def _metadata(device: Device | None, account: ConnectedAccount) -> dict[str, Any]:
    """Of what is gone by the time the event is stored."""
    found: dict[str, Any] = {}
    if device is not None and device.custom_metadata:
        found["device_custom_metadata"] = device.custom_metadata
    if account.custom_metadata:
        found["connected_account_custom_metadata"] = account.custom_metadata
    return found
