"""From the house's values to Seam's shapes: once per resource, for answers, events and webhooks.

`api/resources` describes each, key by key: a new key goes into both, or the tests refuse it.
"""

from datetime import datetime
from typing import Any

from latchwork.api.device_serializers import device_errors, iso
from latchwork.domain import events
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.events import Event
from latchwork.domain.webhook import Attempt, Webhook
from latchwork.domain.window import Window
from latchwork.storage.interface import UnmanagedView


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


def webhook(found: Webhook, now: datetime) -> dict[str, Any]:
    """With its secret."""
    return {
        "webhook_id": found.webhook_id,
        "url": found.url,
        "event_types": list(found.event_types),
        "secret": found.secret.reveal(),
        "latchwork_delivery": {
            "is_disabled": found.disabled,
            "disabled_at": iso(found.disabled_at),
            "disabled_reason": found.disabled_reason,
            "failing_since": iso(found.failing.since if found.failing else None),
            "previous_secret_valid_until": iso(
                found.previous_secret_until if len(found.secrets_at(now)) > 1 else None
            ),
        },
    }


def webhook_attempt(message_id: str, event_id: str, attempt: Attempt) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "event_id": event_id,
        "attempt": attempt.attempt,
        "attempted_at": iso(attempt.attempted_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
        "response": attempt.response,
    }


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
CARRY_CODE = frozenset(
    (events.SET_ON_DEVICE, events.SCHEDULED_ON_DEVICE, events.DELETED, events.ISSUED)
)


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
        shown |= _pins_of(found)
    elif found.event_type == events.MUTATIONS_REQUESTED:
        shown["requested_mutations"] = [
            {**one, **_pins_of(found)} if one["mutation_code"] == "updating_code" else one
            for one in found.payload["requested_mutations"]
        ]
    elif found.event_type in CARRY_CODE:
        shown["code"] = found.code and found.code.reveal()
    return shown


def _pins_of(found: Event) -> dict[str, Any]:
    return {
        "from": {"code": found.code_from and found.code_from.reveal()},
        "to": {"code": found.code and found.code.reveal()},
    }
