"""A fleet on PostgreSQL under load: each process killed in turn, the database restarted."""

import asyncio
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import requests

from latchwork.storage.postgres import PostgresStorage
from latchwork.storage.vault import Vault
from latchwork.webhooks.deliver import DeliveryPolicy
from support.postgres import KILLED, PostgresServer
from support.server import API_KEY, LatchworkProcess, wait_for

pytestmark = pytest.mark.acceptance

SECRET_KEY = "5c" * 32
ACCOUNTS = 4
LOCKS = 6
ROLES = ("api", "api", "worker", "worker", "webhooks")
KILL_EVERY = 2.5
DEATHS_THAT_MATTER = 3
"""To a lock: of its worker, of the worker that took it over, of the database."""
TAKEN_OVER_WITHIN = 30.0
"""Until its locks are read anew and every code is set, on a busy machine."""


class Hook:
    """Remembers the ids of the events that were delivered."""

    def __init__(self) -> None:
        seen: Counter[str] = Counter()
        self.seen = seen

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                seen[json.loads(body)["event_id"]] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Load:
    """Wishes one code after the other, at each API process in turn, until told to stop; a wish that
    was not answered is said again, as the same."""

    def __init__(self, apis: list[LatchworkProcess], devices: list[str]) -> None:
        self.apis = apis
        self.devices = devices
        self.created: dict[str, str] = {}
        self.failed: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(3)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, thread: int) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            device = self.devices[(number * 3 + thread) % len(self.devices)]
            pin = f"{thread + 1}{number:05}"
            code_id = self._wish(device, pin, number)
            if code_id is not None:
                self.created[code_id] = pin
            self._stop.wait(0.15)

    def _wish(self, device: str, pin: str, number: int) -> str | None:
        key = str(uuid4())
        for attempt in range(200):
            api = self.apis[(number + attempt) % len(self.apis)]
            try:
                answer = requests.post(
                    f"{api.url}/access_codes/create",
                    json={"device_id": device, "code": pin},
                    headers={"authorization": f"Bearer {API_KEY}", "idempotency-key": key},
                    timeout=20,
                )
            except requests.RequestException:
                time.sleep(0.1)
                continue
            if answer.status_code == 200:
                return str(answer.json()["access_code"]["access_code_id"])
            if answer.status_code not in (409, 500, 503):
                self.failed.append(answer.text)
                return None
            time.sleep(0.1)
        self.failed.append(f"no answer for {pin}")
        return None


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with PostgresServer(*KILLED) as server:
        yield server


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture(scope="module")
def fleet(
    database: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[LatchworkProcess]]:
    url = database.create("fleet")
    fleet = []
    for number, role in enumerate(ROLES):
        folder = tmp_path_factory.mktemp(f"{role}-{number}")
        fleet.append(
            LatchworkProcess(
                folder,
                "--role",
                role,
                LATCHWORK_DATABASE_URL=url,
                LATCHWORK_SECRET_KEY=SECRET_KEY,
                LATCHWORK_WEBHOOK_ALLOW="127.0.0.0/8",
                LATCHWORK_LOG_LEVEL="INFO",
            )
        )
    fleet[0].start()
    with ThreadPoolExecutor() as threads:
        list(threads.map(LatchworkProcess.start, fleet[1:]))
    yield fleet
    with ThreadPoolExecutor() as threads:
        list(threads.map(LatchworkProcess.stop, fleet))


@pytest.fixture(scope="module")
def devices(fleet: list[LatchworkProcess], hook: Hook) -> list[str]:
    """Simulated locks of several accounts, and a webhook for every event."""
    api = fleet[0]
    api.call("/webhooks/create", url=hook.url)
    for number in range(ACCOUNTS):
        api.call(
            "/latchwork/connected_accounts/connect",
            provider="simulator",
            settings={
                "locks": [
                    {"key": f"{number}-{lock}", "name": f"Door {number}-{lock}", "latency": 0.02,
                     "capabilities": {"positions": 250}}
                    for lock in range(LOCKS)
                ]
            },
        )  # fmt: skip
    devices = wait_for(
        "the locks",
        lambda: len(found := api.call("/devices/list")["devices"]) == ACCOUNTS * LOCKS and found,
    )
    return [device["device_id"] for device in devices]


def every_code(api: LatchworkProcess, devices: list[str]) -> list[dict[str, Any]]:
    return [
        code
        for device in devices
        for code in api.call("/access_codes/list", device_id=device)["access_codes"]
    ]


def test_nothing_is_lost_or_done_twice_when_processes_and_the_database_die(
    fleet: list[LatchworkProcess], devices: list[str], database: PostgresServer, hook: Hook
) -> None:
    api = fleet[0]
    load = Load(fleet[:2], devices)
    for process in fleet:
        time.sleep(KILL_EVERY)
        process.kill()
        time.sleep(0.5)
        process.start()
    time.sleep(KILL_EVERY)
    database.stop(signal.SIGQUIT)
    database.start()
    time.sleep(KILL_EVERY)
    load.stop()
    assert load.failed == []
    assert len(load.created) > 100

    def all_set() -> bool:
        codes = every_code(api, devices)
        return len(codes) == len(load.created) and all(c["status"] == "set" for c in codes)

    wait_for("all codes to be set", all_set, within=45)
    codes = {code["access_code_id"]: code["code"] for code in every_code(api, devices)}
    assert codes == load.created
    told = api.events()
    for event_type in ("access_code.created", "access_code.set_on_device"):
        counted = Counter(e["access_code_id"] for e in told if e["event_type"] == event_type)
        assert counted == Counter(load.created.keys()), event_type
    # What the deliverer that was killed had under way waits for its lease to end.
    wait_for(
        "all webhooks",
        lambda: {e["event_id"] for e in told} <= hook.seen.keys(),
        within=DeliveryPolicy().lease.total_seconds() + 20,
    )
    locks, leases = asyncio.run(look_inside(database.url("fleet")))
    assert sorted(pin for lock in locks for pin in lock.pins) == sorted(load.created.values())
    assert leases == 0
    # A lock does one thing at a time: a death can leave one write of it unanswered. Most are found
    # done by the read that comes before another try.
    repeated = [lock.writes - len(lock.pins) for lock in locks]
    assert min(repeated) >= 0
    assert max(repeated) <= DEATHS_THAT_MATTER
    assert {lock.clears for lock in locks} == {0}


def test_the_locks_of_a_worker_that_died_are_served_by_the_other_within_seconds(
    fleet: list[LatchworkProcess], devices: list[str]
) -> None:
    api = fleet[0]
    fleet[2].kill()
    begin = time.monotonic()
    made = [
        api.call("/access_codes/create", device_id=device, code="4711")["access_code"]
        for device in devices
    ]
    opened = api.call("/locks/unlock_door", device_id=devices[0], sync=False)["action_attempt"]

    def unset() -> dict[str, Any]:
        """What is told of the codes that are not set: the reason, should they never be."""
        codes = {code["access_code_id"]: code for code in every_code(api, devices)}
        found = [codes[code["access_code_id"]] for code in made]
        return {c["access_code_id"]: c for c in found if c["status"] != "set"}

    try:
        wait_for("the other worker", lambda: not unset(), TAKEN_OVER_WITHIN, every=0.3)
    except AssertionError as error:
        error.add_note(f"{unset()}\n{fleet[3].log.read_text()[-4000:]}")
        raise
    assert time.monotonic() - begin < TAKEN_OVER_WITHIN
    attempt = api.call("/action_attempts/get", action_attempt_id=opened["action_attempt_id"])
    assert attempt["action_attempt"]["status"] == "success"
    fleet[2].start()


class OnLock(msgspec.Struct):
    """What a simulated lock holds, and how often its radio was used to program it."""

    pins: list[str]
    writes: int
    clears: int


async def look_inside(url: str) -> tuple[list[OnLock], int]:
    """All simulated locks, and the number of leases that nobody ended."""
    vault = Vault(bytes.fromhex(SECRET_KEY))
    storage = await PostgresStorage.open(url, vault, lambda: datetime.now(UTC), os.urandom)
    locks = []
    for account in await storage.all_accounts():
        for value in (await storage.driver_store_load(account.connected_account_id)).values():
            lock = msgspec.msgpack.decode(value)
            pins = [pin for pin, _name, _window in lock["codes"].values()]
            locks.append(OnLock(pins, lock.get("writes", 0), lock.get("clears", 0)))
    row = await storage._db.reading.one("SELECT count(*) FROM visit WHERE leased_until IS NOT NULL")
    await storage.aclose()
    assert row is not None
    return locks, row[0]
