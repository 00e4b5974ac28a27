"""Requests sent again, sessions, tokens and the connect page, on a real server."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LatchworkProcess]:
    with LatchworkProcess(tmp_path, "--demo") as process:
        wait_for("the locks", lambda: len(process.call("/devices/list")["devices"]) >= 8)
        yield process


def lock_named(server: LatchworkProcess, name: str) -> str:
    device_id: str = server.call("/devices/get", name=name)["device"]["device_id"]
    return device_id


def send(server: LatchworkProcess, key: str, **wish: str) -> requests.Response:
    return requests.post(
        f"{server.url}/access_codes/create",
        json=wish,
        headers={"authorization": f"Bearer {API_KEY}", "idempotency-key": key},
        timeout=30,
    )


def test_fifty_equal_wishes_at_once_are_one_code(server: LatchworkProcess) -> None:
    lock = lock_named(server, "Back Door")
    with ThreadPoolExecutor(50) as pool:
        sent = [pool.submit(send, server, "stay-7", device_id=lock, name="Ana") for _ in range(50)]
        answers = [future.result() for future in sent]
    made = {a.json()["access_code"]["access_code_id"] for a in answers if a.ok}
    assert len(made) == 1
    assert {a.status_code for a in answers} <= {200, 409}
    [code] = server.call("/access_codes/list", device_id=lock)["access_codes"]
    wait_for("the code", lambda: (server.code(code["access_code_id"]) or {})["status"] == "set")
    types = server.event_types(code["access_code_id"])
    assert types.count("access_code.created") == types.count("access_code.set_on_device") == 1


def test_a_power_cut_amid_requests_makes_no_second_code(server: LatchworkProcess) -> None:
    """Each wish is sent, the server is killed, and each is sent again under its key."""
    lock = lock_named(server, "Lobby")
    wishes = [f"guest-{n}" for n in range(40)]

    def try_once(name: str) -> None:
        try:
            send(server, name, device_id=lock, name=name)
        except requests.RequestException:
            return

    with ThreadPoolExecutor(20) as pool:
        sent = [pool.submit(try_once, name) for name in wishes]
        wait_for(
            "some to be stored",
            lambda: len(server.call("/access_codes/list", device_id=lock)["access_codes"]) >= 5,
            every=0.001,
        )
        server.kill()
        for future in sent:
            future.result()
    server.start()
    for name in wishes:
        answer = send(server, name, device_id=lock, name=name)
        assert answer.status_code == 200, answer.text
        assert answer.json()["access_code"]["name"] == name
    codes = server.call("/access_codes/list", device_id=lock)["access_codes"]
    assert sorted(code["name"] for code in codes) == sorted(wishes)


def test_a_person_connects_locks_and_a_session_reaches_them(server: LatchworkProcess) -> None:
    session = server.call("/client_sessions/create", user_identifier_key="ana")["client_session"]
    user = {"authorization": f"Bearer {session['token']}"}
    made = requests.post(
        f"{server.url}/connect_webviews/create",
        json={"accepted_providers": ["simulator"], "wait_for_device_creation": True},
        headers=user,
        timeout=10,
    ).json()["connect_webview"]
    form = requests.get(made["url"], timeout=10).text
    fields = dict(re.findall(r'name="(form_token)" value="([^"]+)"', form))
    action = html.unescape(re.findall(r'action="([^"]+)"', form)[0])
    done = requests.post(f"{server.url}{action}", data={**fields, "setting.count": "2"}, timeout=30)
    assert "Connected" in done.text
    listed = requests.get(f"{server.url}/devices/list", headers=user, timeout=10).json()
    assert sorted(d["display_name"] for d in listed["devices"]) == ["Lock 1", "Lock 2"]
    lock = listed["devices"][0]["device_id"]
    code = requests.post(
        f"{server.url}/access_codes/create", json={"device_id": lock}, headers=user, timeout=10
    ).json()["access_code"]
    wait_for("the code", lambda: (server.code(code["access_code_id"]) or {})["status"] == "set")


def test_a_sandbox_begins_anew(server: LatchworkProcess) -> None:
    before = {d["device_id"] for d in server.call("/devices/list")["devices"]}
    lock = lock_named(server, "Back Door")
    code = server.call("/access_codes/create", device_id=lock, code="274951")["access_code"]
    wait_for("the code", lambda: (server.code(code["access_code_id"]) or {})["status"] == "set")
    attempt = server.call("/workspaces/reset_sandbox")["action_attempt"]
    assert attempt["status"] == "success"

    def anew() -> bool:
        devices = server.call("/devices/list")["devices"]
        return len(devices) == len(before) and all(d["properties"]["online"] for d in devices)

    wait_for("the locks to come back", anew)
    after = {d["device_id"] for d in server.call("/devices/list")["devices"]}
    assert not before & after
    assert server.call("/access_codes/list")["access_codes"] == []
    for device_id in after:
        opened = server.call("/access_codes/unmanaged/list", device_id=device_id)
        assert opened["access_codes"] == [], "a code of before is still on a lock"


def test_keys_and_tokens_of_the_command_line(server: LatchworkProcess) -> None:
    def run(*arguments: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LATCHWORK_")}
        ended = subprocess.run(
            [sys.executable, "-m", "latchwork.cli.main", *arguments],
            env={**environment, **server.environment, "HOME": str(server.folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def workspace(**headers: str) -> requests.Response:
        return requests.get(f"{server.url}/workspaces/get", headers=headers, timeout=10)

    workspace_id = server.call("/workspaces/get")["workspace"]["workspace_id"]
    token = run("tokens", "create", "--name", "Ana")
    assert token.startswith("seam_at")
    named = {"authorization": f"Bearer {token}", "seam-workspace": workspace_id}
    assert workspace(**named).json()["workspace"]["workspace_id"] == workspace_id
    assert token not in run("tokens", "list", "--json")
    run("tokens", "revoke", run("tokens", "list").splitlines()[-1].split()[0])
    assert workspace(**named).status_code == 401
    old = {"authorization": f"Bearer {run('keys', 'create', '--api-version', '2023-09')}"}
    lock = lock_named(server, "Garage")
    wish = {"device_id": lock, "ends_at": "2199-01-01T00:00:00Z", "type": "timebound"}
    made = requests.post(
        f"{server.url}/access_codes/create", json=wish, headers=old, timeout=10
    ).json()
    assert made["access_code"]["type"] == "timebound"
