"""From the house's values to Seam's shapes: once per resource, for answers, events and webhooks.

`api/resources` describes each, key by key: a new key goes into both, or the tests refuse it.
"""

from datetime import datetime
from typing import Any

from latchwork.api.device_serializers import LOST, device_errors, iso, shown_problem
from latchwork.domain import events
from latchwork.domain.access_code import AccessCode, CodeStatus
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.events import Event
from latchwork.domain.slots import LedgerEntry
from latchwork.domain.timing import is_natively_scheduled, program_from
from latchwork.domain.webhook import Webhook
from latchwork.domain.window import Window
from latchwork.storage.interface import CodeView, UnmanagedView


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
        "code": code.pin.reveal(),
        "common_code_key": code.common_code_key,
        "type": code.type.value,
        "status": _status(code, account),
        "created_at": iso(code.created_at),
        "starts_at": iso(code.starts_at),
        "ends_at": iso(code.ends_at),
        "errors": own_errors + device_errors(device, account),
        "warnings": [shown_problem(p, "warning_code") for p in code.warnings],
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


def unmanaged_access_code(view: UnmanagedView, now: datetime) -> dict[str, Any]:
    """Seam's unmanaged_access_code: one that another hand put on the lock."""
    code, device = view.code, view.device
    window = code.window or Window()
    return {
        "access_code_id": code.unmanaged_access_code_id,
        "device_id": code.device_id,
        "workspace_id": device.workspace_id,
        "name": code.name,
        "code": None if code.pin is None else code.pin.reveal(),
        "type": "ongoing" if window.ends_at is None else "time_bound",
        "status": "set" if window.contains(now) else "unset",
        "created_at": iso(code.created_at),
        "starts_at": iso(window.starts_at),
        "ends_at": iso(window.ends_at),
        "is_managed": False,
        "errors": device_errors(device, view.account),
        "warnings": [],
        **({} if code.is_manageable else {"cannot_be_managed": True}),
        **({} if code.is_nameable else {"cannot_delete_unmanaged_access_code": True}),
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


def shown_type(attempt: ActionAttempt) -> ActionType:
    """As callers know it."""
    if attempt.action_type is ActionType.DELETE_UNMANAGED:
        return ActionType.DELETE_ACCESS_CODE
    return attempt.action_type


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
        "action_type": shown_type(attempt).value,
        "status": status.value,
        "result": result,
        "error": error,
    }


WITH_METADATA = ("access_code.", "device.", "lock.", "connected_account.")
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
    if found.event_type.startswith(WITH_METADATA):
        if found.device_metadata:
            shown["device_custom_metadata"] = found.device_metadata
        if found.account_metadata:
            shown["connected_account_custom_metadata"] = found.account_metadata
    shown.update(found.payload)
    if found.event_type == events.CODE_CHANGED:
        shown["from"] = {"code": found.code_from and found.code_from.reveal()}
        shown["to"] = {"code": found.code and found.code.reveal()}
    elif found.event_type in CARRY_CODE:
        shown["code"] = found.code and found.code.reveal()
    return shown
