"""Access codes in Seam's shape."""

from datetime import datetime
from typing import Any

from latchwork.api.device_serializers import device_errors, iso, shown_problem
from latchwork.domain.access_code import AccessCode, CodeStatus, Offline
from latchwork.domain.device import LOST, ConnectedAccount, Device
from latchwork.domain.names import appearance, fitted
from latchwork.domain.problem import Problem
from latchwork.domain.slots import LedgerEntry
from latchwork.domain.timing import is_natively_scheduled, program_from
from latchwork.domain.window import Window, same_schedule
from latchwork.storage.interface import CodeView

OF_ALL_CODES = frozenset(("third_party_integration_detected",))


def access_code(view: CodeView, now: datetime) -> dict[str, Any]:
    """Seam's access_code; `latchwork_evidence` is ours: what proves the code on the lock."""
    code, device, account, entry = view.code, view.device, view.account, view.entry
    own_errors = [shown_problem(p, "error_code", is_access_code_error=True) for p in code.errors]
    evidence = code.evidence
    return {
        "access_code_id": code.access_code_id,
        "device_id": code.device_id,
        "connected_account_id": code.connected_account_id,
        "workspace_id": code.workspace_id,
        "name": code.name,
        "appearance": None if entry is None else appearance(entry.appearance, device.capabilities),
        "code": code.pin.reveal() if code.is_issued else None,
        "common_code_key": code.common_code_key,
        "type": code.type.value,
        "status": _status(code, account),
        "created_at": iso(code.created_at),
        "starts_at": iso(code.starts_at),
        "ends_at": iso(code.ends_at),
        "errors": own_errors + device_errors(device, account),
        "warnings": [shown_problem(p, "warning_code") for p in _warnings(code, device)],
        "is_managed": True,
        "is_backup": code.pool is not None,
        "is_backup_access_code_available": view.backup_available,
        "is_external_modification_allowed": code.allow_external_modification,
        "is_offline_access_code": code.offline is not None,
        "is_one_time_use": code.offline is Offline.ONE_TIME,
        "is_scheduled_on_device": code.scheduled_on_device,
        "is_waiting_for_code_assignment": not code.is_issued,
        "pulled_backup_access_code_id": code.pulled_backup_id,
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


def _warnings(code: AccessCode, device: Device) -> list[Problem]:
    """Its own, and what of its lock's concerns every code there."""
    if not device.warnings:
        return list(code.warnings)
    return [*code.warnings, *(p for p in device.warnings if p.code in OF_ALL_CODES)]


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
    begin = program_from(code, device, account)
    if code.offline is None and now < begin:
        return [
            {
                "mutation_code": "deferring_creation",
                "message": "The code is put on the lock when its time comes.",
                "created_at": since,
                "scheduled_at": iso(begin),
            }
        ]
    if code.offline is not None:
        return [] if code.is_issued else [_creating("The code is being issued.", since)]
    if entry is None or entry.confirmed_pin is None:
        return [_creating("The code is being set on the lock.", since)]
    return _pending_updates(code, device, entry, since)


def _creating(text: str, since: str | None) -> dict[str, Any]:
    return {"mutation_code": "creating", "message": text, "created_at": since}


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
    if entry.name != fitted(code.name, device.capabilities, entry.name, ()):
        pending.append(mutation("updating_name", {"name": entry.appearance}, {"name": code.name}))
    wanted = code.window if is_natively_scheduled(code, device) else None
    if not same_schedule(entry.window, wanted):
        frames = (_frame(entry.window), _frame(code.window))
        pending.append(mutation("updating_time_frame", *frames))
    return pending


def _frame(window: Window | None) -> dict[str, Any]:
    if window is None:
        return {"starts_at": None, "ends_at": None}
    return {"starts_at": iso(window.starts_at), "ends_at": iso(window.ends_at)}


def generated_code(device: Device, pin: str) -> dict[str, Any]:
    """What /access_codes/generate_code answers: a PIN that nothing was done with."""
    return {"code": pin, "device_id": device.device_id}
