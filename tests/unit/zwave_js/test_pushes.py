"""From events, as recorded from a Z-Wave JS server, to pushes."""

from typing import Any

import pytest

from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    LockOperated,
    Push,
)
from latchwork.drivers.zwave_js.client import Event
from latchwork.drivers.zwave_js.node import LockNode
from latchwork.drivers.zwave_js.pushes import is_duplicate_refusal, pushes_of
from support.zwave_script import scripted_lock

KEY = "c0ffee01-2"


def notification(kind: int, number: int, **parameters: Any) -> Event:
    args: dict[str, Any] = {"type": kind, "event": number, "label": "Access Control"}
    return Event("node", "notification", 2, 113, {**args, "parameters": parameters})


def value(command_class: int, name: str, new: Any, key: Any = None, **more: Any) -> Event:
    args = {"commandClass": command_class, "endpoint": 0, "property": name, "newValue": new}
    event = "value updated" if "prevValue" in more else "value added"
    return Event(
        "node", event, 2, None, args | more | ({} if key is None else {"propertyKey": key})
    )


def credential(event: str, slot: int, data: Any = None, *, kind: int = 1) -> Event:
    args = {"userId": slot, "credentialType": kind, "credentialSlot": slot}
    return Event("node", f"credential {event}", 2, None, args | ({"data": data} if data else {}))


def told(event: Event, lock: LockNode | None = None) -> tuple[Push, ...]:
    return pushes_of(lock or scripted_lock()[0], event)


@pytest.mark.parametrize(
    ("event", "locked", "method", "position"),
    [
        (notification(6, 1), True, "manual", None),
        (notification(6, 2), False, "manual", None),
        (notification(6, 3), True, "remote", None),
        (notification(6, 4), False, "remote", None),
        (notification(6, 5, userId=3), True, "keycode", 3),
        (notification(6, 6, userId=1), False, "keycode", 1),
        (notification(6, 6, userId=251), False, "keycode", None),
        (notification(6, 6, userId=0), False, "keycode", None),
        (notification(6, 6), False, "keycode", None),
        (notification(6, 9), True, "automatic", None),
        (notification(6, 0x21, userId=4), True, "keycode", 4),
        (notification(6, 0x24, userId=4), False, "keycode", 4),
    ],
)
def test_movements_of_the_bolt(
    event: Event, locked: bool, method: str, position: int | None
) -> None:
    assert told(event) == (
        LockOperated(provider_key=KEY, locked=locked, method=method, position=position),
    )


@pytest.mark.parametrize(("kind", "number"), [(6, 0x32), (6, 0x30), (7, 4)])
def test_refused_entries(kind: int, number: int) -> None:
    assert told(notification(kind, number)) == (AccessDenied(provider_key=KEY),)


@pytest.mark.parametrize(
    ("event", "change"),
    [
        (Event("node", "dead", 2), {"online": False}),
        (Event("node", "alive", 2), {"online": True}),
        (value(98, "currentMode", 255, prevValue=0), {"locked": True}),
        (value(98, "currentMode", 0, prevValue=255), {"locked": False}),
        (value(98, "currentMode", 1, prevValue=255), {"locked": False}),
        (value(118, "locked", True, prevValue=False), {"locked": True}),
        (value(98, "doorStatus", "open", prevValue="closed"), {"door_open": True}),
        (value(113, "Access Control", 23, "Door state", prevValue=22), {"door_open": False}),
        (value(128, "level", 15, prevValue=100), {"battery_level": 0.15}),
        (value(113, "Home Security", 3, "Cover status", prevValue=0), {"tampered": True}),
        (notification(7, 9), {"tampered": True}),
    ],
)
def test_facts_of_a_lock(event: Event, change: dict[str, Any]) -> None:
    assert told(event) == (DeviceChanged(provider_key=KEY, **change),)


@pytest.mark.parametrize(
    "event",
    [
        value(98, "currentMode", 255, prevValue=255),
        value(98, "currentMode", 254, prevValue=255),
        value(98, "targetMode", 255, prevValue=0),
        value(128, "level", 255, prevValue=10),
        value(128, "isLow", True, prevValue=False),
        value(113, "alarmType", 0),
        notification(6, 0x0F, userId=2),
        notification(6, 11),
        notification(1, 1),
        Event("node", "notification", 2, 111, {"eventType": 2}),
        Event("node", "statistics updated", 2),
        Event("node", "sleep", 2),
        Event("node", "notification", 2, 113),
        Event("node", "value updated", 2),
    ],
)
def test_what_means_nothing_is_not_told(event: Event) -> None:
    assert told(event) == ()


@pytest.mark.parametrize(
    ("event", "positions"),
    [
        (notification(6, 0x0E, userId=5), (5,)),
        (notification(6, 0x0D, userId=5), (5,)),
        (notification(6, 0x0D), None),
        (notification(6, 0x0C), None),
        (credential("added", 5, "5555"), (5,)),
        (credential("modified", 5), (5,)),
        (credential("deleted", 5), (5,)),
        (Event("node", "user deleted", 2, None, {"userId": 0}), None),
        (Event("node", "user deleted", 2, None, {"userId": 5}), (5,)),
        (Event("node", "user modified", 2, None, {"userId": 5, "active": False}), (5,)),
        (value(99, "userCode", "5555", 5), (5,)),
        (value(99, "userIdStatus", 1, 5, prevValue=0), (5,)),
    ],
)
def test_codes_changed_by_another_hand(event: Event, positions: tuple[int, ...] | None) -> None:
    assert told(event) == (CodesChanged(provider_key=KEY, positions=positions),)


@pytest.mark.parametrize(
    "event",
    [
        credential("added", 5, "5555", kind=7),
        credential("added", 99, "5555"),
        value(99, "userCode", "5555", 0),
        value(99, "adminCode", "5555"),
        Event("node", "user modified", 2, None, {"userId": 5, "active": True}),
    ],
)
def test_what_is_no_position_of_ours_is_not_told(event: Event) -> None:
    assert told(event) == ()


@pytest.mark.parametrize(
    "event",
    [
        credential("added", 5, "4711"),
        value(99, "userCode", "4711", 5),
        value(99, "userIdStatus", 1, 5, prevValue=0),
    ],
)
def test_the_echo_of_what_was_written_is_not_news(event: Event) -> None:
    lock, _ = scripted_lock()
    lock.seen[5] = Pin("4711")
    assert told(event, lock) == ()
    lock.seen[5] = Pin("1234")
    if event.args is not None and "prevValue" not in event.args:
        assert told(event, lock) == (CodesChanged(provider_key=KEY, positions=(5,)),)


@pytest.mark.parametrize(
    "event", [credential("deleted", 5), value(99, "userCode", "", 5, prevValue="4711")]
)
def test_the_echo_of_a_removal_is_not_news(event: Event) -> None:
    lock, _ = scripted_lock()
    lock.seen[5] = None
    assert told(event, lock) == ()


def test_a_position_that_is_being_worked_on_is_not_news() -> None:
    lock, _ = scripted_lock()
    lock.touched = {5}
    assert told(credential("added", 5, "9999"), lock) == ()
    assert told(credential("added", 6, "9999"), lock) != ()


def test_pins_in_events_are_not_repeated() -> None:
    event = notification(6, 6, userId=1, userCode="4711")
    assert "4711" not in repr(told(event))


def test_the_refusal_of_a_duplicate_is_recognised() -> None:
    assert is_duplicate_refusal(notification(6, 15, userId=2))
    assert not is_duplicate_refusal(notification(7, 15))
    assert not is_duplicate_refusal(value(99, "userCode", "5555", 5))
