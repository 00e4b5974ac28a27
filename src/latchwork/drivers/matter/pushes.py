"""From events of locks to pushes for the engine."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from latchwork.drivers.matter.clusters import (
    ALL_INDICES,
    DOOR_LOCK,
    PIN_CREDENTIAL,
    Alarm,
    DataType,
    LockEvent,
    Operation,
    Source,
)
from latchwork.drivers.matter.echoes import Echo
from latchwork.drivers.matter.node import LockEndpoint
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    LockOperated,
    Push,
)

log = structlog.get_logger(__name__)

_UNIX: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNIX_TIME: Final = 1
"""The kind of timestamps that are milliseconds since 1970, not since the lock was started."""
METHODS: Final[Mapping[int, str]] = {
    Source.MANUAL: "manual",
    Source.PROPRIETARY_REMOTE: "remote",
    Source.KEYPAD: "keycode",
    Source.AUTO: "automatic",
    Source.BUTTON: "manual",
    Source.SCHEDULE: "automatic",
    Source.REMOTE: "remote",
    Source.RFID: "card",
}
BOLT: Final[Mapping[int, bool]] = {
    Operation.LOCK: True,
    Operation.UNLOCK: False,
    Operation.UNLATCH: False,
}
TAMPERING: Final = frozenset({Alarm.FRONT_COVER_REMOVED, Alarm.DOOR_FORCED_OPEN})


class NodeEvent(msgspec.Struct, frozen=True):
    """An event of a node as the server passes it on."""

    node_id: int
    endpoint_id: int
    cluster_id: int
    event_id: int
    event_number: int
    timestamp: int = 0
    timestamp_type: int = UNIX_TIME
    data: dict[str, Any] | None = None

    @property
    def occurred_at(self) -> datetime | None:
        if self.timestamp_type != UNIX_TIME or self.timestamp <= 0:
            return None
        return _UNIX + timedelta(milliseconds=self.timestamp)

    @property
    def report_id(self) -> str:
        return f"matter-{self.node_id}-{self.event_number}"


def node_event(data: Any) -> NodeEvent | None:
    try:
        return msgspec.convert(data, NodeEvent)
    except msgspec.ValidationError as error:
        log.info("matter.event_ignored", reason=str(error))
        return None


def pushes_of_event(lock: LockEndpoint, event: NodeEvent) -> tuple[Push, ...]:
    """What an event of this lock's endpoint means to the engine; nothing for most."""
    if event.cluster_id != DOOR_LOCK:
        return ()
    handler = _HANDLERS.get(event.event_id)
    return () if handler is None else handler(lock, event, event.data or {})


def _alarm(lock: LockEndpoint, event: NodeEvent, data: dict[str, Any]) -> tuple[Push, ...]:
    code = data.get("alarmCode")
    if code == Alarm.FACTORY_RESET:
        return (CodesChanged(provider_key=lock.key),)
    if code in TAMPERING:
        return (DeviceChanged(provider_key=lock.key, tampered=True, occurred_at=event.occurred_at),)
    return ()


def _operation(lock: LockEndpoint, event: NodeEvent, data: dict[str, Any]) -> tuple[Push, ...]:
    locked = BOLT.get(_number(data, "lockOperationType"))
    if locked is None:
        return ()
    source = _number(data, "operationSource")
    return (
        LockOperated(
            provider_key=lock.key,
            locked=locked,
            method=METHODS.get(source, "unknown"),
            position=_position(lock, source, data),
            occurred_at=event.occurred_at,
            report_id=event.report_id,
        ),
    )


def _position(lock: LockEndpoint, source: int, data: dict[str, Any]) -> int | None:
    """Whose PIN was typed. A lock that does not say which credential was used still says whose."""
    for used in data.get("credentials") or ():
        if used.get("credentialType") == PIN_CREDENTIAL:
            index = used.get("credentialIndex")
            return index if lock.has_position(index) else None
    user = data.get("userIndex")
    return user if source == Source.KEYPAD and lock.has_position(user) else None


def _operation_error(
    lock: LockEndpoint, event: NodeEvent, data: dict[str, Any]
) -> tuple[Push, ...]:
    if _number(data, "operationSource") != Source.KEYPAD:
        return ()
    denied = AccessDenied(
        provider_key=lock.key, occurred_at=event.occurred_at, report_id=event.report_id
    )
    return (denied,)


def _user_change(lock: LockEndpoint, _: NodeEvent, data: dict[str, Any]) -> tuple[Push, ...]:
    """A code may have been stored, removed, disabled or scheduled; our own doing is no news."""
    kind = _number(data, "lockDataType")
    if kind == DataType.PIN:
        index = data.get("dataIndex")
    elif kind in (DataType.USER_INDEX, DataType.YEAR_DAY_SCHEDULE):
        index = data.get("userIndex")
    else:
        return ()
    if index is None or index == ALL_INDICES:
        return (CodesChanged(provider_key=lock.key),)
    if not lock.has_position(index) or _is_echo(lock, data, index) or index in lock.touched:
        return ()
    return (CodesChanged(provider_key=lock.key, positions=(index,)),)


def _is_echo(lock: LockEndpoint, data: dict[str, Any], index: int) -> bool:
    """Of our own fabric, and expected."""
    if data.get("fabricIndex") != lock.fabric:
        return False
    kind, change = _number(data, "lockDataType"), _number(data, "dataOperationType")
    return lock.commands.echoes.take(Echo(kind, change, index))


def _number(data: dict[str, Any], name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else -1


_HANDLERS: Final[
    Mapping[int, Callable[[LockEndpoint, NodeEvent, dict[str, Any]], tuple[Push, ...]]]
] = {
    LockEvent.ALARM: _alarm,
    LockEvent.OPERATION: _operation,
    LockEvent.OPERATION_ERROR: _operation_error,
    LockEvent.USER_CHANGE: _user_change,
}
