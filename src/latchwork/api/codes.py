"""What the endpoints of access codes share: finding, judging, storing."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api.endpoint import Call
from latchwork.api.errors import ApiError, invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.access_code import AccessCode
from latchwork.domain.commands import Command
from latchwork.domain.constraints import Violation, violations
from latchwork.domain.device import Device
from latchwork.domain.generate import generate_pin
from latchwork.domain.pin import Pin
from latchwork.storage.interface import CodeView, DeviceView, Duplicate, StaleTokenError

Name = Annotated[str, msgspec.Meta(max_length=128)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
TypeName = Literal["ongoing", "time_bound", "timebound"]
TRIES = 8
"""How often a change is applied anew when another change came between."""

NEEDS_PINS = frozenset(("pin_code_matches_existing_set", "unique_first_four_digits"))


async def find(call: Call, access_code_id: str, device_id: str | None = None) -> CodeView:
    view = await call.storage.code(call.workspace_id, access_code_id=access_code_id)
    if view is None or (device_id is not None and view.code.device_id != device_id):
        raise not_found("access_code")
    return view


async def device_of(call: Call, device_id: str) -> DeviceView:
    """The device, if it is there and not removed."""
    view = await call.storage.device(call.workspace_id, device_id=device_id)
    if view is None or view.device.removed:
        raise not_found("device")
    return view


async def programmable(call: Call, device_id: str) -> DeviceView:
    """The device, or why no code can be put on it."""
    view = await device_of(call, device_id)
    if not view.device.capabilities.access_codes:
        raise ApiError(
            400,
            "device_does_not_support_access_codes",
            "The device does not support access codes (can_program_online_access_codes is false).",
        )
    return view


def check_reachable(view: DeviceView, attempt_for_offline_device: bool | None) -> None:
    """For callers who want nothing kept for later."""
    if attempt_for_offline_device is False and not view.device.online:
        raise ApiError(400, "device_offline", "The device is offline; nothing was attempted.")


async def generated(call: Call, device: Device, length: float | None) -> Pin:
    """A PIN for the lock: of the length preferred where the lock takes it, else of its shortest
    usual one."""
    taken = await call.storage.pins_on(device.device_id)
    rules = device.code_rules
    return generate_pin(
        rules, frozenset(taken), preferred(length, rules.code_lengths), call.deps.randbelow
    )


def preferred(length: float | None, supported: Sequence[int]) -> int | None:
    return int(length) if length is not None and length in supported else None


async def check_pin(
    call: Call,
    device: Device,
    pin: str,
    *,
    starts_at: datetime | None = None,
    but: AccessCode | None = None,
) -> None:
    """Refuses a PIN of the caller's choice that the lock would not take. `but`: the code that has
    a PIN already."""
    existing: list[Pin] = []
    if any(c.constraint_type in NEEDS_PINS for c in device.capabilities.constraints):
        pins = await call.storage.pins_on(device.device_id)
        existing = [known for known in pins if but is None or known != but.pin]
    now = None if but is not None else call.now
    refuse(violations(pin, device.code_rules, existing=existing, starts_at=starts_at, now=now))


def refuse(broken: tuple[Violation, ...], field: str = "code") -> None:
    if broken:
        raise ApiError(
            400,
            "invalid_input",
            " ".join(violation.message for violation in broken),
            data={"violated_constraints": [violation.rule for violation in broken]},
            validation={field: [violation.message for violation in broken]},
        )


def duplicate_error(duplicate: Duplicate) -> ApiError:
    if duplicate.access_code_id is not None:
        data = {"conflicting_access_code_id": duplicate.access_code_id}
    else:
        data = {"conflicting_unmanaged_access_code_id": duplicate.unmanaged_access_code_id or ""}
    return ApiError(
        409,
        "duplicate_access_code",
        "The device already has an access code with this PIN in an overlapping time frame.",
        data=data,
    )


def contended() -> ApiError:
    return ApiError(
        409, "conflict", "The access code is being changed by others at once; try again."
    )


def check_type(name: str | None, *, has_end: bool) -> None:
    if name is None:
        return
    if name == "ongoing" and has_end:
        raise invalid("An ongoing access code has no ends_at.", ends_at="Not for ongoing codes")
    if name != "ongoing" and not has_end:
        raise invalid("A time-bound access code needs ends_at.", ends_at="Required")


def instant_or_unset(name: str, text: str | UnsetType | None) -> datetime | UnsetType | None:
    """A parameter that may be left out, be null, or be an instant."""
    return UNSET if isinstance(text, UnsetType) else instant(name, text)


async def changed(
    call: Call, make: Callable[[], Awaitable[Sequence[Command]]]
) -> Sequence[Command]:
    """Stores the commands that `make` answers, all or none; makes them anew when another change
    of one of the codes came between."""
    for _ in range(TRIES):
        commands = await make()
        try:
            duplicates = await call.storage.update_codes(commands)
        except StaleTokenError:
            continue
        for duplicate in duplicates:
            if duplicate is not None:
                raise duplicate_error(duplicate)
        return commands
    raise contended()
