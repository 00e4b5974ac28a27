"""From states that Zigbee2MQTT publishes to pushes."""

from typing import Any

import pytest

from latchwork.domain.device import LockCapabilities
from latchwork.drivers.protocol import AccessDenied, CodesChanged, DeviceChanged, LockOperated
from latchwork.drivers.zigbee2mqtt.client import Client
from latchwork.drivers.zigbee2mqtt.lock import Lock
from latchwork.drivers.zigbee2mqtt.pushes import pushes_of
from latchwork.drivers.zigbee2mqtt.settings import check_settings

KEY = "0x01"


@pytest.fixture
def lock() -> Lock:
    client = Client(check_settings({"url": "mqtt://broker"}), None)
    can = LockCapabilities(first_position=0, positions=10)
    return Lock(client, KEY, "door", {}, can, exposes_pin=True)


@pytest.mark.parametrize(
    ("action", "source", "locked", "method", "position"),
    [
        ("unlock", "keypad", False, "keycode", 3),
        ("lock", "keypad", True, "keycode", 3),
        ("unlock", "rf", False, "remote", None),
        ("unlock", "rfid", False, "card", None),
        ("unlock", "self", False, "unknown", None),
        ("manual_unlock", "manual", False, "manual", None),
        ("auto_lock", "manual", True, "automatic", None),
    ],
)
def test_operations(
    lock: Lock, action: str, source: str, locked: bool, method: str, position: int | None
) -> None:
    state = {"action": action, "action_source_name": source, "action_user": 3}
    assert pushes_of(lock, state, retained=False) == (
        LockOperated(provider_key=KEY, locked=locked, method=method, position=position),
    )


def test_a_user_that_the_lock_has_not_is_no_position(lock: Lock) -> None:
    state = {"action": "unlock", "action_source_name": "keypad", "action_user": 251}
    [operated] = pushes_of(lock, state, retained=False)
    assert isinstance(operated, LockOperated)
    assert operated.position is None


def test_refusals_and_changes(lock: Lock) -> None:
    def told(**state: Any) -> tuple[object, ...]:
        return pushes_of(lock, state, retained=False)

    assert told(action="unlock_failure_invalid_pin_or_id") == (AccessDenied(provider_key=KEY),)
    assert told(action="pin_code_added", action_user=4) == (
        CodesChanged(provider_key=KEY, positions=(4,)),
    )
    assert told(action="pin_code_deleted") == (CodesChanged(provider_key=KEY),)
    assert told(action="master_code_changed") == ()
    assert told(action="") == ()


def test_a_retained_action_is_nobodys_news(lock: Lock) -> None:
    state = {"action": "unlock", "action_source_name": "keypad", "action_user": 3, "state": "LOCK"}
    assert pushes_of(lock, state, retained=True) == (DeviceChanged(provider_key=KEY, locked=True),)


def test_facts(lock: Lock) -> None:
    state = {"state": "UNLOCK", "battery": 15, "door_state": "open", "linkquality": 80}
    assert pushes_of(lock, state, retained=False) == (
        DeviceChanged(provider_key=KEY, locked=False, battery_level=0.15, door_open=True),
    )
    assert pushes_of(lock, {"battery": 400, "state": None}, retained=False) == ()
