"""Real Matter software without a radio: virtual devices of matter.js, and a Matter server.

    with MatterRig() as rig:
        ...  # connect to rig.url
        rig.fault(FRONT, offline=True)
        assert rig.pins(FRONT) == {1: "4711"}

All processes live in a network namespace of their own, whose only way out is a relay to the
server's websocket. Node 1 is a lock (ten positions) that keeps year-day schedules, node 2 a bridge
with two locks (five positions each) that keep none. They forget nothing while the rig runs,
whatever the server does. Starts and stops take seconds: from a coroutine call them through
`asyncio.to_thread`.
"""

import asyncio
import atexit
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

import aiohttp

RIG: Final = Path(__file__).resolve().parent.parent / "rigs" / "matter"
PYTHON: Final = RIG / ".rig" / "venv" / "bin" / "python"
REASON: Final = RIG / ".rig" / "reason"
START_TIMEOUT: Final = 120.0
STOP_TIMEOUT: Final = 10.0
COMMISSIONING_TRIES: Final = 3
SERVER_PORT: Final = 5580
LONG_DISCRIMINATOR: Final = 2
MARK: Final = 7
"""An alarm that means nothing to the driver: the door was left ajar."""


class RigLock(NamedTuple):
    """`device`: the process that it lives in; `name`: its endpoint's."""

    device: str
    name: str
    node: int
    endpoint: int
    positions: int


FRONT: Final = RigLock("lock", "front", 1, 1, 10)
GARAGE: Final = RigLock("bridge", "garage", 2, 2, 5)
SHED: Final = RigLock("bridge", "shed", 2, 3, 5)
LOCKS: Final = (FRONT, GARAGE, SHED)
DEVICES: Final = {"lock": 5540, "bridge": 5541}
"""The port of each device."""
PASSCODES: Final = {"lock": 20202021, "bridge": 20202022}


class RigError(Exception):
    """The rig did not start or answer; the message says why and where its logs are."""


def why_not() -> str | None:
    """Why the rig cannot run on this machine; None when it can."""
    if REASON.exists():
        return f"The Matter rig cannot run here: {REASON.read_text().strip()}"
    if not PYTHON.exists() or not (RIG / "node_modules").is_dir():
        return "The Matter rig is not installed: run `make rigs`"
    return None


class MatterRig:
    """Every call is synchronous; all but starts and stops take milliseconds.

    `url`: the server's address, the same after a restart. `folder`: logs and storage, removed at
    the end unless `keep_logs` is set or the `with` block fails.
    """

    def __init__(self) -> None:
        self.keep_logs = False
        self.folder = Path(tempfile.mkdtemp(prefix="latchwork-matter-"))
        self._house: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._others: list[subprocess.Popen[bytes]] = []
        self._port = 0
        self.fabric_id = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/ws"

    def key(self, lock: RigLock) -> str:
        """The driver's provider key of a lock."""
        return f"{self.fabric_id:016x}-{lock.node}-{lock.endpoint}"

    def start(self) -> "MatterRig":
        """Starts everything and commissions the devices; returns when the server has them."""
        if (reason := why_not()) is not None:
            raise RigError(reason)
        node = shutil.which("node")
        if node is None:
            raise RigError("The Matter rig needs Node.js 20 or newer (`node`) on the PATH")
        atexit.register(self.stop)
        (self.folder / "data").mkdir()
        self._house = self._spawn(
            "house", ["unshare", "-n", "-m", str(RIG / "enter.sh"), str(self.folder / "data")]
        )
        subprocess.run([node, str(RIG / "paa.mjs"), str(self.folder / "roots")], check=True)
        self._wait_for_log(self._house, "house")
        devices = {
            name: self._spawn_inside(
                name, [node, str(RIG / "lock.mjs"), name, str(port), str(self._socket(name))]
            )
            for name, port in DEVICES.items()
        }
        tunnel = str(self.folder / "tunnel.sock")
        relay = [node, str(RIG / "relay.mjs")]
        inner = self._spawn_inside("inner", [*relay, "in", tunnel, str(SERVER_PORT)])
        outer = self._spawn("outer", [*relay, "out", tunnel])
        self._others = [*devices.values(), inner, outer]
        self._wait_for_log(inner, "inner")
        self._port = self._wait_for_log(outer, "outer")["port"]
        self.start_server()
        for name, process in devices.items():
            self._wait_for_log(process, name)
        self._commission_all()
        return self

    def start_server(self) -> None:
        """Starts the Matter server; returns when it accepts connections."""
        options = {
            "storage-path": str(self.folder / "server"),
            "port": str(SERVER_PORT),
            "listen-address": "127.0.0.1",
            "paa-root-cert-dir": str(self.folder / "roots"),
        }
        (self.folder / "server").mkdir(exist_ok=True)
        command = [str(PYTHON), "-m", "matter_server.server", "--disable-server-interactions"]
        for name, value in options.items():
            command += [f"--{name}", value]
        self._server = self._spawn_inside("server", command)
        deadline = time.monotonic() + START_TIMEOUT
        while not asyncio.run(_answers(self.url)):
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise self._not_started("server")
            time.sleep(0.05)

    def stop_server(self) -> None:
        """Ends the Matter server; the devices live on."""
        _end(self._server)
        self._server = None

    def restart_server(self) -> None:
        self.stop_server()
        self.start_server()

    def stop(self) -> None:
        """Ends everything; idempotent."""
        self.stop_server()
        for process in (*self._others, self._house):
            _end(process)
        self._others, self._house = [], None
        atexit.unregister(self.stop)
        if self.keep_logs:
            print(f"The logs of the Matter rig are kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "MatterRig":
        try:
            return self.start()
        except BaseException:
            self.keep_logs = True
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.keep_logs = self.keep_logs or error is not None
        self.stop()

    def state(self, lock: RigLock) -> dict[str, Any]:
        """What the lock itself stores, past every protocol.

        `codes`: {"<position>": {"pin", "userIndex"}}; `users` and `schedules` as matter.js keeps
        them, times in seconds since 2000; `lockState`; `faults`; `commands`: names of all
        programming commands received since the start or `reset`.
        """
        return self._call(lock, "state")

    def pins(self, lock: RigLock) -> dict[int, str]:
        """The stored PINs by position."""
        return {int(p): code["pin"] for p, code in self.state(lock)["codes"].items()}

    def users(self, lock: RigLock) -> dict[int, dict[str, Any]]:
        return {user["userIndex"]: user for user in self.state(lock)["users"]}

    def fault(self, lock: RigLock, **changes: bool | int) -> None:
        """Switches faults, which stay until they are switched off or used up: `offline` (of the
        whole device), `ignoreNext` (acknowledges a PIN and stores nothing), `loseNext` (stores one
        and falls silent for `silence` milliseconds)."""
        self._call(lock, "fault", changes)

    def keypad(self, lock: RigLock, pin: str, *, now: int = 0) -> bool:
        """Someone types a PIN at a local time, in seconds since 2000; whether the lock opened."""
        return bool(self._call(lock, "pin", {"pin": pin, "now": now})["opened"])

    def program(
        self, lock: RigLock, position: int, pin: str, *, told: bool = True, user: int | None = None
    ) -> None:
        """Another hand stores a PIN at the lock; `told`: whether the lock reports it."""
        body: dict[str, Any] = {"position": position, "pin": pin, "told": told}
        self._call(lock, "program", body if user is None else {**body, "userIndex": user})

    def add_user(self, lock: RigLock, index: int) -> None:
        """Another hand makes a user that holds nothing."""
        self._call(lock, "user", {"userIndex": index})

    def change_user(self, lock: RigLock, index: int, **changes: int | str) -> None:
        """Another hand changes a user, and the lock reports it."""
        self._call(lock, "changeUser", {"userIndex": index, **changes})

    def erase(self, lock: RigLock, position: int, *, told: bool = True) -> None:
        """Another hand removes a PIN with its user."""
        self._call(lock, "erase", {"position": position, "told": told})

    def alarm(self, lock: RigLock, code: int) -> None:
        self._call(lock, "alarm", {"code": code})

    def turn(self, lock: RigLock, *, locked: bool) -> None:
        """Someone turns the knob."""
        self._call(lock, "turn", {"locked": locked})

    def battery(self, lock: RigLock, level: float) -> None:
        """Sets and reports the battery level of 0.0 to 1.0."""
        self._call(lock, "battery", {"level": level})

    def reachable(self, lock: RigLock, *, reachable: bool) -> None:
        """The bridge loses or finds one of its locks."""
        self._call(lock, "reachable", {"reachable": reachable})

    def reset(self, lock: RigLock) -> None:
        """Forgets users, codes, schedules, received commands and faults, silently."""
        self._call(lock, "reset")

    async def reports_passed(self, lock: RigLock) -> None:
        """Returns once the server has told all that the lock reported until now: reports keep
        their order, and are held back for a second or so."""
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.url, max_msg_size=0) as server,
        ):
            await server.receive_json()
            await server.send_json({"message_id": "1", "command": "start_listening"})
            await server.receive_json()
            self.alarm(lock, MARK)
            async with asyncio.timeout(START_TIMEOUT):
                while True:
                    told = (await server.receive_json()).get("data")
                    if isinstance(told, dict) and told.get("data") == {"alarmCode": MARK}:
                        return

    def _call(self, lock: RigLock, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = _UnixConnection(self._socket(lock.device))
        connection.request("POST", f"/{lock.name}/{verb}", json.dumps(body or {}))
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != http.client.OK:
            raise RigError(f"The virtual lock could not {verb}: {text.decode()}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _socket(self, device: str) -> Path:
        return self.folder / f"{device}.sock"

    def _commission_all(self) -> None:
        """Now and then a server speaks to the wrong one of two devices, whose passcode differs; it
        would number nodes on from there, so another one begins."""
        for attempt in range(1, COMMISSIONING_TRIES + 1):
            try:
                asyncio.run(self._commission())
            except RigError:
                if attempt == COMMISSIONING_TRIES:
                    raise
                self.stop_server()
                shutil.rmtree(self.folder / "server")
                self.start_server()
            else:
                return

    async def _commission(self) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.url, max_msg_size=0) as server,
        ):
            self.fabric_id = (await server.receive_json())["compressed_fabric_id"]
            for device, port in DEVICES.items():
                arguments = {
                    "setup_pin_code": PASSCODES[device],
                    "filter_type": LONG_DISCRIMINATOR,
                    "filter": 3000 + port % 1000,
                }
                await server.send_json(
                    {"message_id": device, "command": "commission_on_network", "args": arguments}
                )
                answer = await server.receive_json(timeout=START_TIMEOUT)
                if "error_code" in answer:
                    why = f"{answer['details']} See {self.folder}"
                    raise RigError(f"The {device} was not commissioned: {why}")

    def _spawn_inside(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        if self._house is None:
            raise RigError("The Matter rig is not running")
        target = ["nsenter", "-t", str(self._house.pid), "-n", "-m", f"--wd={self.folder}", "--"]
        return self._spawn(name, [*target, *command])

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        storage = str(self.folder / f"{name}-storage")
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TZ": "UTC", "NO_COLOR": "1", "MATTER_STORAGE_PATH": storage},
            )

    def _wait_for_log(self, process: subprocess.Popen[bytes], name: str) -> dict[str, Any]:
        path = self.folder / f"{name}.log"
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if found := re.search(r"^ready (\{.*\})$", _text(path), re.MULTILINE):
                ready: dict[str, Any] = json.loads(found[1])
                return ready
            if process.poll() is not None:
                break
            time.sleep(0.02)
        raise self._not_started(name)

    def _not_started(self, name: str) -> RigError:
        path = self.folder / f"{name}.log"
        return RigError(
            f"The Matter rig's {name} did not start; see {path}:\n{_text(path)[-2000:]}"
        )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=STOP_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(STOP_TIMEOUT)
        self.sock.connect(str(self._path))


async def _answers(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0):
            return True
    except aiohttp.ClientError:
        return False


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
