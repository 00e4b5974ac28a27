"""Real Z-Wave software without a radio: a mocked controller with locks, and a Z-Wave JS server.

    with ZwaveRig() as rig:
        ...  # connect to rig.url
        rig.fault(2, offline=True)
        assert rig.state(2)["codes"]["1"]["pin"] == "4711"

Locks (ten positions each): node 2 speaks User Code V1, node 3 User Code V2 with Schedule Entry
Lock, node 4 User Credential. The secured network has 3 and 4, encrypted with S2; the sleeping one
has 2, and 5 that is like it and sleeps until `wake`.
They forget nothing while the rig runs, whatever the server does.
The server interviews them after it starts listening, which takes some 10 s on a first start and
nothing after `restart_server()`. Starts and stops take seconds: from a coroutine call them through
`asyncio.to_thread`, else the server waits for clients of the same loop to say goodbye.
"""

import atexit
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

RIG = Path(__file__).resolve().parent.parent / "rigs" / "zwave"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
V1_LOCK, SCHEDULE_LOCK, CREDENTIAL_LOCK = LOCKS = (2, 3, 4)
SECURED_LOCKS = (SCHEDULE_LOCK, CREDENTIAL_LOCK)
SLEEPING_LOCK = 5
S2_KEY = "1112131415161718191a1b1c1d1e1f20"


class RigError(Exception):
    """The rig did not start or answer; the message says why and where its logs are."""


class ZwaveRig:
    """The two processes. Every call is synchronous; all but starts and stops take milliseconds.

    `url`: the Z-Wave JS server's address, the same after a restart. `folder`: logs and cache,
    removed at the end unless `keep_logs` is set or the `with` block fails.
    """

    def __init__(self, *, network: str = "plain", time_zone: str = "UTC") -> None:
        """`network`: plain, secured or sleeping. `time_zone`: what the server's host believes in,
        an IANA name."""
        self.keep_logs = False
        self.folder = Path(tempfile.mkdtemp(prefix="latchwork-zwave-rig-"))
        self._network = network
        self._time_zone = time_zone
        self._mock: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._control = 0
        self._serial = 0
        self._port = _free_port()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    @property
    def control_url(self) -> str:
        """The control port as a websocket address: something that answers and is no server."""
        return f"ws://127.0.0.1:{self._control}"

    def start(self) -> "ZwaveRig":
        """Starts both processes; returns when the server accepts connections."""
        if not (RIG / "node_modules" / "zwave-js").is_dir():
            raise RigError(
                f"The Z-Wave rig is not installed: run `make rigs`, or in {RIG}: "
                "npm ci --ignore-scripts --no-audit --no-fund"
            )
        node = shutil.which("node")
        if node is None:
            raise RigError("The Z-Wave rig needs Node.js 20 or newer (`node`) on the PATH")
        atexit.register(self.stop)
        self._mock = self._spawn("mock", [node, str(RIG / "mock.mjs")])
        ports = json.loads(self._wait_for_log(self._mock, "mock", r"^ready (\{.*\})$"))
        self._serial, self._control = ports["serial"], ports["control"]
        self.start_server()
        return self

    def start_server(self) -> None:
        """Starts the Z-Wave JS server; returns when it accepts connections."""
        config = self.folder / "server.json"
        config.write_text(json.dumps(self._server_config()))
        command = [
            str(shutil.which("node")),
            str(RIG / "node_modules" / "@zwave-js" / "server" / "dist-esm" / "bin" / "server.js"),
            f"tcp://127.0.0.1:{self._serial}",
            *("--config", str(config)),
            *("--host", "127.0.0.1", "--port", str(self._port)),
            "--disable-dns-sd",
        ]
        self._server = self._spawn("server", command)
        self._wait_for_log(self._server, "server", r"(ZwaveJS server listening) on")

    def stop_server(self) -> None:
        """Ends the Z-Wave JS server; the locks live on."""
        _end(self._server)
        self._server = None

    def restart_server(self) -> None:
        self.stop_server()
        self.start_server()

    def stop(self) -> None:
        """Ends both processes; idempotent."""
        self.stop_server()
        _end(self._mock)
        self._mock = None
        atexit.unregister(self.stop)
        if self.keep_logs:
            print(f"The logs of the Z-Wave rig are kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "ZwaveRig":
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

    def state(self, node: int) -> dict[str, Any]:
        """What the lock itself stores, past every protocol.

        `codes`: {"<position>": {"pin", "enabled", "userId"}}; `users` of User Credential locks;
        `schedules`: {"<position>": year-day fields}; `standardOffset`, `dstOffset` in minutes;
        `locked`; `faults`; `commands`: names of all commands received since the start or `reset`,
        `inTheClear`: of those that were not encrypted.
        """
        return self._call(node, "state")

    def pins(self, node: int) -> dict[int, str]:
        """The stored PINs by position."""
        return {int(p): code["pin"] for p, code in self.state(node)["codes"].items()}

    def fault(self, node: int, **changes: bool | int) -> None:
        """Switches faults, which stay until they are switched off or used up.

        `offline`, `delayMs`, `failNext`, `ignoreNext` (acknowledges and stores nothing),
        `lateNext` (acknowledges, and stores one second later; User Code locks),
        `dropAnswer` (stores and never answers), `rejectDuplicates`, `maskReads`.
        """
        self._call(node, "fault", changes)

    def keypad(self, node: int, pin: str) -> bool:
        """Someone types a PIN; whether the lock opened. Schedules count, in standard time."""
        return bool(self._call(node, "pin", {"pin": pin})["opened"])

    def program(
        self, node: int, position: int, pin: str, *, told: bool = True, user_id: int | None = None
    ) -> None:
        """Another hand stores a PIN at the lock; `told`: whether the lock notifies it."""
        body: dict[str, Any] = {"position": position, "pin": pin, "told": told}
        self._call(node, "program", body if user_id is None else {**body, "userId": user_id})

    def erase(self, node: int, position: int, *, told: bool = True) -> None:
        """Another hand empties a position at the lock."""
        self._call(node, "erase", {"position": position, "told": told})

    def disable(self, node: int, position: int) -> None:
        """Another hand disables a User Code at the lock, silently."""
        self._call(node, "disable", {"position": position})

    def notify(self, node: int, event: int, parameters: list[int] | None = None) -> None:
        """Sends an Access Control notification, such as 1 for a manual lock operation."""
        self._call(node, "notify", {"event": event, "parameters": parameters or []})

    def bolt(self, node: int, *, locked: bool) -> None:
        """Moves the bolt and reports it."""
        self._call(node, "bolt", {"locked": locked})

    def battery(self, node: int, level: int) -> None:
        """Sets and reports the battery level in percent."""
        self._call(node, "battery", {"level": level})

    def wake(self, node: int) -> None:
        """A sleeping lock wakes up, and tells so."""
        self._call(node, "wake")

    def sleep(self, node: int) -> None:
        """It falls asleep again, and tells nobody."""
        self._call(node, "sleep")

    def interview(self, node: int) -> None:
        """Wakes a sleeping lock until the server has interviewed it, and all others too."""
        self._server_logs(rf"Node {node:03}\] Interview completed", lambda: self.wake(node))
        self._server_logs("All nodes are ready to be used", lambda: None)

    def _server_logs(self, pattern: str, meanwhile: Callable[[], None]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if any(re.search(pattern, log.read_text()) for log in self.folder.glob("driver_2*")):
                return
            meanwhile()
            time.sleep(1)
        raise RigError(f"The Z-Wave server never logged {pattern!r}; see {self.folder}")

    def reset(self, node: int) -> None:
        """Forgets codes, users, schedules, received commands and faults, silently; first the lock
        answers what it still has to."""
        self._call(node, "reset")
        self._call(node, "fault", dict.fromkeys(self.state(node)["faults"], False))

    def _call(self, node: int, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._control}/{node}/{verb}",
            data=json.dumps(body or {}).encode(),
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=STOP_TIMEOUT) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def _server_config(self) -> dict[str, Any]:
        return {
            "securityKeys": {
                "S0_Legacy": "0102030405060708090a0b0c0d0e0f10",
                "S2_AccessControl": S2_KEY,
            },
            "storage": {
                "cacheDir": str(self.folder / "cache"),
                "deviceConfigPriorityDir": str(RIG / "devices"),
            },
            "logConfig": {
                "enabled": True,
                "level": "debug",
                "logToFile": True,
                "filename": str(self.folder / "driver"),
            },
            "attempts": {"nodeInterview": 2},
        }

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **os.environ,
                    "TZ": self._time_zone,
                    "NO_COLOR": "1",
                    "RIG_NETWORK": self._network,
                    "RIG_S2_KEY": S2_KEY,
                },
            )

    def _wait_for_log(self, process: subprocess.Popen[bytes], name: str, pattern: str) -> str:
        path = self.folder / f"{name}.log"
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if found := re.search(pattern, path.read_text(errors="replace"), re.MULTILINE):
                return found[1]
            if process.poll() is not None:
                break
            time.sleep(0.02)
        tail = path.read_text(errors="replace")[-2000:]
        raise RigError(f"The Z-Wave rig's {name} did not start; see {path}:\n{tail}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
