"""Frames of a Zigbee door lock, byte by byte."""

import pytest

from latchwork.drivers.zigbee2mqtt import zcl
from latchwork.drivers.zigbee2mqtt.zcl import Attribute, Frame, PinReport, Response, YearDay

HEADER = bytes([0x09, 0x4D])
"""Of the cluster, from the server; transaction 77."""


def frame(command: int, payload: bytes) -> Frame:
    parsed = zcl.parse(HEADER + bytes([command]) + payload)
    assert parsed is not None
    return parsed


def test_a_pin_report_names_its_user() -> None:
    report = zcl.pin_report(frame(0x06, bytes([3, 0, 1, 0, 4]) + b"4711"))
    assert report == PinReport(3, 1, 0, b"4711")
    assert "4711" not in repr(report)


@pytest.mark.parametrize("length", [0x00, 0xFF])
def test_a_report_of_an_empty_position_has_no_code(length: int) -> None:
    report = zcl.pin_report(frame(0x06, bytes([3, 0, 0, 0, length])))
    assert report == PinReport(3, 0, 0, b"")


@pytest.mark.parametrize("payload", [b"", bytes([3, 0, 1, 0]), bytes([3, 0, 1, 0, 4]) + b"47"])
def test_a_torn_pin_report_is_none(payload: bytes) -> None:
    assert zcl.pin_report(frame(0x06, payload)) is None


def test_the_answer_to_another_command_is_none() -> None:
    assert zcl.pin_report(frame(0x05, bytes([3, 0, 1, 0, 0]))) is None
    assert zcl.outcome(frame(0x06, b"\x00"), Response.SET_PIN) is None


@pytest.mark.parametrize("data", [b"", b"\x09", b"\x09\x4d", b"\x0d\x00\x10\x4d"])
def test_what_is_no_frame_is_none(data: bytes) -> None:
    assert zcl.parse(data) is None


def test_a_manufacturer_code_is_stepped_over() -> None:
    assert zcl.parse(b"\x0d\x1d\x10\x4d\x05\x00") == Frame(5, False, b"\x00")


def test_a_default_response_tells_its_status() -> None:
    parsed = zcl.parse(b"\x18\x4d\x0b\x05\x81")
    assert parsed is not None
    assert zcl.refused_by_default(parsed) == 0x81
    assert zcl.refused_by_default(frame(0x0B, b"\x05\x81")) is None


def test_schedules() -> None:
    times = (1000).to_bytes(4, "little") + (2000).to_bytes(4, "little")
    assert zcl.year_day(frame(0x0F, bytes([0, 7, 0, 0]) + times)) == YearDay(7, 0, 1000, 2000)
    assert zcl.year_day(frame(0x0F, bytes([0, 7, 0, 0x8B]))) == YearDay(7, 0x8B)
    assert zcl.year_day(frame(0x0F, bytes([0, 7, 0, 0]))) is None


def test_attributes_of_the_right_type_are_read() -> None:
    users = b"\x12\x00\x00\x21\x1e\x00"
    missing = b"\x15\x00\x86"
    longest = b"\x17\x00\x00\x20\x08"
    parsed = zcl.parse(b"\x18\x4d\x01" + users + missing + longest)
    assert parsed is not None
    assert zcl.attributes(parsed) == {Attribute.PIN_USERS: 30, Attribute.LONGEST_PIN: 8}


def test_a_count_of_users_of_another_type_is_not_believed() -> None:
    parsed = zcl.parse(b"\x18\x4d\x01\x12\x00\x00\x20\x01")
    assert parsed is not None
    assert zcl.attributes(parsed) == {}
