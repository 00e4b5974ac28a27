"""Codes of other hands, devices and their account on a running server: what a caller wishes, and
what the keypads make of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.server import LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path_factory.mktemp("devices"), "--demo") as process:
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) >= 8)
        yield process


def opens(demo: LatchworkProcess, device_id: str, code: str) -> bool:
    """Whether the keypad does, now."""
    path = "/locks/simulate/keypad_code_entry"
    attempt = demo.call(path, device_id=device_id, code=code)["action_attempt"]
    named = {"action_attempt_id": attempt["action_attempt_id"]}

    def status() -> str:
        found: str = demo.call("/action_attempts/get", **named)["action_attempt"]["status"]
        return found

    wait_for("the keypad", lambda: status() != "pending")
    return status() == "success"


def by_hand(demo: LatchworkProcess, device_id: str, code: str) -> str:
    """The id of a code that another hand put on the lock."""
    path = "/access_codes/simulate/create_unmanaged_access_code"
    made = demo.call(path, device_id=device_id, name="Cleaner", code=code)["access_code"]
    return str(made["access_code_id"])


def test_a_code_of_another_hand_is_taken_over_and_another_removed(demo: LatchworkProcess) -> None:
    lock = demo.call("/devices/get", name="Back Door")["device"]["device_id"]
    kept, removed = by_hand(demo, lock, "2468"), by_hand(demo, lock, "1357")
    demo.call("/access_codes/unmanaged/convert_to_managed", access_code_id=kept, sync=True)
    code = demo.code(kept)
    assert code is not None
    assert (code["status"], code["code"], code["name"]) == ("set", "2468", "Cleaner")
    answer = demo.call("/access_codes/unmanaged/delete", access_code_id=removed, sync=True)
    assert answer["action_attempt"]["status"] == "success"
    assert opens(demo, lock, "2468")
    assert not opens(demo, lock, "1357")
    assert demo.call("/access_codes/unmanaged/list", device_id=lock)["access_codes"] == []


def test_an_account_is_lost_found_and_forgotten(demo: LatchworkProcess) -> None:
    [account] = demo.call("/connected_accounts/list")["connected_accounts"]
    named = {"connected_account_id": account["connected_account_id"]}

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = demo.call("/connected_accounts/get", **named)["connected_account"]
        return found

    demo.call("/connected_accounts/simulate/disconnect", **named)
    assert [e["error_code"] for e in shown()["errors"]] == ["account_disconnected"]
    demo.call("/connected_accounts/sync", **named)
    wait_for("the account", lambda: shown()["errors"] == [])
    demo.call("/connected_accounts/delete", **named)
    assert demo.call("/devices/list")["devices"] == []
    [told] = demo.call("/events/list", event_type="connected_account.deleted")["events"]
    assert told["connected_account_id"] == account["connected_account_id"]
