"""From events of the server to pushes for the engine.

Z-Wave JS also reports what our own reads and writes change in its cache; such echoes are told from
news by what was last read or written at the position.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    LockOperated,
    Push,
)
from latchwork.drivers.zwave_js import commands as cc
from latchwork.drivers.zwave_js.client import Event
from latchwork.drivers.zwave_js.codes import pin_of
from latchwork.drivers.zwave_js.discovery import battery_fraction, is_locked
from latchwork.drivers.zwave_js.node import CODE, STATUS, VALUE_EVENTS, LockNode

ACCESS_CONTROL: Final = 6
HOME_SECURITY: Final = 7
DUPLICATE_REFUSED: Final = 0x0F
ALL_CODES_DELETED: Final = 0x0C
CODE_CHANGED: Final = frozenset({0x0D, 0x0E})
DENIED: Final = frozenset({0x14, 0x15, 0x2F, 0x30, 0x31, 0x32})
INVALID_CODE: Final = 0x04
PRODUCT_MOVED: Final = 0x09
COVER_REMOVED: Final = 3
DOOR_OPEN, DOOR_CLOSED = 22, 23
OPERATIONS: Final[Mapping[int, tuple[bool, str]]] = {
    0x01: (True, "manual"),
    0x02: (False, "manual"),
    0x03: (True, "remote"),
    0x04: (False, "remote"),
    0x05: (True, "keycode"),
    0x06: (False, "keycode"),
    0x09: (True, "automatic"),
    0x21: (True, "keycode"),
    0x22: (False, "keycode"),
    0x23: (True, "keycode"),
    0x24: (False, "keycode"),
}
"""Access Control events by which the bolt moved: whether it locked, and how."""


def is_duplicate_refusal(event: Event) -> bool:
    args = event.args or {}
    return (
        event.event == "notification"
        and event.ccId == cc.NOTIFICATION
        and args.get("type") == ACCESS_CONTROL
        and args.get("event") == DUPLICATE_REFUSED
    )


def pushes_of(lock: LockNode, event: Event) -> tuple[Push, ...]:
    """What an event of this lock means to the engine; nothing for most."""
    handler = _HANDLERS.get(event.event)
    return () if handler is None else handler(lock, event)


def _online(lock: LockNode, _: Event) -> tuple[Push, ...]:
    return (DeviceChanged(provider_key=lock.key, online=True),)


def _offline(lock: LockNode, _: Event) -> tuple[Push, ...]:
    return (DeviceChanged(provider_key=lock.key, online=False),)


def _notification(lock: LockNode, event: Event) -> tuple[Push, ...]:
    args = event.args or {}
    if event.ccId != cc.NOTIFICATION:
        return ()
    kind, number = args.get("type"), args.get("event")
    if kind == ACCESS_CONTROL and isinstance(number, int):
        return _access_control(lock, number, _position(lock, args.get("parameters")))
    if kind == HOME_SECURITY and number == INVALID_CODE:
        return (AccessDenied(provider_key=lock.key),)
    if kind == HOME_SECURITY and number == PRODUCT_MOVED:
        return (DeviceChanged(provider_key=lock.key, tampered=True),)
    return ()


def _access_control(lock: LockNode, number: int, position: int | None) -> tuple[Push, ...]:
    if number in OPERATIONS:
        locked, method = OPERATIONS[number]
        return (
            LockOperated(provider_key=lock.key, locked=locked, method=method, position=position),
        )
    if number in DENIED:
        return (AccessDenied(provider_key=lock.key),)
    if number == ALL_CODES_DELETED:
        return (CodesChanged(provider_key=lock.key),)
    if number in CODE_CHANGED:
        positions = None if position is None else (position,)
        return (CodesChanged(provider_key=lock.key, positions=positions),)
    return ()


def _position(lock: LockNode, parameters: Any) -> int | None:
    """Locks tell other numbers for codes of their own, such as the master code's."""
    user_id = parameters.get("userId") if isinstance(parameters, dict) else None
    return user_id if isinstance(user_id, int) and lock.has_position(user_id) else None


def _value(lock: LockNode, event: Event) -> tuple[Push, ...]:
    args = event.args or {}
    if "prevValue" in args and args["prevValue"] == args.get("newValue"):
        return ()
    if args.get("commandClass") == cc.USER_CODE:
        return _user_code(lock, args)
    fact = _FACTS.get((args.get("commandClass"), args.get("property"), args.get("propertyKey")))
    change = None if fact is None else fact(lock.key, args.get("newValue"))
    return () if change is None else (change,)


def _user_code(lock: LockNode, args: dict[str, Any]) -> tuple[Push, ...]:
    position, name, value = args.get("propertyKey"), args.get("property"), args.get("newValue")
    if not lock.has_position(position) or not isinstance(position, int):
        return ()
    if name == CODE:
        return _told(lock, position, pin_of(value))
    if name == STATUS and "prevValue" in args:
        is_empty = lock.seen.get(position) is None
        return () if is_empty == (value == 0) else _told(lock, position, None)
    return ()


def _credential(lock: LockNode, event: Event) -> tuple[Push, ...]:
    args = event.args or {}
    position = args.get("credentialSlot")
    if args.get("credentialType") != lock.credential_type or not isinstance(position, int):
        return ()
    return _told(lock, position, pin_of(args.get("data")))


def _user_gone(lock: LockNode, event: Event) -> tuple[Push, ...]:
    user_id = (event.args or {}).get("userId")
    if user_id == 0:
        return (CodesChanged(provider_key=lock.key),)
    return _told(lock, user_id, None) if isinstance(user_id, int) else ()


def _user_modified(lock: LockNode, event: Event) -> tuple[Push, ...]:
    """A user that was disabled does not open the door any more."""
    args = event.args or {}
    user_id = args.get("userId")
    if args.get("active", True) or not isinstance(user_id, int) or user_id in lock.touched:
        return ()
    return (CodesChanged(provider_key=lock.key, positions=(user_id,)),)


def _told(lock: LockNode, position: int, pin: Pin | None) -> tuple[Push, ...]:
    """News of a position, unless it is being worked on or says what is known already."""
    if position in lock.touched or not lock.has_position(position):
        return ()
    if position in lock.seen and lock.seen[position] == pin:
        return ()
    lock.seen.pop(position, None)
    return (CodesChanged(provider_key=lock.key, positions=(position,)),)


def _bolt(key: str, value: Any) -> DeviceChanged | None:
    locked = is_locked(value)
    return None if locked is None else DeviceChanged(provider_key=key, locked=locked)


def _door(key: str, value: Any) -> DeviceChanged | None:
    known = {"open": True, DOOR_OPEN: True, "closed": False, DOOR_CLOSED: False}
    door_open = known.get(value) if isinstance(value, str | int) else None
    return None if door_open is None else DeviceChanged(provider_key=key, door_open=door_open)


def _auto_relock(key: str, value: Any) -> DeviceChanged | None:
    if not isinstance(value, int):
        return None
    return DeviceChanged(
        provider_key=key, auto_lock_enabled=value > 0, auto_lock_delay=float(value) or None
    )


def _battery(key: str, value: Any) -> DeviceChanged | None:
    level = battery_fraction(value)
    return None if level is None else DeviceChanged(provider_key=key, battery_level=level)


def _cover(key: str, value: Any) -> DeviceChanged | None:
    return DeviceChanged(provider_key=key, tampered=True) if value == COVER_REMOVED else None


_FACTS: Final[Mapping[tuple[Any, Any, Any], Callable[[str, Any], DeviceChanged | None]]] = {
    (cc.DOOR_LOCK, "currentMode", None): _bolt,
    (cc.LOCK, "locked", None): _bolt,
    (cc.DOOR_LOCK, "doorStatus", None): _door,
    (cc.DOOR_LOCK, cc.AUTO_RELOCK_TIME, None): _auto_relock,
    (cc.NOTIFICATION, "Access Control", "Door state"): _door,
    (cc.NOTIFICATION, "Home Security", "Cover status"): _cover,
    (cc.BATTERY, "level", None): _battery,
}

_HANDLERS: Final[Mapping[str, Callable[[LockNode, Event], tuple[Push, ...]]]] = {
    "alive": _online,
    "wake up": _online,
    "dead": _offline,
    "notification": _notification,
    **dict.fromkeys(VALUE_EVENTS, _value),
    "credential added": _credential,
    "credential modified": _credential,
    "credential deleted": _credential,
    "user deleted": _user_gone,
    "user modified": _user_modified,
}
