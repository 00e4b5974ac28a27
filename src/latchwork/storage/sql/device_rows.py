"""Devices as rows."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.problem import Problem, Problems
from latchwork.storage.instants import (
    from_us,
    from_us_or_none,
    span_from_us,
    span_to_us,
    to_us,
    to_us_or_none,
)
from latchwork.storage.sql import accounts, sql
from latchwork.storage.sql.aggregate import (
    capabilities,
    json_or_none,
    json_text,
    mapping,
    problems,
)
from latchwork.storage.sql.session import Row, Transaction

IDENTITY = (
    "created_at",
    "device_id",
    "workspace_id",
    "connected_account_id",
    "provider_key",
)
ENGINES = (
    "lead_time",
    "scanned_at",
    "audit_at",
    "failures",
    "retry_at",
)
OWNERS = (
    "nickname",
    "custom_metadata",
    "is_managed",
    "backup_pool_enabled",
    "reported_time_zone",
    "reported_code_lengths",
)
"""What callers say of a device."""
TOLD = (
    "device_type",
    "display_name",
    "manufacturer",
    "model",
    "capabilities",
    "serial_number",
    "online",
    "locked",
    "door_open",
    "battery_level",
    "auto_lock_enabled",
    "auto_lock_delay",
    "time_zone",
    "errors",
    "warnings",
    "removed",
)
"""What the provider tells."""
CHANGEABLE = (*OWNERS, *TOLD)
COLUMNS = (*IDENTITY, *ENGINES, *CHANGEABLE)

WITH_ACCOUNT = f"{sql.of('d', COLUMNS)}, {sql.of('a', accounts.COLUMNS)}"
WITH_ACCOUNT_TABLES = (
    "device d JOIN connected_account a ON a.connected_account_id = d.connected_account_id"
)
_ENGINE_FIELDS = ("online", "failures", "retry_at", "scanned_at", "audit_at")
_LENGTHS = msgspec.json.Decoder(tuple[int, ...])
_PROBLEMS = "SELECT errors, warnings FROM device WHERE device_id = ?"


def values_of(device: Device) -> Row:
    return (
        to_us(device.created_at),
        device.device_id,
        device.workspace_id,
        device.connected_account_id,
        device.provider_key,
        span_to_us(device.lead_time),
        to_us_or_none(device.scanned_at),
        to_us_or_none(device.audit_at),
        device.failures,
        to_us_or_none(device.retry_at),
        *changeable_values_of(device),
    )


def changeable_values_of(device: Device) -> Row:
    """Of CHANGEABLE."""
    return (
        device.nickname,
        json_text(device.custom_metadata),
        device.is_managed,
        device.backup_pool_enabled,
        device.reported_time_zone,
        json_or_none(device.reported_code_lengths),
        device.device_type,
        device.display_name,
        device.manufacturer,
        device.model,
        json_text(device.capabilities),
        device.serial_number,
        device.online,
        device.locked,
        device.door_open,
        device.battery_level,
        device.auto_lock_enabled,
        device.auto_lock_delay,
        device.time_zone,
        json_or_none(device.errors),
        json_or_none(device.warnings),
        device.removed,
    )


@lru_cache(maxsize=2048)
def device_of(row: Row) -> Device:
    """From the values of COLUMNS, as a tuple. Kept: the same locks are listed again and again."""
    created_at, device_id, workspace_id, connected_account_id, provider_key = row[:5]
    lead_time, scanned_at, audit_at, failures, retry_at = row[5:10]
    nickname, custom_metadata, is_managed, pool_enabled, reported_time_zone, lengths = row[10:16]
    device_type, display_name, manufacturer, model, capable, serial_number = row[16:22]
    online, locked, door_open, battery_level, auto_lock, auto_lock_delay, time_zone = row[22:29]
    errors, warnings, removed = row[29:]
    return Device(
        device_id=device_id,
        workspace_id=workspace_id,
        connected_account_id=connected_account_id,
        provider_key=provider_key,
        device_type=device_type,
        display_name=display_name,
        manufacturer=manufacturer,
        model=model,
        capabilities=capabilities(capable),
        created_at=from_us(created_at),
        is_managed=bool(is_managed),
        backup_pool_enabled=bool(pool_enabled),
        nickname=nickname,
        serial_number=serial_number,
        online=bool(online),
        locked=_flag(locked),
        door_open=_flag(door_open),
        battery_level=battery_level,
        auto_lock_enabled=_flag(auto_lock),
        auto_lock_delay=auto_lock_delay,
        time_zone=time_zone,
        reported_time_zone=reported_time_zone,
        custom_metadata=mapping(custom_metadata),
        errors=problems(errors),
        warnings=problems(warnings),
        reported_code_lengths=None if lengths is None else _LENGTHS.decode(lengths),
        lead_time=span_from_us(lead_time),
        removed=bool(removed),
        scanned_at=from_us_or_none(scanned_at),
        audit_at=from_us_or_none(audit_at),
        failures=failures,
        retry_at=from_us_or_none(retry_at),
    )


def with_account_of(row: Row) -> tuple[Device, ConnectedAccount]:
    """From the values of WITH_ACCOUNT."""
    return device_of(tuple(row[: len(COLUMNS)])), accounts.account_of(tuple(row[len(COLUMNS) :]))


async def write_engine_fields(tx: Transaction, device: Device, was: Device | None) -> None:
    """For units: the engine's fields in which `device` differs from `was` (None: all of them).
    Problems are changed one by one, so that what a push added or took away meanwhile is kept."""
    changed: dict[str, Any] = {
        name: _plain(getattr(device, name))
        for name in _ENGINE_FIELDS
        if was is None or getattr(device, name) != getattr(was, name)
    }
    before = (device.errors, device.warnings) if was is None else (was.errors, was.warnings)
    if was is None or before != (device.errors, device.warnings):
        stored = await tx.one(_PROBLEMS, (device.device_id,)) or (None, None)
        errors = _merged(problems(stored[0]), before[0], device.errors)
        warnings = _merged(problems(stored[1]), before[1], device.warnings)
        changed |= {"errors": json_or_none(errors), "warnings": json_or_none(warnings)}
    if changed:
        statement = sql.update("device", changed, "WHERE device_id = ?")
        await tx.run(statement, (*changed.values(), device.device_id))


def _merged(stored: Problems, before: Problems, after: Problems) -> Problems:
    found: dict[str, Problem] = {problem.code: problem for problem in stored}
    for problem in before:
        if problem not in after:
            found.pop(problem.code, None)
    for problem in after:
        if problem not in before:
            found[problem.code] = problem
    return tuple(found.values())


def _plain(value: datetime | int | bool | None) -> int | None:
    return to_us(value) if isinstance(value, datetime) else value


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def copied(device: Device, standing: Device) -> Device:
    """`device` with the engine's own fields taken from the one that stands."""
    return msgspec.structs.replace(device, **{name: getattr(standing, name) for name in ENGINES})
