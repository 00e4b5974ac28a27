"""The contract's events, and what they tell."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from latchwork.drivers.clouds.model import CodeTold, CodeUsed, LocksChanged, News
from latchwork.drivers.lock_cloud.wire import by_error_code, fraction
from latchwork.drivers.protocol import AccessDenied, DeviceChanged, LockOperated

WANTED: Final = (
    "device.added",
    "device.removed",
    "device.online",
    "device.offline",
    "device.low_battery",
    "bridge.online",
    "bridge.offline",
    "lock.action_completed",
    "access_code.created",
    "access_code.updated",
    "access_code.deleted",
    "access_code.used",
    "access_code.incorrect_attempt",
)
METHODS: Final = {
    "pin_code": "keycode",
    "mobile_app": "remote",
    "remote_api": "remote",
    "bluetooth_key": "remote",
    "fob_card": "card",
    "manual_turn": "manual",
    "auto_lock": "automatic",
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Members may stand at the top, in `data`, or in `access_code`."""

    event_type: str
    device_id: str | None = None
    lock_id: str | None = None
    bridge_id: str | None = None
    access_code_id: str | None = None
    action: str | None = None
    status: str | None = None
    error_code: str | None = None
    performed_via: str | None = None
    battery_level: float | None = None
    timestamp: datetime | None = None

    @property
    def key(self) -> str | None:
        return self.device_id or self.lock_id


def parsed(body: bytes) -> Event:
    """Raises msgspec.DecodeError for anything else."""
    raw = msgspec.json.decode(body, type=dict[str, Any])
    flat = dict(raw)
    for nested in ("access_code", "data"):
        inner = raw.get(nested)
        if isinstance(inner, dict):
            flat = {**inner, **{k: v for k, v in flat.items() if v is not None}}
    return msgspec.convert(flat, Event)


def news_of(
    event: Event, locks_of_bridge: Mapping[str, tuple[str, ...]], report_id: str
) -> tuple[News, ...]:
    """What an event says; nothing for one that is not known."""
    if event.event_type.startswith("bridge."):
        online = {"bridge.online": True, "bridge.offline": False}.get(event.event_type)
        return tuple(
            DeviceChanged(provider_key=key, online=online, occurred_at=event.timestamp)
            for key in locks_of_bridge.get(event.bridge_id or "", ())
        )
    handler = _HANDLERS.get(event.event_type)
    return () if handler is None else handler(event, report_id)


def _listed_anew(_event: Event, _report_id: str) -> tuple[News, ...]:
    return (LocksChanged(),)


def _device(event: Event, _report_id: str) -> tuple[News, ...]:
    if event.key is None:
        return ()
    online = {"device.online": True, "device.offline": False}.get(event.event_type)
    return (
        DeviceChanged(
            provider_key=event.key,
            online=online,
            battery_level=fraction(event.battery_level),
            occurred_at=event.timestamp,
        ),
    )


def _action(event: Event, report_id: str) -> tuple[News, ...]:
    if event.key is None or event.status != "success" or event.action not in ("lock", "unlock"):
        return ()
    locked = event.action == "lock"
    if event.performed_via == "pin_code" and not locked:
        # access_code.used tells of it, and by which code.
        return (DeviceChanged(provider_key=event.key, locked=False, occurred_at=event.timestamp),)
    return (
        LockOperated(
            provider_key=event.key,
            locked=locked,
            method=METHODS.get(event.performed_via or "", "unknown"),
            occurred_at=event.timestamp,
            report_id=report_id,
        ),
    )


def _code(event: Event, _report_id: str) -> tuple[News, ...]:
    failed = event.status == "failed" and event.event_type == "access_code.created"
    return (
        CodeTold(
            provider_key=event.key,
            code_id=event.access_code_id,
            error=by_error_code(event.error_code, "the code") if failed else None,
        ),
    )


def _used(event: Event, report_id: str) -> tuple[News, ...]:
    if event.key is None:
        return ()
    return (
        CodeUsed(
            provider_key=event.key,
            code_id=event.access_code_id,
            occurred_at=event.timestamp,
            report_id=report_id,
        ),
    )


def _denied(event: Event, report_id: str) -> tuple[News, ...]:
    if event.key is None:
        return ()
    return (AccessDenied(provider_key=event.key, occurred_at=event.timestamp, report_id=report_id),)


_HANDLERS: Final[dict[str, Callable[[Event, str], tuple[News, ...]]]] = {
    "device.added": _listed_anew,
    "device.removed": _listed_anew,
    "device.online": _device,
    "device.offline": _device,
    "device.low_battery": _device,
    "battery.low": _device,
    "battery.replaced": _device,
    "lock.action_completed": _action,
    "access_code.created": _code,
    "access_code.updated": _code,
    "access_code.deleted": _code,
    "access_code.used": _used,
    "access_code.incorrect_attempt": _denied,
}
