"""What `make run` serves: a sandbox of locks that differ as real ones do."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.receiver import Receiver
from support.server import LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path_factory.mktemp("demo"), "--demo") as process:
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) >= 8)
        yield process


def test_its_locks_differ_as_real_ones_do(demo: LatchworkProcess) -> None:
    assert demo.call("/workspaces/get")["workspace"]["is_sandbox"]
    devices = demo.call("/devices/list")["devices"]
    properties = [device["properties"] for device in devices]
    assert any(p["max_active_codes_supported"] < 5 for p in properties)
    assert any(p["max_active_codes_supported"] > 1_000 for p in properties)
    assert any(4 in p["supported_code_lengths"] for p in properties)
    assert any(4 not in p["supported_code_lengths"] for p in properties)
    kinds = {c["constraint_type"] for p in properties for c in p["code_constraints"]}
    assert {"no_zeros", "cannot_contain_789"} & kinds
    assert any(
        w["warning_code"] == "accessory_keypad_low_battery" for d in devices for w in d["warnings"]
    )


def test_a_code_on_every_lock_is_set_and_opens_it(demo: LatchworkProcess) -> None:
    """By polling and by a webhook to loopback; the lock that computes its codes takes none."""
    devices = [
        device
        for device in demo.call("/devices/list")["devices"]
        if device["can_program_online_access_codes"]
    ]
    assert len(devices) >= 8
    with Receiver() as receiver:
        demo.call("/webhooks/create", url=receiver.url)
        codes: list[dict[str, Any]] = [
            demo.call("/access_codes/create", device_id=device["device_id"])["access_code"]
            for device in devices
        ]
        for code in codes:
            code_id = code["access_code_id"]
            wait_for(
                f"the code on {code['device_id']} to be set",
                lambda code_id=code_id: (demo.code(code_id) or {})["status"] == "set",
                within=60,
            )
            wait_for(
                "its webhook",
                lambda code_id=code_id: "access_code.set_on_device" in receiver.of(code_id),
            )
            entered = demo.call(
                "/locks/simulate/keypad_code_entry",
                device_id=code["device_id"],
                code=code["code"],
            )["action_attempt"]
            wait_for("the door to open", lambda entered=entered: _succeeded(demo, entered))


def _succeeded(demo: LatchworkProcess, attempt: dict[str, Any]) -> bool:
    found = demo.call("/action_attempts/get", action_attempt_id=attempt["action_attempt_id"])
    assert found["action_attempt"]["status"] != "error", found
    return bool(found["action_attempt"]["status"] == "success")
