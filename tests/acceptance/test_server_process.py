"""The server as a process, and the command line beside it: as a new user meets them."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from support.receiver import Receiver
from support.server import API_KEY, LatchworkProcess, free_port, wait_for

pytestmark = [pytest.mark.acceptance]

LOCKS = [{"key": "a", "name": "Hall"}, {"key": "b", "name": "Attic", "faults": {"offline": True}}]
CANARY_PIN = "73917391"
REFUSED_PIN = "7391739173917391"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LatchworkProcess]:
    """A server with two simulated locks, the second of them out of reach."""
    process = LatchworkProcess(
        tmp_path_factory.mktemp("process"),
        LATCHWORK_WEBHOOK_ALLOW="127.0.0.0/8",
        LATCHWORK_DELAY_AFTER="1",
        LATCHWORK_FAILURE_DEADLINE="1",
    )
    with process:
        process.call(
            "/latchwork/connected_accounts/connect",
            provider="simulator",
            settings={"locks": LOCKS},
        )
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) == 2)
        yield process


def cli(server: LatchworkProcess, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `latchwork ...` beside the server."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LATCHWORK_")}
    done = subprocess.run(
        [sys.executable, "-m", "latchwork.cli.main", *arguments],
        env={
            **inherited,
            **server.environment,
            "HOME": str(server.folder),
            "LATCHWORK_RATE_LIMITS": "",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_code_followed_on_the_command_line(server: LatchworkProcess) -> None:
    status, out, err = cli(
        server, "codes", "create", "--device", "Hall", "--name", "Ada", "--code", "4711", "--wait"
    )
    assert status == 0, err
    lines = out.splitlines()
    assert "PIN 4711" in lines[0]
    assert "ongoing" in lines[0]
    assert "set - the lock read the PIN back, position" in lines[-1]
    code_id = lines[0].split()[0]

    status, out, _ = cli(server, "codes", "list", "--device", "Hall")
    assert status == 0
    assert all(word in out for word in ("Ada", "4711", "Hall", "set"))
    [listed] = json.loads(cli(server, "codes", "list", "--json")[1])
    assert listed["access_code_id"] == code_id

    status, out, _ = cli(server, "codes", "create", "--device", "Hall", "--code", "4711")
    assert status == 1

    status, out, _ = cli(server, "codes", "delete", code_id, "--wait")
    assert status == 0
    assert "the lock was read" in out.splitlines()[-1]
    assert cli(server, "codes", "list")[1] == "There are no codes.\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("codes", "create", "--device", "Nowhere"), 1, "no device 'Nowhere'"),
        (("codes", "create", "--device", "Hall", "--code", "12"), 1, "length"),
        (("codes", "create", "--device", "Hall", "--starts-at", "soon"), 2, "--starts-at"),
        (("codes", "delete", "none"), 1, "not found"),
        (("keys", "revoke", "none"), 1, "no live key"),
        (("connect", "telepathy", "x://y"), 1, "no such provider"),
        (("connect", "zwave-js", "http://example"), 1, "ws://"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    server: LatchworkProcess, arguments: tuple[str, ...], status: int, words: str
) -> None:
    ended, out, err = cli(server, *arguments)
    assert (ended, out) == (status, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_without_a_server_the_command_line_says_so(server: LatchworkProcess) -> None:
    ended, _, err = cli(server, "devices", "list", LATCHWORK_PORT=str(free_port()))
    assert ended == 3
    assert "No Latchwork server answers" in err


def test_keys_are_made_shown_once_and_revoked(server: LatchworkProcess) -> None:
    status, out, _ = cli(server, "keys", "create", "--name", "tablet")
    assert status == 0
    key = out.strip()
    headers = {"authorization": f"Bearer {key}"}
    assert requests.get(f"{server.url}/workspaces/get", headers=headers, timeout=5).ok
    listed = json.loads(cli(server, "keys", "list", "--json")[1])
    [tablet] = [k for k in listed if k["name"] == "tablet"]
    assert key not in json.dumps(listed)
    assert cli(server, "keys", "revoke", tablet["api_key_id"])[0] == 0
    wait_for(
        "the key to be refused",
        lambda: (
            requests.get(f"{server.url}/workspaces/get", headers=headers, timeout=5).status_code
            == 401
        ),
        within=2,
    )


def test_the_doctor_names_what_is_wrong(server: LatchworkProcess) -> None:
    code = server.call(
        "/access_codes/create",
        device_id=server.call("/devices/get", name="Attic")["device"]["device_id"],
        name="Late",
        code="5150",
    )["access_code"]
    wait_for(
        "the delay",
        lambda: (server.code(code["access_code_id"]) or {"warnings": []})["warnings"],
    )
    status, out, _ = cli(server, "doctor")
    assert status == 1
    assert "BAD  code Late" in out
    assert f"ok   server at {server.url}" in out
    server.call("/access_codes/delete", access_code_id=code["access_code_id"])


def test_files_are_private(server: LatchworkProcess) -> None:
    for name in ("latchwork.sqlite3", "latchwork.sqlite3.key", "latchwork.sqlite3-wal"):
        assert stat.S_IMODE((server.folder / name).stat().st_mode) == 0o600, name


def test_a_second_server_on_the_database_is_refused(server: LatchworkProcess) -> None:
    ended, _, err = cli(server, "serve", LATCHWORK_PORT=str(free_port()))
    assert ended == 1
    assert "Another Latchwork server is running" in err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LATCHWORK_PORT", "http"),
        ("LATCHWORK_DATABASE_URL", "mysql://x"),
        ("LATCHWORK_BOOTSTRAP_API_KEY", "seam_short"),
        ("LATCHWORK_WEBHOOK_ALLOW", "everything"),
        ("LATCHWORK_CONNECT", "zwave-js"),
    ],
)
def test_a_wrong_setting_ends_the_start_by_name(
    server: LatchworkProcess, name: str, value: str
) -> None:
    ended, out, err = cli(server, "serve", **{name: value})
    assert (ended, out) == (2, "")
    assert err.startswith(f"latchwork: {name} ")
    assert len(err.splitlines()) == 1


def test_sigterm_ends_it_cleanly_and_a_restart_knows_everything(tmp_path: Path) -> None:
    process = LatchworkProcess(tmp_path)
    process.start()
    webhook = process.call("/webhooks/create", url="https://example.com/hook")["webhook"]
    assert process.stop() == 0
    process.start()
    listed = process.call("/webhooks/list")["webhooks"]
    assert [w["webhook_id"] for w in listed] == [webhook["webhook_id"]]
    assert process.process is not None
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(20) == 0


def test_the_first_start_shows_a_key_and_no_later_one(tmp_path: Path) -> None:
    process = LatchworkProcess(tmp_path, LATCHWORK_BOOTSTRAP_API_KEY="")
    process.start()
    process.stop()
    first = process.log.read_text()
    assert first.count("API key  seam_lw") == 1
    key = first.partition("API key  ")[2].split()[0]
    process.start()
    headers = {"authorization": f"Bearer {key}"}
    assert requests.get(f"{process.url}/workspaces/get", headers=headers, timeout=5).ok
    process.stop()
    assert process.log.read_text().count(key) == first.count(key)


def test_pain_15_no_pin_and_no_key_in_logs_errors_or_files(server: LatchworkProcess) -> None:
    """The canary: a known PIN and key through success, refusal, failure, webhook and crash."""
    hall, attic = (
        server.call("/devices/get", name=name)["device"]["device_id"] for name in ("Hall", "Attic")
    )
    refusals = []

    def refused(path: str, /, **body: object) -> None:
        answer = server.post(path, **body)
        assert answer.status_code >= 400
        refusals.append(answer.text)

    with Receiver() as receiver:
        secret = server.call("/webhooks/create", url=receiver.url)["webhook"]["secret"]
        code = server.call("/access_codes/create", device_id=hall, code=CANARY_PIN)["access_code"]
        wait_for("set", lambda: (server.code(code["access_code_id"]) or {})["status"] == "set")
        wait_for(
            "the webhook",
            lambda: "access_code.set_on_device" in receiver.of(code["access_code_id"]),
        )
        server.call("/access_codes/create", device_id=attic, code=CANARY_PIN)
        refused("/access_codes/create", device_id=hall, code=CANARY_PIN)
        refused("/access_codes/create", device_id=hall, code=REFUSED_PIN)
        refused("/access_codes/create", device_id=hall, code=CANARY_PIN, ends_at=CANARY_PIN)
        refused("/access_codes/create", device_id=hall, code={"pin": CANARY_PIN})
        refused("/access_codes/update", access_code_id=CANARY_PIN, code=CANARY_PIN)
        refused("/access_codes/nonsense", code=CANARY_PIN)
        server.post("/locks/simulate/keypad_code_entry", device_id=hall, code=CANARY_PIN)
        answer = requests.post(
            f"{server.url}/devices/list", headers={"authorization": f"Bearer {API_KEY}x"}, timeout=5
        )
        assert answer.status_code == 401
        refusals.append(answer.text)
        refusals.append(requests.get(f"{server.url}/metrics", timeout=5).text)
        assert "latchwork_code_time_to_set_seconds_count" in refusals[-1]
        server.kill()
        server.start()
        server.call("/access_codes/delete", access_code_id=code["access_code_id"])
        wait_for("gone", lambda: server.code(code["access_code_id"]) is None)

    for canary in (CANARY_PIN, API_KEY, secret, secret.removeprefix("whsec_")):
        assert not [text for text in refusals if canary in text]
        for path in server.folder.iterdir():
            if path.is_file():
                assert canary.encode() not in path.read_bytes(), f"{canary[:4]}... in {path.name}"


def test_it_drains_before_it_stops(tmp_path: Path) -> None:
    process = LatchworkProcess(tmp_path, LATCHWORK_DRAIN="60")
    process.start()
    assert requests.get(f"{process.url}/ready", timeout=5).status_code == 200
    assert process.process is not None
    process.process.send_signal(signal.SIGTERM)
    wait_for(
        "it to drain",
        lambda: requests.get(f"{process.url}/ready", timeout=5).status_code == 503,
        within=5,
    )
    assert requests.get(f"{process.url}/health", timeout=5).status_code == 200
    assert process.stop() == 0
