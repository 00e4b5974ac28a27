"""/devices/simulate and /locks/simulate: breaking and mending the sandbox's locks."""

from typing import Any

import msgspec

from latchwork.api import resources
from latchwork.api import serializers as show
from latchwork.api.attempts import until_ended
from latchwork.api.endpoint import CREATE, Call, Endpoint, Handler
from latchwork.api.errors import ApiError
from latchwork.api.routes.devices import find
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.pin import Pin


class Device(msgspec.Struct):
    device_id: str


class Subscription(msgspec.Struct):
    device_id: str
    is_expired: bool


class Keypad(msgspec.Struct):
    device_id: str
    code: str


class Fault(msgspec.Struct):
    device_id: str
    action: str
    values: dict[str, Any] = {}


async def _attempt(
    call: Call,
    device_id: str,
    action: ActionType,
    values: dict[str, Any] | None = None,
    code: Pin | None = None,
) -> ActionAttempt:
    """Stores what the engine shall simulate."""
    view = await find(call, device_id)
    if not call.workspace.is_sandbox:
        raise ApiError(
            400, "not_a_sandbox_workspace", "Only devices of a sandbox workspace can be simulated."
        )
    attempt = ActionAttempt(
        action_attempt_id=call.new_id(),
        workspace_id=call.workspace_id,
        action_type=action,
        created_at=call.now,
        device_id=view.device.device_id,
        values=values or {},
        code=code,
    )
    await call.storage.add_attempt(attempt)
    return attempt


async def simulated(call: Call, device_id: str, values: dict[str, Any]) -> dict[str, Any]:
    """Answers once it has happened."""
    code = values.pop("code", None)
    pin = None if code is None else Pin(str(code))
    attempt = await _attempt(call, device_id, ActionType.SIMULATE, values, pin)
    ended = await until_ended(call, attempt)
    if ended.status is AttemptStatus.ERROR:
        raise ApiError(
            400, ended.error_type or "simulation_failed", ended.error_message or "It did not work."
        )
    if ended.status is AttemptStatus.PENDING:
        raise ApiError(503, "service_unavailable", "The simulation did not answer in time.")
    return {"ok": True}


def _plain(action: str) -> Handler:
    async def handler(call: Call, asked: Device) -> dict[str, Any]:
        return await simulated(call, asked.device_id, {"action": action})

    return handler


async def paid_subscription(call: Call, asked: Subscription) -> dict[str, Any]:
    values = {"action": "paid_subscription", "is_expired": asked.is_expired}
    return await simulated(call, asked.device_id, values)


async def fault(call: Call, asked: Fault) -> dict[str, Any]:
    """Ours: any of the simulator's own actions, such as set_fault or program_by_hand."""
    return await simulated(call, asked.device_id, {**asked.values, "action": asked.action})


async def keypad_code_entry(call: Call, asked: Keypad) -> dict[str, Any]:
    action = ActionType.SIMULATE_KEYPAD_CODE_ENTRY
    attempt = await _attempt(call, asked.device_id, action, code=Pin(asked.code))
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


async def manual_lock(call: Call, asked: Device) -> dict[str, Any]:
    action = ActionType.SIMULATE_MANUAL_LOCK_VIA_KEYPAD
    attempt = await _attempt(call, asked.device_id, action)
    return {"action_attempt": show.action_attempt(attempt), "ok": True}


_PLAIN = {
    "connect": "Brings a simulated lock back online.",
    "connect_to_hub": "Brings a simulated lock's hub back online.",
    "disconnect": "Takes a simulated lock offline.",
    "disconnect_from_hub": "Takes a simulated lock's hub offline.",
    "remove": "Takes a simulated lock off its account.",
}

_ATTEMPT = {"action_attempt": resources.ActionAttempt}

ENDPOINTS = (
    *(
        Endpoint(f"/devices/simulate/{action}", CREATE, Device, _plain(action), {}, summary)
        for action, summary in _PLAIN.items()
    ),
    Endpoint(
        "/devices/simulate/paid_subscription",
        CREATE,
        Subscription,
        paid_subscription,
        answer={},
        summary="Lets a simulated lock's subscription expire, or renews it.",
    ),
    Endpoint(
        "/locks/simulate/keypad_code_entry",
        CREATE,
        Keypad,
        keypad_code_entry,
        answer=_ATTEMPT,
        summary="Types a PIN on a simulated lock's keypad.",
    ),
    Endpoint(
        "/locks/simulate/manual_lock_via_keypad",
        CREATE,
        Device,
        manual_lock,
        answer=_ATTEMPT,
        summary="Locks a simulated lock by its keypad.",
    ),
    Endpoint(
        "/latchwork/devices/simulate",
        CREATE,
        Fault,
        fault,
        answer={},
        summary="Breaks or mends a simulated lock in any way it knows. Latchwork's own.",
    ),
)
