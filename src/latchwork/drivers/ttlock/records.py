"""What a lock's record tells: from the platform's list, and from its callbacks."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

import msgspec

from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Pin
from latchwork.drivers.clouds.model import CodeTold, CodeUsed, LocksChanged, News
from latchwork.drivers.protocol import AccessDenied, DeviceChanged, LockOperated
from latchwork.drivers.ttlock.failures import error_of
from latchwork.drivers.ttlock.wire import Record, fraction, from_ms

UNLOCKED_BY_PASSCODE, LOCKED_BY_PASSCODE = 4, 34
PASSCODES: Final = frozenset({UNLOCKED_BY_PASSCODE, LOCKED_BY_PASSCODE})
DOOR: Final = {30: False, 31: True}
TAMPERED: Final = 44
OPERATIONS: Final[Mapping[int, tuple[bool, str]]] = {
    1: (False, "remote"),
    7: (False, "card"),
    8: (False, "unknown"),
    9: (False, "card"),
    10: (False, "manual"),
    11: (True, "remote"),
    12: (False, "remote"),
    32: (False, "manual"),
    33: (True, "unknown"),
    35: (True, "card"),
    36: (True, "manual"),
    45: (True, "automatic"),
    46: (False, "manual"),
    47: (True, "manual"),
    49: (False, "card"),
    55: (False, "remote"),
    57: (False, "unknown"),
    61: (True, "unknown"),
    63: (False, "automatic"),
    67: (False, "unknown"),
    69: (True, "unknown"),
    84: (False, "unknown"),
    86: (True, "unknown"),
    92: (False, "keycode"),
}
"""Record types by which the bolt moved: whether it locked, and how."""

RECORDS, GATEWAY, WIFI_LOCK, LATE_FAILURE = "1", "2", "3", "4"
PASSCODE_OBJECT: Final = "2"


def news_of_record(provider_key: str, record: Record) -> tuple[News, ...]:
    at = from_ms(record.lock_date)
    kind = record.record_type
    report_id = f"{record.lock_date}.{kind}"
    told: list[News] = []
    if record.electric_quantity is not None:
        level = fraction(record.electric_quantity)
        told.append(DeviceChanged(provider_key=provider_key, battery_level=level))
    if kind in PASSCODES and not record.success:
        told.append(AccessDenied(provider_key=provider_key, occurred_at=at, report_id=report_id))
    elif not record.success:
        pass
    elif kind in PASSCODES:
        told.append(
            CodeUsed(
                provider_key=provider_key,
                locked=kind == LOCKED_BY_PASSCODE,
                pin=Pin(record.keyboard_pwd) if record.keyboard_pwd else None,
                occurred_at=at,
                report_id=report_id,
            )
        )
    elif kind in DOOR:
        told.append(DeviceChanged(provider_key=provider_key, door_open=DOOR[kind], occurred_at=at))
    elif kind == TAMPERED:
        told.append(DeviceChanged(provider_key=provider_key, tampered=True, occurred_at=at))
    elif kind in OPERATIONS:
        locked, method = OPERATIONS[kind]
        told.append(
            LockOperated(
                provider_key=provider_key,
                locked=locked,
                method=method,
                occurred_at=at,
                report_id=report_id,
            )
        )
    return tuple(told)


def news_of_callback(body: bytes) -> tuple[News, ...]:
    """Raises Rejected for what is no callback of the platform's; nothing for kinds that do not
    concern us."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=50, keep_blank_values=True)
        form = {name: values[0] for name, values in fields.items()}
        return _news_of(form)
    except (ValueError, msgspec.DecodeError, KeyError):
        raise Rejected("body", "This is no callback of the platform's.") from None


def _news_of(form: Mapping[str, str]) -> tuple[News, ...]:
    kind = form["notifyType"]
    if kind == GATEWAY:
        return (LocksChanged(),)
    if kind not in (RECORDS, WIFI_LOCK, LATE_FAILURE):
        return ()
    key = str(int(form["lockId"]))
    if kind == RECORDS:
        records = msgspec.json.decode(form["records"], type=tuple[Record, ...], strict=False)
        return tuple(told for record in records for told in news_of_record(key, record))
    if kind == WIFI_LOCK:
        return (DeviceChanged(provider_key=key, online=form["isOnline"] == "1"),)
    if form["objectType"] != PASSCODE_OBJECT:
        return ()
    code_id, error = str(int(form["objectId"])), error_of(int(form["errcode"]))
    return (CodeTold(provider_key=key, code_id=code_id, error=error),)
