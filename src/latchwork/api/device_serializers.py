"""Locks, the accounts that they are reached through, and what stands in their way, in Seam's
shapes."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from latchwork.domain.backup import supports_pool
from latchwork.domain.device import ConnectedAccount, Device, LockCapabilities, OfflineCodes
from latchwork.domain.device import battery_status as status_of_battery
from latchwork.domain.problem import Problem
from latchwork.domain.provider import Provider
from latchwork.storage.interface import DeviceView

PROVIDERS = {
    "simulator": "Latchwork Simulator",
    "matter": "Matter",
    "zwave_js": "Z-Wave JS",
}
OF_THE_ACCOUNT = frozenset(("insufficient_permissions",))
"""Errors that stand on a device and are its account's to mend."""


# Instants are most of what a page of a list shows: put together from texts that are made once.
_SIXTIETHS: Final = tuple(f"{number:02}" for number in range(60))
_MILLISECONDS: Final = tuple(f"{number:03}" for number in range(1000))


def iso(instant: datetime | None) -> str | None:
    """UTC with Z and milliseconds, as Seam writes instants. `instant` is in UTC."""
    if instant is None:
        return None
    hour, minute = _SIXTIETHS[instant.hour], _SIXTIETHS[instant.minute]
    second, millisecond = _SIXTIETHS[instant.second], _MILLISECONDS[instant.microsecond // 1000]
    return f"{_day(instant.toordinal())}T{hour}:{minute}:{second}.{millisecond}Z"


@lru_cache(maxsize=1024)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def shown_problem(problem: Problem, key: str, **flags: bool) -> dict[str, Any]:
    """One error or warning; `key` is error_code or warning_code."""
    return {
        key: problem.code,
        "message": problem.message,
        "created_at": iso(problem.created_at),
        **flags,
        **(problem.detail or {}),
    }


def _account_errors(account: ConnectedAccount) -> list[dict[str, Any]]:
    """An account's errors as its devices and codes show them."""
    return [
        shown_problem(p, "error_code", is_connected_account_error=True, **_further_flag(p.code))
        for p in account.errors
    ]


def _further_flag(error_code: str) -> dict[str, bool]:
    if error_code == "bridge_disconnected":
        return {"is_bridge_error": True}
    return {"is_device_error": False}


def device_errors(device: Device, account: ConnectedAccount) -> list[dict[str, Any]]:
    """What stands in a device's way: of its own, and of its account."""
    if not device.errors and not account.errors:
        return []
    own = [_device_error(p) for p in device.errors]
    return own + _account_errors(account)


def _device_error(problem: Problem) -> dict[str, Any]:
    if problem.code in OF_THE_ACCOUNT:
        return shown_problem(
            problem, "error_code", is_connected_account_error=True, is_device_error=False
        )
    return shown_problem(problem, "error_code", is_device_error=True)


def device(view: DeviceView, *, is_sandbox: bool) -> dict[str, Any]:
    """Seam's device, for locks."""
    lock, account = view.device, view.account
    return {
        **_common(view, is_sandbox=is_sandbox),
        "nickname": lock.nickname,
        "space_ids": [],
        "device_manufacturer": {
            "manufacturer": lock.manufacturer,
            "display_name": _titled(lock.manufacturer),
        },
        "device_provider": {
            "device_provider_name": account.provider,
            "display_name": PROVIDERS.get(account.provider, account.provider),
            "provider_category": "stable",
        },
        "properties": _properties(lock, account),
    }


def unmanaged_device(view: DeviceView, *, is_sandbox: bool) -> dict[str, Any]:
    """Seam's unmanaged_device: what is known of it without managing it."""
    properties = _properties(view.device, view.account)
    shown = {name: properties[name] for name in OF_UNMANAGED if name in properties}
    return {**_common(view, is_sandbox=is_sandbox), "properties": shown}


OF_UNMANAGED = (
    "name",
    "online",
    "manufacturer",
    "model",
    "online_access_codes_enabled",
    "offline_access_codes_enabled",
    "battery",
    "battery_level",
)


def _common(view: DeviceView, *, is_sandbox: bool) -> dict[str, Any]:
    """What managed and unmanaged locks show alike."""
    lock, account = view.device, view.account
    return {
        "device_id": lock.device_id,
        "workspace_id": lock.workspace_id,
        "connected_account_id": lock.connected_account_id,
        "device_type": lock.device_type,
        "display_name": lock.name,
        "created_at": iso(lock.created_at),
        "is_managed": lock.is_managed,
        "custom_metadata": lock.custom_metadata,
        **_capabilities(lock, simulated=is_sandbox and account.provider == "simulator"),
        "location": None if lock.zone is None else {"time_zone": lock.zone, "timezone": lock.zone},
        "errors": device_errors(lock, account),
        "warnings": [shown_problem(p, "warning_code") for p in lock.warnings],
    }


def _capabilities(lock: Device, *, simulated: bool) -> dict[str, Any]:
    capabilities = lock.capabilities
    supported = ["lock"]
    if has_keypad(capabilities):
        supported.insert(0, "access_code")
    if lock.battery_level is not None:
        supported.append("battery")
    return {
        "capabilities_supported": supported,
        "can_program_online_access_codes": capabilities.access_codes,
        "can_program_offline_access_codes": capabilities.offline is not None,
        "can_remotely_lock": capabilities.can_lock,
        "can_remotely_unlock": capabilities.can_unlock,
        "can_unlock_with_code": has_keypad(capabilities),
        "can_configure_auto_lock": capabilities.auto_lock,
        "can_simulate_connection": simulated,
        "can_simulate_disconnection": simulated,
        "can_simulate_hub_connection": simulated,
        "can_simulate_hub_disconnection": simulated,
        "can_simulate_paid_subscription": simulated,
        "can_simulate_removal": simulated,
    }


def _properties(lock: Device, account: ConnectedAccount) -> dict[str, Any]:
    capabilities = lock.capabilities
    properties: dict[str, Any] = {
        "name": lock.name,
        "appearance": {"name": lock.name},
        "online": lock.online and account.connected,
        "manufacturer": lock.manufacturer,
        "model": {
            "display_name": lock.model,
            "manufacturer_display_name": _titled(lock.manufacturer),
            "has_built_in_keypad": has_keypad(capabilities),
            "online_access_codes_supported": capabilities.access_codes,
            "offline_access_codes_supported": capabilities.offline is not None,
            "accessory_keypad_supported": False,
        },
        "has_direct_power": False,
        "online_access_codes_enabled": capabilities.access_codes,
        "offline_access_codes_enabled": capabilities.offline is not None,
        "supported_code_lengths": list(lock.code_rules.code_lengths),
        "max_active_codes_supported": capabilities.room,
        "code_constraints": _constraints(capabilities),
        "supports_backup_access_code_pool": supports_pool(capabilities),
        "has_native_entry_events": True,
    }
    if supports_pool(capabilities):
        properties["backup_access_code_pool_enabled"] = lock.backup_pool_enabled
    if capabilities.offline is not None:
        frames = offline_frames(capabilities.offline, lock.zone)
        properties["offline_time_frame_options"] = frames
    if lock.locked is not None:
        properties["locked"] = lock.locked
    if lock.door_open is not None:
        properties["door_open"] = lock.door_open
    if lock.auto_lock_enabled is not None:
        properties["auto_lock_enabled"] = lock.auto_lock_enabled
    if lock.auto_lock_delay is not None:
        properties["auto_lock_delay_seconds"] = lock.auto_lock_delay
    if lock.serial_number is not None:
        properties["serial_number"] = lock.serial_number
    if lock.battery_level is not None:
        status = status_of_battery(lock.battery_level)
        properties["battery"] = {"level": lock.battery_level, "status": status}
        properties["battery_level"] = lock.battery_level
    return properties


def has_keypad(capabilities: LockCapabilities) -> bool:
    return capabilities.access_codes or capabilities.offline is not None


def offline_frames(offline: OfflineCodes, time_zone: str | None) -> list[dict[str, Any]]:
    """The windows for which the lock computes codes, in ISO 8601 durations and RFC 5545 rules."""
    zone = {} if time_zone is None else {"time_zone": time_zone}
    hourly = {
        "display_name": "Hourly",
        "min_duration": "PT1H",
        "max_duration": f"PT{offline.longest_hours}H",
        "start_date_recurrence_rule": "FREQ=HOURLY",
        "end_date_recurrence_rule": "FREQ=HOURLY",
        **zone,
    }
    if offline.days is None:
        return [hourly]
    daily = {
        "display_name": "Daily",
        "min_duration": f"P{offline.days[0]}D",
        "max_duration": f"P{offline.days[1]}D",
        "start_date_recurrence_rule": "FREQ=HOURLY",
        "matching_start_end_time": True,
        **zone,
    }
    return [hourly, daily]


def _constraints(capabilities: LockCapabilities) -> list[dict[str, Any]]:
    return [
        {
            "constraint_type": c.constraint_type,
            **({} if c.min_length is None else {"min_length": c.min_length}),
            **({} if c.max_length is None else {"max_length": c.max_length}),
        }
        for c in capabilities.constraints
    ]


def _titled(name: str) -> str:
    return name.replace("_", " ").title()


def connected_account(account: ConnectedAccount) -> dict[str, Any]:
    shown = PROVIDERS.get(account.provider, account.provider)
    return {
        "connected_account_id": account.connected_account_id,
        "workspace_id": account.workspace_id,
        "account_type": account.provider,
        "account_type_display_name": shown,
        "display_name": account.display_name,
        "created_at": iso(account.created_at),
        "accepted_capabilities": list(account.accepted_capabilities),
        "automatically_manage_new_devices": account.automatically_manage_new_devices,
        "custom_metadata": account.custom_metadata,
        "errors": [
            shown_problem(
                p,
                "error_code",
                is_connected_account_error=True,
                is_bridge_error=p.code == "bridge_disconnected",
            )
            for p in account.errors
        ],
        "warnings": [shown_problem(p, "warning_code") for p in account.warnings],
    }


def device_provider(provider: Provider) -> dict[str, Any]:
    """Seam's device_provider, for an installed driver."""
    return {
        "device_provider_name": provider.name,
        "display_name": provider.display_name,
        "image_url": _badge(provider.display_name),
        "provider_categories": ["stable", "consumer_smartlocks"],
        "can_program_online_access_codes": True,
        "can_remotely_lock": True,
        "can_remotely_unlock": True,
    }


def _badge(name: str) -> str:
    """A picture of the name's first letter, as a data URL."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        '<rect width="64" height="64" rx="12" fill="#1f2a44"/>'
        '<text x="32" y="44" font-family="sans-serif" font-size="34" text-anchor="middle" '
        f'fill="#fff">{name[:1].upper()}</text></svg>'
    )
    return f"data:image/svg+xml,{quote(svg)}"
