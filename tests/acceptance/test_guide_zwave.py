"""The guide "Creating Access Codes", followed with Seam's own SDKs against real Z-Wave software,
and what happens when the lock, the controller or Latchwork itself misbehaves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from svix.webhooks import Webhook

from support.receiver import Receiver
from support.sdk_clients import CLIENTS, GuideClient
from support.server import API_KEY, LatchworkProcess, wait_for
from support.zwave_rig import CREDENTIAL_LOCK, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]

LOCKS = (V1_LOCK, SCHEDULE_LOCK, CREDENTIAL_LOCK)


@pytest.fixture(scope="module")
def rig() -> Iterator[ZwaveRig]:
    with ZwaveRig() as rig:
        yield rig


@pytest.fixture(scope="module")
def server(rig: ZwaveRig, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    process = LatchworkProcess(
        tmp_path_factory.mktemp("latchwork"),
        LATCHWORK_CONNECT=f"zwave-js={rig.url}",
        LATCHWORK_WEBHOOK_ALLOW="127.0.0.0/8",
        LATCHWORK_DELAY_AFTER="2",
        LATCHWORK_FAILURE_DEADLINE="4",
    )
    with process:
        wait_for(
            "all three locks to be found", lambda: len(_devices(process)) == len(LOCKS), within=90
        )
        yield process


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One for each test: webhooks of other clients have other secrets."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def quiet_locks(rig: ZwaveRig, server: LatchworkProcess) -> Iterator[None]:
    """Each test begins and ends without faults and without codes of ours."""
    yield
    for node in LOCKS:
        rig.fault(node, **dict.fromkeys(rig.state(node)["faults"], False))
    for code in server.call("/access_codes/list")["access_codes"]:
        server.post("/access_codes/delete", access_code_id=code["access_code_id"])
    wait_for(
        "the locks to be cleared of our codes",
        lambda: not server.call("/access_codes/list")["access_codes"],
        within=60,
    )


def _devices(server: LatchworkProcess) -> list[dict[str, Any]]:
    return list(server.call("/devices/list")["devices"])


def _device_id(server: LatchworkProcess, node: int) -> str:
    """The device of a node, told by the node number at the end of its name in the rig."""
    for device in _devices(server):
        key = device["properties"].get("zwave_js_metadata", {}).get("node_id")
        if key == node or device["display_name"].endswith(f"{node}"):
            return str(device["device_id"])
    raise AssertionError(f"no device for node {node} among {_devices(server)}")


def _iso(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _await_set(server: LatchworkProcess, rig: ZwaveRig, node: int, code: dict[str, Any]) -> None:
    """Waits until the code is `set`, and holds the promise at every look: `set` means stored."""

    def is_set() -> bool:
        seen = server.code(code["access_code_id"])
        assert seen is not None
        if seen["status"] != "set":
            return False
        assert seen["code"] in rig.pins(node).values(), "`set` without the PIN on the lock"
        return True

    wait_for("the code to be set", is_set, within=90)


def _create(server: LatchworkProcess, node: int, **parameters: Any) -> dict[str, Any]:
    created = server.call("/access_codes/create", device_id=_device_id(server, node), **parameters)
    code: dict[str, Any] = created["access_code"]
    return code


@pytest.mark.parametrize(
    ("client_type", "node"),
    list(zip(CLIENTS, LOCKS, strict=True)),
    ids=lambda v: getattr(v, "name", v),
)
def test_an_ongoing_code_by_the_guide(
    client_type: type[GuideClient],
    node: int,
    server: LatchworkProcess,
    rig: ZwaveRig,
    receiver: Receiver,
) -> None:
    with client_type(server.url, API_KEY) as client:
        device_id = _device_id(server, node)
        device = client.device(device_id)
        assert {"access_code", "lock"} <= set(device["capabilities_supported"])
        # seamapi's own Device has no field for it.
        [flags] = [d for d in _devices(server) if d["device_id"] == device_id]
        assert flags["can_program_online_access_codes"]
        secret = client.add_webhook(receiver.url)

        code = client.create(device_id, name="My Ongoing Code", code="1848")
        assert (code.status, code.type, code.code) == ("setting", "ongoing", "1848")
        wait_for("set", lambda: _status(client, code.access_code_id) == "set", within=60)
        assert "1848" in rig.pins(node).values()
        assert code.access_code_id in [c.access_code_id for c in client.codes(device_id)]

        wait_for(
            "the webhook",
            lambda: "access_code.set_on_device" in receiver.of(code.access_code_id),
        )
        delivery = receiver.of(code.access_code_id)["access_code.set_on_device"]
        told = Webhook(secret).verify(delivery.body, delivery.headers)
        assert told["code"] == "1848"

        client.update(code.access_code_id, code="2959")
        wait_for("the new PIN on the lock", lambda: "2959" in rig.pins(node).values(), within=60)
        assert "1848" not in rig.pins(node).values()
        wait_for("set", lambda: _status(client, code.access_code_id) == "set", within=60)

        client.delete(code.access_code_id)
        wait_for("gone", lambda: client.get(code.access_code_id) is None, within=60)
        assert "2959" not in rig.pins(node).values()
        types = server.event_types(code.access_code_id)
        assert types[0] == "access_code.created"
        assert types[-2:] == ["access_code.removed_from_device", "access_code.deleted"]


def _status(client: GuideClient, access_code_id: str) -> str:
    seen = client.get(access_code_id)
    assert seen is not None
    return seen.status


@pytest.mark.parametrize(
    ("client_type", "node"),
    list(zip(CLIENTS, (CREDENTIAL_LOCK, V1_LOCK, CREDENTIAL_LOCK), strict=True)),
    ids=lambda v: getattr(v, "name", v),
)
def test_a_time_bound_code_by_the_guide(
    client_type: type[GuideClient], node: int, server: LatchworkProcess, rig: ZwaveRig
) -> None:
    """Just in time: unset, setting, set, and off the lock at its end."""
    with client_type(server.url, API_KEY) as client:
        begin, end = _now() + timedelta(seconds=3), _now() + timedelta(seconds=12)
        code = client.create(
            _device_id(server, node),
            name="My Time-Bound Code",
            starts_at=_iso(begin),
            ends_at=_iso(end),
        )
        assert (code.status, code.type) == ("unset", "time_bound")
        pin = code.code
        assert pin is not None
        wait_for("set", lambda: _status(client, code.access_code_id) == "set", within=30)
        assert pin in rig.pins(node).values()
        wait_for("gone at its end", lambda: client.get(code.access_code_id) is None, within=60)
        assert datetime.now(UTC) >= end
        assert pin not in rig.pins(node).values()
        types = server.event_types(code.access_code_id)
        assert types[0] == "access_code.created"
        assert types[-1] == "access_code.removed_from_device"
        assert types.count("access_code.set_on_device") == 1


def test_a_native_schedule_is_loaded_ahead(server: LatchworkProcess, rig: ZwaveRig) -> None:
    begin = _now().replace(second=0) + timedelta(hours=3)
    code = _create(
        server,
        SCHEDULE_LOCK,
        code="3838",
        starts_at=_iso(begin),
        ends_at=_iso(begin + timedelta(days=2)),
    )
    wait_for(
        "the schedule on the lock",
        lambda: "access_code.scheduled_on_device" in server.event_types(code["access_code_id"]),
        within=60,
    )
    seen = server.code(code["access_code_id"])
    assert seen is not None
    assert seen["status"] == "unset"
    assert seen["is_scheduled_on_device"]
    truth = rig.state(SCHEDULE_LOCK)
    assert "3838" in rig.pins(SCHEDULE_LOCK).values()
    assert len(truth["schedules"]) == 1
    assert not rig.keypad(SCHEDULE_LOCK, "3838"), "the lock itself keeps the door shut until then"


@pytest.mark.parametrize("node", LOCKS)
def test_a_lock_that_is_offline_for_a_while(
    node: int, server: LatchworkProcess, rig: ZwaveRig
) -> None:
    rig.fault(node, offline=True)
    code = _create(server, node, code="6161")
    wait_for(
        "the delay to be told",
        lambda: "access_code.failed_to_set_on_device" in server.event_types(code["access_code_id"]),
        within=60,
    )
    seen = server.code(code["access_code_id"])
    assert seen is not None
    assert seen["status"] == "setting"
    assert "delay_in_setting_on_device" in [w["warning_code"] for w in seen["warnings"]]
    assert "6161" not in rig.pins(node).values()
    rig.fault(node, offline=False)
    _await_set(server, rig, node, code)
    seen = server.code(code["access_code_id"])
    assert seen is not None
    assert (seen["errors"], seen["warnings"]) == ([], [])


@pytest.mark.parametrize("node", LOCKS)
def test_a_lock_that_acknowledges_and_stores_nothing(
    node: int, server: LatchworkProcess, rig: ZwaveRig
) -> None:
    rig.fault(node, ignoreNext=2)
    code = _create(server, node, code="7272")
    _await_set(server, rig, node, code)
    assert list(rig.pins(node).values()).count("7272") == 1


@pytest.mark.parametrize("node", LOCKS)
def test_a_pin_that_another_hand_put_there_unseen(
    node: int, server: LatchworkProcess, rig: ZwaveRig
) -> None:
    rig.program(node, 7, "5151", told=False)
    if node != CREDENTIAL_LOCK:
        rig.fault(node, rejectDuplicates=True)
    before = rig.state(node)["codes"]["7"]
    code = _create(server, node, code="5151")

    def errors() -> list[str]:
        seen = server.code(code["access_code_id"])
        assert seen is not None
        assert seen["status"] != "set"
        return [e["error_code"] for e in seen["errors"]]

    wait_for("the duplicate to be told", lambda: "duplicate_code_on_device" in errors(), within=60)
    assert rig.state(node)["codes"]["7"] == before, "a foreign code was touched"
    server.call("/access_codes/delete", access_code_id=code["access_code_id"])
    wait_for("gone", lambda: server.code(code["access_code_id"]) is None, within=60)
    assert rig.state(node)["codes"]["7"] == before, "a foreign code was removed"
    rig.erase(node, 7, told=True)


@pytest.mark.parametrize("node", LOCKS)
def test_positions_that_another_hand_took_are_left_alone(
    node: int, server: LatchworkProcess, rig: ZwaveRig
) -> None:
    for position in (1, 2, 3):
        rig.program(node, position, f"800{position}", told=False)
    code = _create(server, node, code="4949")
    _await_set(server, rig, node, code)
    pins = rig.pins(node)
    assert {pins[1], pins[2], pins[3]} == {"8001", "8002", "8003"}
    for position in (1, 2, 3):
        rig.erase(node, position, told=True)


@pytest.mark.parametrize("node", LOCKS)
def test_killed_between_write_and_confirmation(
    node: int, server: LatchworkProcess, rig: ZwaveRig
) -> None:
    rig.program(node, 9, "9393", told=False)
    rig.fault(node, dropAnswer=1)
    code = _create(server, node, code="2468")
    wait_for("the PIN in the lock", lambda: "2468" in rig.pins(node).values(), within=30)
    server.kill()
    server.start()
    _await_set(server, rig, node, code)
    pins = list(rig.pins(node).values())
    assert pins.count("2468") == 1
    assert "9393" in pins, "a foreign code was lost"
    assert server.event_types(code["access_code_id"]).count("access_code.set_on_device") == 1
    rig.erase(node, 9, told=True)


def test_the_controller_restarts(server: LatchworkProcess, rig: ZwaveRig) -> None:
    code = _create(server, V1_LOCK, code="1357")
    _await_set(server, rig, V1_LOCK, code)
    writes = _writes(rig, V1_LOCK)
    rig.restart_server()
    later = _create(server, V1_LOCK, code="8642")
    _await_set(server, rig, V1_LOCK, later)
    assert _writes(rig, V1_LOCK) == writes + 1, "a standing code was written again"
    seen = server.code(code["access_code_id"])
    assert seen is not None
    assert seen["status"] == "set"


def _writes(rig: ZwaveRig, node: int) -> int:
    return sum("Set" in command and "Code" in command for command in rig.state(node)["commands"])


@pytest.mark.parametrize("node", LOCKS)
def test_an_unlock_names_its_code(node: int, server: LatchworkProcess, rig: ZwaveRig) -> None:
    code = _create(server, node, code="7531")
    _await_set(server, rig, node, code)
    assert rig.keypad(node, "7531")

    def unlocked() -> list[dict[str, Any]]:
        listed = server.events(event_type="lock.unlocked")
        return [e for e in listed if e.get("access_code_id") == code["access_code_id"]]

    [event] = wait_for("lock.unlocked", unlocked)
    assert event["method"] == "keycode"


def test_a_door_does_not_wait_until_all_codes_are_on_another_lock(
    server: LatchworkProcess, rig: ZwaveRig
) -> None:
    """The controller does one thing at a time, and a slow lock keeps it for a while."""
    rig.fault(V1_LOCK, delayMs=600)
    codes = [_create(server, V1_LOCK, code=f"246{number}") for number in range(4)]
    wait_for("the first code to be written", lambda: "2460" in rig.pins(V1_LOCK).values())
    asked = server.call("/locks/unlock_door", device_id=_device_id(server, SCHEDULE_LOCK))
    attempt_id = asked["action_attempt"]["action_attempt_id"]

    def status() -> str:
        found = server.call("/action_attempts/get", action_attempt_id=attempt_id)
        return str(found["action_attempt"]["status"])

    wait_for("the door to be opened", lambda: status() != "pending", within=30)
    assert status() == "success"
    standing = [server.code(code["access_code_id"]) for code in codes]
    assert "setting" in {code["status"] for code in standing if code is not None}
    for code in codes:
        _await_set(server, rig, V1_LOCK, code)
