"""Events as lock makers send them, in every shape that Seam's pages show."""

import json
from typing import Any

import msgspec
import pytest

from latchwork.domain.errors import Conflict, RetryLater
from latchwork.drivers.clouds.model import CodeTold, CodeUsed, LocksChanged, News
from latchwork.drivers.lock_cloud.events import news_of, parsed
from latchwork.drivers.protocol import AccessDenied, DeviceChanged, LockOperated

LOCK, CODE = "lock_491829", "ac_55301"
BRIDGES = {"bridge_1": (LOCK, "lock_2")}


def told(**event: Any) -> list[News]:
    return list(news_of(parsed(json.dumps(event).encode()), BRIDGES, "report"))


@pytest.mark.parametrize(("event", "online"), [("device.online", True), ("device.offline", False)])
@pytest.mark.parametrize("where", ["top", "data"])
def test_a_lock_comes_and_goes(event: str, online: bool, where: str) -> None:
    members = {"device_id": LOCK}
    shaped = members if where == "top" else {"device_id": None, "data": members}
    assert told(event_type=event, **shaped) == [DeviceChanged(provider_key=LOCK, online=online)]


def test_a_bridge_takes_its_locks_along() -> None:
    assert told(event_type="bridge.offline", bridge_id="bridge_1") == [
        DeviceChanged(provider_key=LOCK, online=False),
        DeviceChanged(provider_key="lock_2", online=False),
    ]
    assert told(event_type="bridge.offline", bridge_id="another") == []


@pytest.mark.parametrize("event", ["device.low_battery", "battery.low", "battery.replaced"])
def test_batteries_are_percents(event: str) -> None:
    assert told(event_type=event, device_id=LOCK, battery_level=15) == [
        DeviceChanged(provider_key=LOCK, battery_level=0.15)
    ]


def test_a_used_code_is_named_by_its_id() -> None:
    stamp = "2025-05-23T08:15:32Z"
    [used] = told(event_type="access_code.used", lock_id=LOCK, access_code_id=CODE, timestamp=stamp)
    assert isinstance(used, CodeUsed)
    assert (used.provider_key, used.code_id, used.report_id) == (LOCK, CODE, "report")
    assert used.occurred_at is not None
    assert used.occurred_at.isoformat() == "2025-05-23T08:15:32+00:00"


def test_an_unlock_by_pin_is_told_once_by_the_event_that_names_the_code() -> None:
    action = {"event_type": "lock.action_completed", "device_id": LOCK, "status": "success"}
    assert told(**action, action="unlock", performed_via="pin_code") == [
        DeviceChanged(provider_key=LOCK, locked=False)
    ]
    [locked] = told(**action, action="lock", performed_via="pin_code")
    assert isinstance(locked, LockOperated)
    assert (locked.locked, locked.method) == (True, "keycode")


@pytest.mark.parametrize(
    ("via", "method"),
    [("mobile_app", "remote"), ("fob_card", "card"), ("manual_turn", "manual"), (None, "unknown")],
)
def test_other_ways_to_move_a_bolt(via: str | None, method: str) -> None:
    [push] = told(
        event_type="lock.action_completed",
        device_id=LOCK,
        action="unlock",
        status="success",
        performed_via=via,
    )
    assert isinstance(push, LockOperated)
    assert push.method == method


def test_a_jammed_bolt_has_not_moved() -> None:
    assert (
        told(
            event_type="lock.action_completed",
            device_id=LOCK,
            action="unlock",
            status="failed",
            error_code="LOCK_JAMMED",
        )
        == []
    )


@pytest.mark.parametrize(
    "shape",
    [
        {"access_code_id": CODE},
        {"access_code": {"access_code_id": CODE, "lock_id": LOCK, "code": "4829"}},
        {"access_code": {"access_code_id": CODE, "lockk_id": LOCK, "code": "4829"}},
    ],
)
@pytest.mark.parametrize("event", ["created", "updated", "deleted"])
def test_codes_are_read_anew(event: str, shape: dict[str, Any]) -> None:
    [one] = told(event_type=f"access_code.{event}", status="success", **shape)
    assert isinstance(one, CodeTold)
    assert (one.code_id, one.error) == (CODE, None)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("PIN_CONFLICT", Conflict), ("DEVICE_OFFLINE", RetryLater), ("SOMETHING", type(None))],
)
def test_what_failed_late_says_why(code: str, kind: type) -> None:
    [one] = told(
        event_type="access_code.created", access_code_id=CODE, status="failed", error_code=code
    )
    assert isinstance(one, CodeTold)
    assert isinstance(one.error, kind)


def test_the_rest() -> None:
    assert told(event_type="device.added", device_id="x") == [LocksChanged()]
    assert told(event_type="access_code.incorrect_attempt", lock_id=LOCK, pin="3434") == [
        AccessDenied(provider_key=LOCK, report_id="report")
    ]
    assert told(event_type="device.time_wrong", device_id=LOCK) == []
    assert told(event_type="access_code.used", access_code_id=CODE) == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"event_type": 4}', b'{"device_id": "x"}'])
def test_what_is_no_event_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        parsed(body)
