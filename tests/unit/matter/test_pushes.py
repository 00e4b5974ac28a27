"""What events of locks mean to the engine."""

from datetime import UTC, datetime
from typing import Any

import pytest

from latchwork.drivers.matter import echoes
from latchwork.drivers.matter.clusters import Change
from latchwork.drivers.matter.node import LockEndpoint
from latchwork.drivers.matter.pushes import node_event, pushes_of_event
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    LockOperated,
    Push,
)
from support.matter_script import ScriptedLock, codes_of

KEY = "fab-1-1"
AT = datetime(2026, 11, 25, 23, 21, 53, 990000, tzinfo=UTC)
UNKNOWN_PIN = [{"credentialType": 1, "credentialIndex": 77}]
PIN_2 = [{"credentialType": 1, "credentialIndex": 2}]


def lock() -> LockEndpoint:
    return codes_of(ScriptedLock())._lock


def told(
    event_id: int, data: dict[str, Any], to: LockEndpoint | None = None, **more: Any
) -> list[Push]:
    event = {
        "node_id": 1,
        "endpoint_id": 1,
        "cluster_id": 257,
        "event_id": event_id,
        "event_number": 8,
        "priority": 2,
        "timestamp": 1795648913990,
        "timestamp_type": 1,
        "data": data,
    }
    parsed = node_event(event | more)
    assert parsed is not None
    return list(pushes_of_event(to or lock(), parsed))


def operation(kind: int, source: int, user: int | None, credentials: Any) -> dict[str, Any]:
    return {
        "lockOperationType": kind,
        "operationSource": source,
        "userIndex": user,
        "fabricIndex": None,
        "sourceNode": None,
        "credentials": credentials,
    }


@pytest.mark.parametrize(
    ("data", "locked", "method", "position"),
    [
        (operation(1, 3, 4, PIN_2), False, "keycode", 2),
        (operation(1, 3, 4, None), False, "keycode", 4),
        (operation(1, 3, 99, None), False, "keycode", None),
        (operation(0, 1, None, None), True, "manual", None),
        (operation(0, 4, None, None), True, "automatic", None),
        (operation(1, 7, 4, None), False, "remote", None),
        (operation(1, 8, 4, [{"credentialType": 2, "credentialIndex": 1}]), False, "card", None),
        (operation(4, 3, 2, PIN_2), False, "keycode", 2),
        (operation(1, 9, 4, None), False, "unknown", None),
        (
            operation(1, 3, 4, [{"credentialType": 1, "credentialIndex": 77}]),
            False,
            "keycode",
            None,
        ),
    ],
)
def test_a_moved_bolt_is_told_with_the_code_that_moved_it(
    data: dict[str, Any], locked: bool, method: str, position: int | None
) -> None:
    assert told(2, data) == [
        LockOperated(
            provider_key=KEY,
            locked=locked,
            method=method,
            position=position,
            occurred_at=AT,
            report_id="matter-1-8",
        )
    ]


def test_a_user_that_may_not_open_moves_nothing() -> None:
    assert told(2, operation(2, 3, 4, PIN_2)) == []


def test_time_since_the_start_of_the_lock_is_no_time_of_day() -> None:
    [push] = told(2, operation(1, 1, None, None), timestamp=12345, timestamp_type=0)
    assert isinstance(push, LockOperated)
    assert push.occurred_at is None


def test_a_wrong_pin_at_the_keypad_is_told_and_one_sent_by_radio_is_not() -> None:
    denied = AccessDenied(provider_key=KEY, occurred_at=AT, report_id="matter-1-8")
    assert told(3, {"operationSource": 3, "operationError": 1}) == [denied]
    assert told(3, {"operationSource": 7, "operationError": 1}) == []


@pytest.mark.parametrize(
    ("code", "pushes"),
    [
        (0, []),
        (1, [CodesChanged(provider_key=KEY)]),
        (4, []),
        (5, [DeviceChanged(provider_key=KEY, tampered=True, occurred_at=AT)]),
        (6, [DeviceChanged(provider_key=KEY, tampered=True, occurred_at=AT)]),
    ],
)
def test_alarms(code: int, pushes: list[Push]) -> None:
    assert told(0, {"alarmCode": code}) == pushes


@pytest.mark.parametrize(
    ("data", "positions"),
    [
        ({"lockDataType": 6, "dataOperationType": 0, "userIndex": 4, "dataIndex": 2}, (2,)),
        ({"lockDataType": 2, "dataOperationType": 2, "userIndex": 3, "dataIndex": None}, (3,)),
        ({"lockDataType": 4, "dataOperationType": 1, "userIndex": 3, "dataIndex": 1}, (3,)),
        ({"lockDataType": 6, "dataOperationType": 1, "dataIndex": 0xFFFE}, None),
        ({"lockDataType": 2, "dataOperationType": 1, "userIndex": 0xFFFE}, None),
        ({"lockDataType": 6, "dataOperationType": 1, "dataIndex": None}, None),
    ],
)
def test_a_change_of_codes_is_told_with_its_position(
    data: dict[str, Any], positions: tuple[int, ...] | None
) -> None:
    assert told(4, data) == [CodesChanged(provider_key=KEY, positions=positions)]


def test_other_data_and_positions_that_are_not_the_engines_are_not_told() -> None:
    assert told(4, {"lockDataType": 7, "dataOperationType": 0, "dataIndex": 1}) == []
    assert told(4, {"lockDataType": 6, "dataOperationType": 0, "dataIndex": 77}) == []


def test_what_is_being_worked_on_is_no_news() -> None:
    busy = lock()
    busy.touched = {2}
    data = {"lockDataType": 6, "dataOperationType": 0, "userIndex": 2, "dataIndex": 2}
    assert told(4, data, busy) == []
    assert told(4, data | {"dataIndex": 3}, busy) == [
        CodesChanged(provider_key=KEY, positions=(3,))
    ]


async def test_the_late_report_of_our_own_doing_is_no_news_but_the_next_one_is() -> None:
    ours = lock()
    await ours.commands.set_user(Change.ADD, 2, "Ana", 1, 0)
    await ours.commands.clear_user(2)
    added = {"lockDataType": 2, "dataOperationType": 0, "userIndex": 2, "fabricIndex": 1}
    cleared = added | {"dataOperationType": 1}
    by_keypad = added | {"fabricIndex": None}
    news: list[Push] = [CodesChanged(provider_key=KEY, positions=(2,))]
    assert told(4, by_keypad, ours) == news
    assert told(4, added, ours) == []
    assert told(4, cleared, ours) == []
    assert told(4, added, ours) == news


async def test_a_report_that_comes_too_late_to_be_ours_is_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = lock()
    monkeypatch.setattr(echoes, "PATIENCE", -1.0)
    await ours.commands.set_user(Change.ADD, 2, "Ana", 1, 0)
    added = {"lockDataType": 2, "dataOperationType": 0, "userIndex": 2, "fabricIndex": 1}
    assert told(4, added, ours) == [CodesChanged(provider_key=KEY, positions=(2,))]


def test_events_of_other_clusters_and_shapes_are_passed_over() -> None:
    assert told(2, operation(1, 3, 4, PIN_2), cluster_id=57) == []
    assert told(77, {}) == []
    assert told(2, {}) == []
    assert node_event({"node_id": 1}) is None
    assert node_event(None) is None
