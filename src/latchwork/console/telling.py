"""Events in words, with the names of what they happened to; never with a PIN."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from latchwork.api import serializers
from latchwork.api.endpoint import LARGEST_PAGE
from latchwork.api.routes.access_codes_timeline import KINDS
from latchwork.console.visit import Visit
from latchwork.domain import events
from latchwork.domain.events import Event
from latchwork.domain.pin import MASK
from latchwork.storage.interface import CodeFilter, DeviceFilter

WORDS: Final = {
    events.LOCK_LOCKED: "Locked",
    events.LOCK_UNLOCKED: "Unlocked",
    events.LOCK_ACCESS_DENIED: "A PIN that opens nothing was typed.",
    events.DEVICE_CONNECTED: "The lock answers again.",
    events.DEVICE_DISCONNECTED: "The lock is out of reach.",
    events.DEVICE_ADDED: "A lock was found.",
    events.DEVICE_REMOVED: "The lock is gone from its account.",
    events.DEVICE_LOW_BATTERY: "The battery is low.",
    events.ACCOUNT_CONNECTED: "The account is connected.",
    events.ACCOUNT_DISCONNECTED: "The account's connection is down.",
}
METHODS: Final = {
    "keycode": "by a code",
    "manual": "by hand",
    "remote": "from afar",
    "automatic": "by itself",
    "seamapi": "from afar",
}
TONES: Final = (
    (("failed_to", "delay_in", "disconnected", "access_denied", "error."), "failed"),
    (("low_battery", "flaky", "external", "warning", "tampered"), "late"),
    (("set_on_device", "connected", "resolved", "stabilized", "converted"), "set"),
    (("removed", "deleted"), "removing"),
)

ALL_TYPES: Final = tuple(
    value
    for name, value in vars(events).items()
    if name.isupper() and isinstance(value, str) and "." in value
)
FAMILIES: Final = {
    "codes": tuple(kind for kind in ALL_TYPES if kind.startswith("access_code.")),
    "doors": tuple(kind for kind in ALL_TYPES if kind.startswith("lock.")),
    "locks": tuple(kind for kind in ALL_TYPES if kind.startswith("device.")),
    "accounts": tuple(kind for kind in ALL_TYPES if kind.startswith("connect")),
}
"""What the list can be narrowed to."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    event: Event
    says: str
    tone: str
    lock: str | None
    code: str | None
    body: dict[str, Any]
    """As webhooks carry it, with a mark in the place of each PIN."""


async def told_of(visit: Visit, found: Sequence[Event]) -> list[Told]:
    """Two pages of names are read, however many events there are."""
    locks, codes = await named(
        visit,
        [event.device_id for event in found if event.device_id],
        [event.access_code_id for event in found if event.access_code_id],
    )
    return [
        Told(
            event=event,
            says=_says(event),
            tone=_tone(event.event_type),
            lock=None if event.device_id is None else locks.get(event.device_id),
            code=None if event.access_code_id is None else codes.get(event.access_code_id),
            body=_without_pins(serializers.event(event)),
        )
        for event in found
    ]


async def named(
    visit: Visit, device_ids: Sequence[str], code_ids: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The names of these locks and of these codes, as far as they are still there."""
    return await _lock_names(visit, set(device_ids)), await _code_names(visit, set(code_ids))


def _without_pins(body: Any) -> Any:
    """PINs are under `code`, wherever that is; nothing else of an event is secret."""
    if isinstance(body, dict):
        return {
            name: MASK if name == "code" and value is not None else _without_pins(value)
            for name, value in body.items()
        }
    return [_without_pins(one) for one in body] if isinstance(body, list) else body


def _says(event: Event) -> str:
    kind = event.event_type
    if kind in KINDS:
        return KINDS[kind][1]
    words = WORDS.get(kind) or kind.rpartition(".")[2].replace("_", " ").capitalize()
    method = METHODS.get(str(event.payload.get("method")))
    return f"{words} {method}." if method else words if words.endswith(".") else f"{words}."


def _tone(kind: str) -> str:
    return next((tone for marks, tone in TONES if any(m in kind for m in marks)), "waiting")


async def _lock_names(visit: Visit, ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    where = DeviceFilter(is_managed=None, device_ids=tuple(ids))
    page = await visit.storage.devices(visit.workspace_id, where, limit=LARGEST_PAGE, cursor=None)
    return {view.device.device_id: view.device.name for view in page.items}


async def _code_names(visit: Visit, ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    where = CodeFilter(access_code_ids=tuple(ids))
    page = await visit.storage.codes(visit.workspace_id, where, limit=LARGEST_PAGE, cursor=None)
    return {v.code.access_code_id: v.code.name or "Code without a name" for v in page.items}
