"""Which devices are keypad locks, what they can do, and what a person is advised."""

from typing import Any

import msgspec

from latchwork.domain.device import Reads
from latchwork.drivers.zigbee2mqtt.advice import Info, advice
from latchwork.drivers.zigbee2mqtt.discovery import (
    Limits,
    Listed,
    capabilities,
    limits_of,
    locks_of,
)
from latchwork.drivers.zigbee2mqtt.zcl import Attribute

EXPOSES = [{"type": "lock"}, {"type": "composite", "property": "pin_code"}]


def device(**fields: Any) -> dict[str, Any]:
    return {
        "ieee_address": "0x01",
        "friendly_name": "door",
        "network_address": 4097,
        "definition": {"model": "V3-BTZB", "vendor": "Danalock", "exposes": EXPOSES},
        "endpoints": {
            "1": {"clusters": {"input": ["genBasic"]}},
            "2": {"clusters": {"input": ["closuresDoorLock"]}},
        },
        **fields,
    }


def listed(*devices: Any) -> dict[str, Listed]:
    return locks_of(msgspec.json.encode(devices))


def test_keypad_locks_alone_are_taken() -> None:
    lamp = device(ieee_address="0x02", definition={"exposes": [{"type": "light"}]})
    bolt = device(ieee_address="0x03", definition={"exposes": [{"type": "lock"}]})
    disabled = device(ieee_address="0x04", disabled=True)
    unknown = device(ieee_address="0x05", definition=None)
    odd = {"ieee_address": 6}
    found = listed(lamp, bolt, disabled, unknown, odd, device())
    assert list(found) == ["0x01"]
    assert found["0x01"].target == {
        "ieee_address": "0x01",
        "network_address": 4097,
        "dst_endpoint": 2,
        "cluster_key": "closuresDoorLock",
    }


def test_user_ids_start_at_zero_and_their_number_goes_by_the_vendor_until_told() -> None:
    lock = listed(device())["0x01"]
    can = capabilities(lock, Limits(), exposes_pin=True, has_zone=True)
    assert (can.first_position, can.last_position) == (0, 19)
    assert can.code_lengths == (4, 5, 6, 7, 8)
    assert not can.native_scheduling
    assert can.read_cost == 1
    told = limits_of(
        {
            Attribute.PIN_USERS: 250,
            Attribute.SHORTEST_PIN: 6,
            Attribute.LONGEST_PIN: 7,
            Attribute.YEAR_DAY_SCHEDULES: 1,
        }
    )
    can = capabilities(lock, told, exposes_pin=False, has_zone=True)
    assert (can.positions, can.code_lengths, can.reads) == (250, (6, 7), Reads.OCCUPANCY)
    assert can.native_scheduling
    assert can.read_cost == 3
    assert not can.scan_on_adoption
    assert not capabilities(lock, told, exposes_pin=True, has_zone=False).native_scheduling


def test_limits_that_cannot_be_are_not_believed() -> None:
    assert limits_of({}) == Limits()
    odd = {Attribute.PIN_USERS: 0, Attribute.SHORTEST_PIN: 9, Attribute.LONGEST_PIN: 3}
    assert limits_of(odd) == Limits()


def info(**config: Any) -> Info:
    return msgspec.convert({"version": "2.14.1", "config": config}, Info)


def test_settings_that_tell_pins_or_hide_them_are_named() -> None:
    telling = info(advanced={"log_level": "debug"}, availability={"enabled": True})
    text = advice(telling, "zigbee2mqtt", ["door"])
    assert text is not None
    assert "log_level" in text
    assert "expose_pin" in text
    assert "door" in text
    fine = info(advanced={"log_level": "warning"}, availability={"enabled": True})
    assert advice(fine, "zigbee2mqtt", []) is None
    assert "availability" in (advice(info(advanced={"log_level": "error"}), "z", []) or "")


def test_expose_pin_is_found_on_the_device_and_on_all() -> None:
    assert info(devices={"0x01": {"expose_pin": True}}).exposes_pin("0x01")
    assert info(device_options={"expose_pin": True}).exposes_pin("0x01")
    assert not info(
        device_options={"expose_pin": True}, devices={"0x01": {"expose_pin": False}}
    ).exposes_pin("0x01")
    assert not info().exposes_pin("0x01")
