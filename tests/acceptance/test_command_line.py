"""The command line against a running sandbox: everything that the API can do."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from latchwork.cli import complete
from latchwork.cli.main import app
from support.receiver import Receiver
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]

LOCKS = [
    {"key": "hall", "name": "Hall", "capabilities": {"auto_lock": True}},
    {"key": "shed", "name": "Shed", "capabilities": {"pushes_changes": True}},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    process = LatchworkProcess(
        tmp_path_factory.mktemp("cli"),
        LATCHWORK_WEBHOOK_ALLOW="127.0.0.0/8",
        LATCHWORK_DEMO="on",
    )
    with process:
        wait_for("the demo's locks", lambda: len(process.call("/devices/list")["devices"]) > 8)
        process.call(
            "/latchwork/connected_accounts/connect",
            provider="simulator",
            settings={"locks": LOCKS},
            display_name="House",
        )
        wait_for("the locks", lambda: process.post("/devices/get", name="Shed").ok)
        yield process


class Cli:
    """Runs commands in this process, as beside the server."""

    def __init__(self, server: LatchworkProcess) -> None:
        self.server = server
        self.environment = {
            **server.environment,
            "LATCHWORK_URL": server.url,
            "LATCHWORK_API_KEY": API_KEY,
            "TERMINAL_WIDTH": "200",
        }

    def __call__(self, *arguments: str, status: int = 0, typed: str | None = None) -> str:
        result = CliRunner().invoke(app, arguments, env=self.environment, input=typed)
        assert result.exit_code == status, result.output
        return str(result.output)

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def cli(server: LatchworkProcess) -> Cli:
    return Cli(server)


def device_id(cli: Cli, name: str) -> str:
    return next(d["device_id"] for d in cli.json("devices", "list") if d["display_name"] == name)


def test_locks(cli: Cli) -> None:
    assert "Hall" in cli("devices", "list")
    assert "is unlocked" in cli("devices", "unlock", "Hall")
    shown = cli("devices", "show", "Hall")
    assert "bolt           unlocked" in shown
    assert "PIN lengths" in shown
    assert "is locked" in cli("devices", "lock", "Hall")
    assert "Auto-lock of Hall is on" in cli("devices", "auto-lock", "Hall", "--seconds", "30")
    assert "auto-lock cannot" in cli("devices", "auto-lock", "Shed", status=1)
    cli("devices", "rename", "Shed", "Barn")
    assert cli.json("devices", "show", "Barn")["display_name"] == "Barn"
    cli("devices", "rename", "Barn", "Shed")
    assert cli.json("devices", "show", "Shed")["access_codes"] == []
    assert "no device 'Barn'" in cli("devices", "show", "Barn", status=1)


def test_a_code_from_its_wish_to_its_end(cli: Cli) -> None:
    made = cli.json("codes", "create", "--device", "Hall", "--name", "Ada", "--code", "471100")
    code_id = made["access_code_id"]
    wait_for("set", lambda: cli.json("codes", "show", code_id)["status"] == "set")
    assert "the lock read the PIN back" in cli("codes", "show", code_id)
    assert "Hall opens" in cli("sandbox", "keypad", "Hall", "471100")
    assert "set - the lock" in cli("codes", "update", code_id, "--code", "815150", "--wait")
    assert "does not open" in cli("sandbox", "keypad", "Hall", "471100", status=1)
    assert "815150" in cli("devices", "show", "Hall")
    assert "--code, --name" in cli("codes", "update", code_id, status=2)
    told = cli("codes", "timeline", code_id)
    assert "set_on_device" in told
    assert "The PIN was changed." in told
    kinds = {a["action_type"] for a in cli.json("actions", "list", "--device", "Hall")}
    assert "SIMULATE_KEYPAD_CODE_ENTRY" in kinds
    attempt = cli.json("actions", "list", "--device", "Hall")[0]["action_attempt_id"]
    assert "status" in cli("actions", "show", attempt)
    assert "the lock was read" in cli("codes", "delete", code_id, "--wait")


def test_codes_of_other_hands(cli: Cli) -> None:
    cli("sandbox", "program-by-hand", "Shed", "592658", "--position", "3")
    cli("sandbox", "program-by-hand", "Shed", "535897", "--position", "4")

    def listed() -> dict[str, str]:
        found = cli.json("unmanaged", "list", "--device", "Shed")
        return {c["code"]: c["access_code_id"] for c in found}

    wait_for("both", lambda: len(listed()) == 2)
    ids = listed()
    assert "592658" in cli("unmanaged", "list", "--device", "Shed")
    assert "is Latchwork's now" in cli("unmanaged", "convert", ids["592658"])
    assert "Aborted" in cli("unmanaged", "delete", ids["535897"], status=1, typed="n\n")
    assert "is gone" in cli("unmanaged", "delete", ids["535897"], "--yes")
    assert listed() == {}
    cli("sandbox", "clear-by-hand", "Shed", "3")


def test_events_can_be_followed(cli: Cli) -> None:
    watch = ("events", "list", "--follow", "--json", "--limit", "1", "--device", "Hall")
    process = subprocess.Popen(
        [sys.executable, "-m", "latchwork.cli.main", *watch],
        env={**os.environ, **cli.environment},
        stdout=subprocess.PIPE,
        text=True,
        # Where the tests themselves run in the background, interrupts are ignored, and children
        # inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout is not None
    process.stdout.readline()
    made = cli.json("codes", "create", "--device", "Hall", "--name", "Followed")
    types: list[str] = []
    deadline = time.monotonic() + 20
    while "access_code.set_on_device" not in types:
        assert time.monotonic() < deadline
        event = json.loads(process.stdout.readline())
        if event.get("access_code_id") == made["access_code_id"]:
            types.append(event["event_type"])
    assert types[0] == "access_code.created"
    assert len(types) == len(set(types))
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    process.stdout.close()
    [first] = cli.json("events", "list", "--limit", "1", "--code", made["access_code_id"])
    assert first["event_type"] == types[-1]
    assert "access_code.created" in cli("events", "list", "--type", "access_code.created")


def test_webhooks(cli: Cli, server: LatchworkProcess) -> None:
    with Receiver() as receiver:
        made = cli.json("webhooks", "create", receiver.url, "--type", "access_code.created")
        webhook_id, secret = made["webhook_id"], made["secret"]
        assert secret not in cli("webhooks", "list") + cli("webhooks", "show", webhook_id)
        assert secret not in json.dumps(cli.json("webhooks", "list"))
        assert secret in cli("webhooks", "show", webhook_id, "--secret")
        code = cli.json("codes", "create", "--device", "Hall")
        path = ("webhooks", "attempts", webhook_id)
        attempts = wait_for("the attempt", lambda: cli.json(*path))
        assert attempts[0]["status_code"] in (200, 204)
        event_id = attempts[0]["event_id"]
        assert "On its way again" in cli("webhooks", "resend", webhook_id, event_id)
        wait_for("it again", lambda: len(cli.json(*path)) == 2)
        assert [a["event_id"] for a in cli.json(*path)] == [event_id, event_id]
        since = "2026-01-01T00:00:00Z"
        assert "on their way" in cli("webhooks", "replay", webhook_id, "--since", since)
        new = cli("webhooks", "rotate-secret", webhook_id).strip()
        assert new != secret
        assert new.startswith("whsec_")
        cli("webhooks", "update", webhook_id)
        assert " all " in cli("webhooks", "list")
        assert "takes what is sent" in cli("doctor", status=1)
    cli("codes", "delete", code["access_code_id"])

    def told() -> bool:
        return (
            f"BAD  webhook {receiver.url}"
            in CliRunner().invoke(app, ["doctor"], env=cli.environment).output
        )

    wait_for("the doctor to notice", told)
    cli("webhooks", "delete", webhook_id, "--yes")
    assert webhook_id not in cli("webhooks", "list")


def test_accounts(cli: Cli) -> None:
    [account] = [a for a in cli.json("accounts", "list") if a["display_name"] == "House"]
    account_id = account["connected_account_id"]
    assert "locks      2" in cli("accounts", "show", account_id)
    cli("accounts", "rename", account_id, "Cottage")
    assert "Cottage" in cli("accounts", "list")
    cli("accounts", "sync", account_id)
    assert "LATCHWORK_PUBLIC_URL" in cli("accounts", "inbound-url", account_id, status=1)
    assert "Aborted" in cli("accounts", "delete", account_id, status=1, typed="n\n")


def test_workspaces(cli: Cli) -> None:
    made = cli("workspaces", "create", "Second", "--sandbox").strip()
    assert made in {w["workspace_id"] for w in cli.json("workspaces", "list")}
    assert "Latchwork Demo" in cli("workspaces", "show")
    key = cli("keys", "create", "--workspace", made).strip()
    second = Cli(cli.server)
    second.environment["LATCHWORK_API_KEY"] = key
    assert "Second" in second("workspaces", "show")
    second("workspaces", "rename", "Annex")
    assert second.json("workspaces", "show")["name"] == "Annex"


def test_a_lock_breaks_and_is_mended(cli: Cli) -> None:
    cli("sandbox", "disconnect", "Shed")
    wait_for("it to be told", lambda: "device_disconnected" in cli("devices", "list"))
    assert "lock Shed" in CliRunner().invoke(app, ["doctor"], env=cli.environment).output
    cli("sandbox", "connect", "Shed")
    cli("sandbox", "fault", "Shed", "drop_answer=1", "full=false")
    assert "name=value" in cli("sandbox", "fault", "Shed", "full", status=2)
    assert "no fault" in cli("sandbox", "fault", "Shed", "sleepy=true", status=1).lower()
    cli("sandbox", "mend", "Shed")
    cli("sandbox", "battery", "Shed", "12")
    wait_for("its battery", lambda: "12%" in cli("devices", "list"))
    cli("sandbox", "lock-by-hand", "Shed")


def test_the_shell_completes_names_of_locks(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in cli.environment.items():
        monkeypatch.setenv(name, value)
    assert complete.devices("ha") == ["Hall"]
    monkeypatch.setenv("LATCHWORK_URL", "http://127.0.0.1:9")
    assert complete.devices("ha") == []


def test_any_endpoint_can_be_called(cli: Cli) -> None:
    lock = device_id(cli, "Hall")
    made = json.loads(
        cli("api", "/access_codes/create", f"device_id={lock}", "code=060606", "name=12")
    )["access_code"]
    assert (made["code"], made["name"]) == ("060606", "12")
    found = json.loads(cli("api", "/access_codes/list", "limit=1"))
    assert len(found["access_codes"]) == 1
    assert "no such endpoint" in cli("api", "/nothing", status=1)
    assert "name=value" in cli("api", "/access_codes/list", "limit", status=2)
    assert "/access_codes/create" in cli("audit")
    entry = cli.json("audit")[0]
    assert entry["action"].startswith("/")
    assert "060606" not in cli("audit", "--json")


def test_its_doctor_speaks_json(cli: Cli) -> None:
    result = CliRunner().invoke(app, ["doctor", "--json"], env=cli.environment)
    found = json.loads(result.output)
    assert {"ok", "what", "remedy"} == set(found[0])
    assert any(one["what"].startswith("database") and one["ok"] for one in found)


def test_the_demo_plays_to_its_end(cli: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "latchwork.cli.main", "demo", "--pause", "0"],
        env={**os.environ, **cli.environment, "LATCHWORK_API_KEY": "seam_not_of_the_demo_at_all"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it worked" in done.stdout
    assert "0 forged" in done.stdout
