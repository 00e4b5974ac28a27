"""The server killed at random moments under load, its locks outside of it: afterwards nothing that
was accepted is lost, nothing is told twice or not at all, and the locks hold what was wished.

LATCHWORK_KILLS says how often on each database (`make crash`: 200); LATCHWORK_SEED which moments.
"""

import os
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from support.lock_cloud_bench import TOKEN, LockCloudServer
from support.postgres import KILLED, PostgresServer
from support.receiver import Receiver
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]

KILLS = int(os.environ.get("LATCHWORK_KILLS", "8"))
SEED = int(os.environ.get("LATCHWORK_SEED", "1"))
ALLOWED = {"LATCHWORK_WEBHOOK_ALLOW": "127.0.0.0/8"}
MOST_CODES = {"lock_front": 8, "lock_back": 3}
OTHER_PINS = {"9001", "9002"}


class Client:
    """Makes random commands, one after the other, each again under its key until it is answered;
    and keeps the books on what was accepted."""

    def __init__(self, server: LatchworkProcess, devices: dict[str, str], rng: Random) -> None:
        self.server = server
        self.devices = devices
        self.rng = rng
        self.standing: dict[str, tuple[str, str]] = {}
        """Lock and PIN by code."""
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        self.commands = self.repeated = 0
        self._pins = iter(rng.sample(range(1000, 9000), 7000))
        self._unanswered: tuple[str, str, dict[str, Any]] | None = None

    def finish(self) -> None:
        """The last command is answered too."""
        self.work(threading.Event(), until_answered=True)

    def work(self, killed: threading.Event, *, until_answered: bool = False) -> None:
        while not killed.is_set() and not (until_answered and self._unanswered is None):
            if self._unanswered is None:
                self._unanswered = (str(uuid.UUID(int=self.rng.getrandbits(128))), *self._next())
            else:
                self.repeated += 1
            key, path, asked = self._unanswered
            try:
                answer = requests.post(
                    f"{self.server.url}{path}",
                    json=asked,
                    headers={"authorization": f"Bearer {API_KEY}", "idempotency-key": key},
                    timeout=10,
                )
            except requests.RequestException:
                killed.wait(0.02)
                continue
            if answer.status_code == 409:
                # The claim of the request that the crash cut off, until its holder is known to
                # be dead.
                assert answer.json()["error"]["type"] == "idempotency_key_in_use", answer.text
                killed.wait(0.05)
                continue
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
            self._done(path, asked, answer.json())

    def _done(self, path: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        self._account(path, asked, answer)
        self._unanswered = None
        self.commands += 1

    def _next(self) -> tuple[str, dict[str, Any]]:
        counts = Counter(lock for lock, _ in self.standing.values())
        room = [lock for lock, most in MOST_CODES.items() if counts[lock] < most]
        if room and (not self.standing or self.rng.random() < 0.5):
            device_id = self.devices[self.rng.choice(room)]
            return "/access_codes/create", {"device_id": device_id, "code": str(next(self._pins))}
        code_id = self.rng.choice(sorted(self.standing))
        if self.rng.random() < 0.4:
            return "/access_codes/update", {
                "access_code_id": code_id,
                "code": str(next(self._pins)),
            }
        return "/access_codes/delete", {"access_code_id": code_id}

    def _account(self, path: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        if path.endswith("create"):
            code_id = answer["access_code"]["access_code_id"]
            [lock] = [k for k, device in self.devices.items() if device == asked["device_id"]]
            self.standing[code_id] = (lock, asked["code"])
            self.created.add(code_id)
        elif path.endswith("update"):
            lock, _ = self.standing[asked["access_code_id"]]
            self.standing[asked["access_code_id"]] = (lock, asked["code"])
        else:
            del self.standing[asked["access_code_id"]]
            self.deleted.add(asked["access_code_id"])


def furnished(
    server: LatchworkProcess, cloud: LockCloudServer, receiver: Receiver
) -> dict[str, str]:
    """Devices by lock, with codes of other hands on one of the locks."""
    for pin in sorted(OTHER_PINS):
        cloud.test("POST", "/locks/lock_back/codes", {"code": pin, "name": "Anna"})
    server.call("/webhooks/create", url=receiver.url)
    server.call(
        "/latchwork/connected_accounts/connect",
        provider="lock-cloud",
        settings={"url": cloud.url, "access_token": TOKEN},
    )
    found = wait_for(
        "the locks",
        lambda: (
            len(server.call("/devices/list")["devices"]) == 2
            and server.call("/devices/list")["devices"]
        ),
    )
    names = {"Front Door": "lock_front", "Back Door": "lock_back"}
    return {names[lock["properties"]["name"]]: lock["device_id"] for lock in found}


def on_lock(cloud: LockCloudServer, lock: str) -> list[str]:
    truth = cloud.test("GET", f"/locks/{lock}")
    return sorted(held["code"] for held in truth["codes"].values())


def test_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    kill_again_and_again(LatchworkProcess(tmp_path, **ALLOWED), KILLS)


def test_kills_on_postgresql_lose_and_double_nothing(tmp_path: Path) -> None:
    with PostgresServer(*KILLED) as database:
        url = database.create("killed")
        server = LatchworkProcess(
            tmp_path, **ALLOWED, LATCHWORK_DATABASE_URL=url, LATCHWORK_SECRET_KEY="5c" * 32
        )
        kill_again_and_again(server, KILLS)


def kill_again_and_again(server: LatchworkProcess, kills: int) -> None:
    rng = Random(SEED)
    with LockCloudServer() as cloud, Receiver() as receiver, server:
        client = Client(server, furnished(server, cloud, receiver), rng)
        for _ in range(kills):
            rage(server, client, rng.uniform(0.02, 1.2))
        client.finish()
        check_locks(server, cloud, client)
        check_events(server, receiver, client)
        starts = sorted(server.starts)
        print(
            f"{kills} kills, {client.commands} commands, {client.repeated} repeated; starts: "
            f"median {starts[len(starts) // 2]:.1f} s, slowest {starts[-1]:.1f} s"
        )


def rage(server: LatchworkProcess, client: Client, span: float) -> None:
    """Commands as fast as they are answered, and in their midst the end; then a new start."""
    killed = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(client.work, killed)
        killed.wait(span)
        server.kill()
        killed.set()
        working.result(30)
    server.start()


def check_locks(server: LatchworkProcess, cloud: LockCloudServer, client: Client) -> None:
    def converged() -> bool:
        listed = server.call("/access_codes/list", limit=500)["access_codes"]
        return {c["access_code_id"] for c in listed} == set(client.standing) and all(
            c["status"] == "set" for c in listed
        )

    wait_for("every code to be set or gone", converged, 60)
    for lock in MOST_CODES:
        wished = [pin for on, pin in client.standing.values() if on == lock]
        theirs = sorted(OTHER_PINS) if lock == "lock_back" else []
        assert on_lock(cloud, lock) == sorted(wished + theirs)


def check_events(server: LatchworkProcess, receiver: Receiver, client: Client) -> None:
    events = server.events()
    told = Counter((e["event_type"], e.get("access_code_id")) for e in events)
    for code_id in client.created:
        assert told["access_code.created", code_id] == 1
        assert told["access_code.deleted", code_id] == int(code_id in client.deleted)
    assert {c for t, c in told if t == "access_code.created"} == client.created
    for code_id in client.standing:
        assert told["access_code.set_on_device", code_id] >= 1

    ours = {e["event_id"] for e in events if e["event_type"].startswith("access_code.")}

    def delivered() -> bool:
        return ours <= {d.event["event_id"] for d in list(receiver.deliveries)}

    wait_for("every event to be delivered", delivered, 90)
