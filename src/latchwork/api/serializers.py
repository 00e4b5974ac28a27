"""From the house's values to Seam's shapes: once per resource, for answers, events and webhooks.

`api/resources` describes each, key by key: a new key goes into both, or the tests refuse it.
"""

from datetime import datetime
from typing import Any

from latchwork.domain import events
from latchwork.domain.access_code import AccessCode, CodeStatus
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.device import ConnectedAccount, Device, LockCapabilities, Workspace
from latchwork.domain.device import battery_status as status_of_battery
from latchwork.domain.events import Event
from latchwork.domain.problem import Problem
from latchwork.domain.slots import LedgerEntry
from latchwork.domain.timing import is_natively_scheduled, program_from
from latchwork.domain.webhook import Webhook
from latchwork.storage.interface import CodeView, DeviceView

PROVIDERS = {
    "simulator": "Latchwork Simulator",
    "zwave_js": "Z-Wave JS",
}
LOST = frozenset(("account_disconnected", "bridge_disconnected"))


def iso(instant: datetime | None) -> str | None:
    """UTC with Z and milliseconds, as Seam writes instants."""
    if instant is None:
        return None
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def _problem(problem: Problem, key: str, **flags: bool) -> dict[str, Any]:
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
        _problem(
            p,
            "error_code",
            is_connected_account_error=True,
            **({"is_bridge_error": True} if p.code == "bridge_disconnected" else {}),
            is_device_error=False,
        )
        for p in account.errors
    ]


def _device_errors(device: Device, account: ConnectedAccount) -> list[dict[str, Any]]:
    own = [_problem(p, "error_code", is_device_error=True) for p in device.errors]
    return own + _account_errors(account)


def access_code(view: CodeView, now: datetime) -> dict[str, Any]:
    """Seam's access_code; `latchwork_evidence` is ours: what proves the code on the lock."""
    code, device, account, entry = view.code, view.device, view.account, view.entry
    own_errors = [_problem(p, "error_code", is_access_code_error=True) for p in code.errors]
    evidence = code.evidence
    return {
        "access_code_id": code.access_code_id,
        "device_id": code.device_id,
        "connected_account_id": code.connected_account_id,
        "workspace_id": code.workspace_id,
        "name": code.name,
        "code": code.pin.reveal(),
        "common_code_key": code.common_code_key,
        "type": code.type.value,
        "status": _status(code, account),
        "created_at": iso(code.created_at),
        "starts_at": iso(code.starts_at),
        "ends_at": iso(code.ends_at),
        "errors": own_errors + _device_errors(device, account),
        "warnings": [_problem(p, "warning_code") for p in code.warnings],
        "is_managed": True,
        "is_backup": False,
        "is_backup_access_code_available": False,
        "is_external_modification_allowed": code.allow_external_modification,
        "is_offline_access_code": False,
        "is_one_time_use": False,
        "is_scheduled_on_device": code.scheduled_on_device,
        "is_waiting_for_code_assignment": False,
        "pulled_backup_access_code_id": None,
        "dormakaba_oracode_metadata": None,
        "pending_mutations": list(_pending(code, device, account, entry, now)),
        "latchwork_evidence": None
        if evidence is None
        else {
            "kind": evidence.kind.value,
            "position": evidence.position,
            "observed_at": iso(evidence.observed_at),
        },
    }


def _status(code: AccessCode, account: ConnectedAccount) -> str:
    if not account.connected and any(p.code in LOST for p in account.errors):
        return CodeStatus.UNKNOWN.value
    return code.status.value


def _pending(
    code: AccessCode,
    device: Device,
    account: ConnectedAccount,
    entry: LedgerEntry | None,
    now: datetime,
) -> list[dict[str, Any]]:
    """What is still to be done on the lock, with what it changes."""
    since = iso(code.changed_at)
    if code.status is CodeStatus.REMOVING:
        text = "The code is being removed from the lock."
        return [{"mutation_code": "deleting", "message": text, "created_at": since}]
    if entry is None or entry.confirmed_pin is None:
        begin = program_from(code, device, account)
        if now < begin:
            return [
                {
                    "mutation_code": "deferring_creation",
                    "message": "The code is put on the lock when its time comes.",
                    "created_at": since,
                    "scheduled_at": iso(begin),
                }
            ]
        text = "The code is being set on the lock."
        return [{"mutation_code": "creating", "message": text, "created_at": since}]
    return _pending_updates(code, device, entry, since)


def _pending_updates(
    code: AccessCode, device: Device, entry: LedgerEntry, since: str | None
) -> list[dict[str, Any]]:
    def mutation(kind: str, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
        text = "The change is being made on the lock."
        fields = {"mutation_code": kind, "message": text, "created_at": since}
        return {**fields, "from": before, "to": after}

    pending = []
    if entry.confirmed_pin is not None and entry.confirmed_pin != code.pin:
        before = {"code": entry.confirmed_pin.reveal()}
        pending.append(mutation("updating_code", before, {"code": code.pin.reveal()}))
    limit = device.capabilities.name_max_length
    if limit is not None and entry.name != (code.name and code.name[:limit]):
        pending.append(mutation("updating_name", {"name": entry.name}, {"name": code.name}))
    window = entry.window
    if window is not None and window != code.window and is_natively_scheduled(code, device):
        pending.append(
            mutation(
                "updating_time_frame",
                {"starts_at": iso(window.starts_at), "ends_at": iso(window.ends_at)},
                {"starts_at": iso(code.starts_at), "ends_at": iso(code.ends_at)},
            )
        )
    return pending


def generated_code(device: Device, pin: str) -> dict[str, Any]:
    """What /access_codes/generate_code answers: a PIN that nothing was done with."""
    return {"code": pin, "device_id": device.device_id}


def device(view: DeviceView, *, is_sandbox: bool) -> dict[str, Any]:
    """Seam's device, for locks."""
    lock, account = view.device, view.account
    capabilities = lock.capabilities
    supported = ["lock"]
    if capabilities.access_codes:
        supported.insert(0, "access_code")
    if lock.battery_level is not None:
        supported.append("battery")
    simulated = is_sandbox and account.provider == "simulator"
    return {
        "device_id": lock.device_id,
        "workspace_id": lock.workspace_id,
        "connected_account_id": lock.connected_account_id,
        "device_type": lock.device_type,
        "display_name": lock.nickname or lock.display_name,
        "nickname": lock.nickname,
        "created_at": iso(lock.created_at),
        "is_managed": lock.is_managed,
        "custom_metadata": lock.custom_metadata,
        "space_ids": [],
        "capabilities_supported": supported,
        "can_program_online_access_codes": capabilities.access_codes,
        "can_program_offline_access_codes": False,
        "can_remotely_lock": capabilities.can_lock,
        "can_remotely_unlock": capabilities.can_unlock,
        "can_unlock_with_code": capabilities.access_codes,
        "can_configure_auto_lock": False,
        "can_simulate_connection": simulated,
        "can_simulate_disconnection": simulated,
        "can_simulate_hub_connection": simulated,
        "can_simulate_hub_disconnection": simulated,
        "can_simulate_paid_subscription": simulated,
        "can_simulate_removal": simulated,
        "device_manufacturer": {
            "manufacturer": lock.manufacturer,
            "display_name": _titled(lock.manufacturer),
        },
        "device_provider": {
            "device_provider_name": account.provider,
            "display_name": PROVIDERS.get(account.provider, account.provider),
            "provider_category": "stable",
        },
        "location": None
        if lock.time_zone is None
        else {"time_zone": lock.time_zone, "timezone": lock.time_zone},
        "errors": _device_errors(lock, account),
        "warnings": [_problem(p, "warning_code") for p in lock.warnings],
        "properties": _properties(lock, account),
    }


def _properties(lock: Device, account: ConnectedAccount) -> dict[str, Any]:
    capabilities = lock.capabilities
    properties: dict[str, Any] = {
        "name": lock.nickname or lock.display_name,
        "appearance": {"name": lock.nickname or lock.display_name},
        "online": lock.online and account.connected,
        "manufacturer": lock.manufacturer,
        "model": {
            "display_name": lock.model,
            "manufacturer_display_name": _titled(lock.manufacturer),
            "has_built_in_keypad": capabilities.access_codes,
            "online_access_codes_supported": capabilities.access_codes,
            "offline_access_codes_supported": False,
            "accessory_keypad_supported": False,
        },
        "has_direct_power": False,
        "online_access_codes_enabled": capabilities.access_codes,
        "offline_access_codes_enabled": False,
        "supported_code_lengths": list(capabilities.code_lengths),
        "max_active_codes_supported": max_codes(capabilities),
        "code_constraints": _constraints(capabilities),
        "supports_backup_access_code_pool": False,
        "has_native_entry_events": True,
    }
    if lock.locked is not None:
        properties["locked"] = lock.locked
    if lock.door_open is not None:
        properties["door_open"] = lock.door_open
    if lock.serial_number is not None:
        properties["serial_number"] = lock.serial_number
    if lock.battery_level is not None:
        status = status_of_battery(lock.battery_level)
        properties["battery"] = {"level": lock.battery_level, "status": status}
        properties["battery_level"] = lock.battery_level
    return properties


def max_codes(capabilities: LockCapabilities) -> int:
    if capabilities.max_active_codes is None:
        return capabilities.positions
    return min(capabilities.positions, capabilities.max_active_codes)


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
        "accepted_capabilities": ["lock"],
        "automatically_manage_new_devices": True,
        "custom_metadata": account.custom_metadata,
        "errors": [
            _problem(
                p,
                "error_code",
                is_connected_account_error=True,
                is_bridge_error=p.code == "bridge_disconnected",
            )
            for p in account.errors
        ],
        "warnings": [_problem(p, "warning_code") for p in account.warnings],
    }


def workspace(found: Workspace) -> dict[str, Any]:
    return {
        "workspace_id": found.workspace_id,
        "name": found.name,
        "company_name": found.name,
        "connect_partner_name": found.name,
        "is_sandbox": found.is_sandbox,
        "is_suspended": False,
        "is_publishable_key_auth_enabled": False,
        "organization_id": None,
        "connect_webview_customization": {},
    }


def webhook(found: Webhook, *, with_secret: bool) -> dict[str, Any]:
    """With its secret where it is made or asked for by id."""
    shown: dict[str, Any] = {
        "webhook_id": found.webhook_id,
        "url": found.url,
        "event_types": list(found.event_types),
    }
    if with_secret:
        shown["secret"] = found.secret.reveal()
    return shown


_RESULTS = {
    ActionType.LOCK_DOOR: {"was_confirmed_by_device": True},
    ActionType.UNLOCK_DOOR: {"was_confirmed_by_device": True},
}


def action_attempt(
    attempt: ActionAttempt, *, pending: bool = False, code: dict[str, Any] | None = None
) -> dict[str, Any]:
    """`pending`: as the command answers it; `code`: the access code, for those that made or
    changed one."""
    status = AttemptStatus.PENDING if pending else attempt.status
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    if status is AttemptStatus.SUCCESS:
        result = dict(_RESULTS.get(attempt.action_type, {}))
        if code is not None:
            result["access_code"] = code
    elif status is AttemptStatus.ERROR:
        error = {"type": attempt.error_type, "message": attempt.error_message}
    return {
        "action_attempt_id": attempt.action_attempt_id,
        "action_type": attempt.action_type.value,
        "status": status.value,
        "result": result,
        "error": error,
    }


CARRY_CODE = frozenset((events.SET_ON_DEVICE, events.SCHEDULED_ON_DEVICE, events.DELETED))


def event(found: Event) -> dict[str, Any]:
    """An event with exactly its type's fields; also a webhook's body."""
    shown: dict[str, Any] = {
        "event_id": found.event_id,
        "event_type": found.event_type,
        "workspace_id": found.workspace_id,
        "created_at": iso(found.created_at),
        "occurred_at": iso(found.occurred_at),
    }
    for name in ("device_id", "access_code_id", "connected_account_id", "action_attempt_id"):
        value = getattr(found, name)
        if value is not None:
            shown[name] = value
    shown.update(found.payload)
    if found.event_type == events.CODE_CHANGED:
        shown["from"] = {"code": found.code_from and found.code_from.reveal()}
        shown["to"] = {"code": found.code and found.code.reveal()}
    elif found.event_type in CARRY_CODE:
        shown["code"] = found.code and found.code.reveal()
    return shown
