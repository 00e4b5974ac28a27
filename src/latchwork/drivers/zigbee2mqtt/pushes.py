"""From a lock's published state to pushes for the engine.

Each message repeats all that Zigbee2MQTT remembers of the lock; only `action` is news by itself.
"""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    LockOperated,
    Push,
)
from latchwork.drivers.zigbee2mqtt.lock import Lock

OPERATIONS: Final[Mapping[str, tuple[bool, str | None]]] = {
    "lock": (True, None),
    "unlock": (False, None),
    "one_touch_lock": (True, "manual"),
    "key_lock": (True, "manual"),
    "key_unlock": (False, "manual"),
    "auto_lock": (True, "automatic"),
    "schedule_lock": (True, "automatic"),
    "schedule_unlock": (False, "automatic"),
    "manual_lock": (True, "manual"),
    "manual_unlock": (False, "manual"),
}
"""Whether the bolt was thrown, and how; None: as the source tells."""
METHODS: Final[Mapping[str, str]] = {
    "keypad": "keycode",
    "rf": "remote",
    "rfid": "card",
    "manual": "manual",
}
DENIED: Final = frozenset(
    {
        "lock_failure_invalid_pin_or_id",
        "lock_failure_invalid_schedule",
        "unlock_failure_invalid_pin_or_id",
        "unlock_failure_invalid_schedule",
        "non_access_user_operational_event",
    }
)
CHANGED: Final = frozenset({"pin_code_added", "pin_code_deleted", "pin_code_changed"})
BOLT: Final = {"LOCK": True, "UNLOCK": False}
DOOR: Final = {"open": True, "error_forced_open": True, "closed": False}


def pushes_of(lock: Lock, state: Mapping[str, Any], *, retained: bool) -> tuple[Push, ...]:
    """What a state says; a retained one tells of no action, since nobody knows when it was."""
    told = () if retained else _action(lock, state)
    return (*told, *_facts(lock.key, state))


def _action(lock: Lock, state: Mapping[str, Any]) -> tuple[Push, ...]:
    action = state.get("action")
    if not isinstance(action, str):
        return ()
    user = state.get("action_user")
    position = user if isinstance(user, int) and lock.has_position(user) else None
    if action in OPERATIONS:
        locked, method = OPERATIONS[action]
        source = str(state.get("action_source_name"))
        method = method or METHODS.get(source, "unknown")
        typed = position if method == "keycode" else None
        return (LockOperated(provider_key=lock.key, locked=locked, method=method, position=typed),)
    if action in DENIED:
        return (AccessDenied(provider_key=lock.key),)
    if action in CHANGED:
        positions = None if position is None else (position,)
        return (CodesChanged(provider_key=lock.key, positions=positions),)
    return ()


def _facts(key: str, state: Mapping[str, Any]) -> tuple[Push, ...]:
    change = DeviceChanged(
        provider_key=key,
        locked=BOLT.get(str(state.get("state"))),
        door_open=DOOR.get(str(state.get("door_state"))),
        battery_level=battery_fraction(state.get("battery")),
        tampered=True if state.get("tamper") is True else None,
    )
    return () if change == DeviceChanged(provider_key=key) else (change,)


def battery_fraction(percent: Any) -> float | None:
    """From percent to 0.0 to 1.0."""
    if isinstance(percent, bool) or not isinstance(percent, int | float):
        return None
    return percent / 100 if 0 <= percent <= 100 else None
