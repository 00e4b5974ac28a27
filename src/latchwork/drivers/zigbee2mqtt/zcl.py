"""Door Lock commands as Zigbee carries them: what is sent as Zigbee2MQTT takes it, and what comes
back as the bytes of a frame (Zigbee Cluster Library, chapter 7.3)."""

import struct
from enum import IntEnum
from typing import Any, Final

import msgspec

CLUSTER: Final = "closuresDoorLock"
CLUSTER_ID: Final = 0x0101
_GLOBAL, _SPECIFIC = 0, 1
_CLIENT_TO_SERVER: Final = 0
_MANUFACTURER_SPECIFIC: Final = 0x04
_READ_RESPONSE: Final = 0x01
_DEFAULT_RESPONSE: Final = 0x0B
_PIN_REPORT: Final = struct.Struct("<HBBB")
_STATUS_REPORT: Final = struct.Struct("<HB")
_SCHEDULE_REPORT: Final = struct.Struct("<BHB")
_UINT8, _UINT16 = 0x20, 0x21
_SIZES: Final = {_UINT8: 1, _UINT16: 2, 0x10: 1, 0x18: 1, 0x30: 1}


class Attribute(IntEnum):
    LOCK_STATE = 0x0000
    PIN_USERS = 0x0012
    YEAR_DAY_SCHEDULES = 0x0015
    LONGEST_PIN = 0x0017
    SHORTEST_PIN = 0x0018


class Response(IntEnum):
    """Command ids of a lock's answers."""

    LOCK = 0x00
    UNLOCK = 0x01
    SET_PIN = 0x05
    GET_PIN = 0x06
    CLEAR_PIN = 0x07
    USER_STATUS = 0x0A
    SET_YEAR_DAY = 0x0E
    GET_YEAR_DAY = 0x0F
    CLEAR_YEAR_DAY = 0x10


class UserStatus(IntEnum):
    AVAILABLE = 0
    ENABLED = 1
    DISABLED = 3


class UserType(IntEnum):
    UNRESTRICTED = 0
    YEAR_DAY_SCHEDULE = 1
    NON_ACCESS = 4


class Frame(msgspec.Struct, frozen=True):
    """An answer. `command`: its id, of the cluster or (`is_global`) of all clusters."""

    command: int
    is_global: bool
    payload: bytes


class PinReport(msgspec.Struct, frozen=True):
    """What a lock says of one user. Its bytes may hold a PIN."""

    user: int
    status: int
    user_type: int
    code: bytes

    def __repr__(self) -> str:
        return f"PinReport(user={self.user}, status={self.status})"


class YearDay(msgspec.Struct, frozen=True):
    """A schedule; times in seconds of local time since 2000. `status` 0: there is one."""

    user: int
    status: int
    start: int = 0
    end: int = 0


def command(name: str, **payload: Any) -> dict[str, Any]:
    """A Door Lock command, as Zigbee2MQTT's action `raw` takes it."""
    return {
        "frame_type": _SPECIFIC,
        "direction": _CLIENT_TO_SERVER,
        "disable_default_response": False,
        "command_key": name,
        "payload": payload,
    }


def read(*attributes: Attribute) -> dict[str, Any]:
    """A read of attributes."""
    return {
        "frame_type": _GLOBAL,
        "direction": _CLIENT_TO_SERVER,
        "disable_default_response": True,
        "command_key": "read",
        "payload": [{"attrId": int(attribute)} for attribute in attributes],
    }


def parse(data: bytes) -> Frame | None:
    """The frame in these bytes; None when they are none."""
    if len(data) < 3:
        return None
    start = 4 if data[0] & _MANUFACTURER_SPECIFIC else 2
    if len(data) <= start:
        return None
    return Frame(data[start], (data[0] & 0x03) == _GLOBAL, data[start + 1 :])


def refused_by_default(frame: Frame) -> int | None:
    """The status of a default response, which stands where no answer of its own came."""
    if frame.is_global and frame.command == _DEFAULT_RESPONSE and len(frame.payload) >= 2:
        return frame.payload[1]
    return None


def pin_report(frame: Frame) -> PinReport | None:
    if not _is(frame, Response.GET_PIN) or len(frame.payload) < _PIN_REPORT.size:
        return None
    user, status, user_type, length = _PIN_REPORT.unpack_from(frame.payload)
    code = frame.payload[_PIN_REPORT.size :]
    if length == 0xFF:
        length = 0
    return PinReport(user, status, user_type, code[:length]) if len(code) >= length else None


def status_report(frame: Frame) -> PinReport | None:
    if not _is(frame, Response.USER_STATUS) or len(frame.payload) < _STATUS_REPORT.size:
        return None
    user, status = _STATUS_REPORT.unpack_from(frame.payload)
    return PinReport(user, status, UserType.UNRESTRICTED, b"")


def year_day(frame: Frame) -> YearDay | None:
    if not _is(frame, Response.GET_YEAR_DAY) or len(frame.payload) < _SCHEDULE_REPORT.size:
        return None
    _, user, status = _SCHEDULE_REPORT.unpack_from(frame.payload)
    if status:
        return YearDay(user, status)
    times = frame.payload[_SCHEDULE_REPORT.size :]
    if len(times) < 8:
        return None
    start, end = struct.unpack_from("<II", times)
    return YearDay(user, status, start, end)


def outcome(frame: Frame, response: Response) -> int | None:
    """The status byte of an answer to a command; None for another answer."""
    return frame.payload[0] if _is(frame, response) and frame.payload else None


def attributes(frame: Frame) -> dict[int, int] | None:
    """Whole numbers by attribute id; those of other types are left out. None for another answer."""
    if not frame.is_global or frame.command != _READ_RESPONSE:
        return None
    found: dict[int, int] = {}
    rest = frame.payload
    while len(rest) >= 3:
        attribute, status = struct.unpack_from("<HB", rest)
        rest = rest[3:]
        if status:
            continue
        size = _SIZES.get(rest[0]) if rest else None
        if size is None or len(rest) <= size:
            break
        if _kind_fits(attribute, rest[0]):
            found[attribute] = int.from_bytes(rest[1 : 1 + size], "little")
        rest = rest[1 + size :]
    return found


def _kind_fits(attribute: int, kind: int) -> bool:
    return kind == _UINT16 if attribute == Attribute.PIN_USERS else True


def _is(frame: Frame, response: Response) -> bool:
    return not frame.is_global and frame.command == response
