"""Latchwork as a process, for acceptance tests: started by its own command, asked over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import requests

API_KEY = "seam_test1acceptance_4Ge9mR2vXw7Kq0Zb5Tn8Jc3L"
"""The bootstrap key of the tests: known, so that tests can look for it where it must not be."""

READY_WITHIN = 60.0
"""Seconds. A start takes one of a processor's; on a busy machine it has waited 32 more for them."""
BYTECODE = Path(tempfile.gettempdir()) / f"latchwork-bytecode-{os.getuid()}"
"""An installed server is compiled. One that runs from its sources, where nothing may be written,
would compile them at each start, which takes half as long again."""


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, condition: Any, within: float = 30.0, every: float = 0.05) -> Any:
    """The first truthy answer of `condition()`; fails by name when none comes in time."""
    deadline = time.monotonic() + within
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {within:.0f} s in vain: {what}")
        time.sleep(every)


class LatchworkProcess:
    """`latchwork serve` on a database of its own. Use as a context manager."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = folder / "latchwork.sqlite3"
        self.log = folder / "latchwork.log"
        self.arguments = arguments
        self.environment = {
            "LATCHWORK_HOST": "127.0.0.1",
            "LATCHWORK_PORT": str(self.port),
            "LATCHWORK_DATABASE_URL": f"sqlite:///{self.database}",
            "LATCHWORK_BOOTSTRAP_API_KEY": API_KEY,
            "LATCHWORK_LOG_LEVEL": "DEBUG",
            "LATCHWORK_LOG_FORMAT": "json",
            "LATCHWORK_RATE_LIMITS": "off",
            **environment,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.starts: list[float] = []
        """How long each start took (seconds), from the command to the first answer."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts it and waits until /health answers."""
        began = time.monotonic()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LATCHWORK_")}
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        inherited["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "latchwork.cli.main", "serve", *self.arguments],
                env={**inherited, **self.environment, "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for("the server to be healthy", self._is_healthy, READY_WITHIN)
        self.starts.append(time.monotonic() - began)

    def _is_healthy(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(
                f"latchwork ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}"
            )
        try:
            return requests.get(f"{self.url}/health", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def stop(self, within: float = 20.0) -> int:
        """SIGTERM; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(within)
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def call(self, path: str, /, **parameters: Any) -> dict[str, Any]:
        """POSTs as an API client; the body of a 200, else an assertion."""
        response = self.post(path, **parameters)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
        body: dict[str, Any] = response.json()
        return body

    def post(self, path: str, /, **parameters: Any) -> requests.Response:
        return requests.post(
            f"{self.url}{path}",
            json=parameters,
            headers={"authorization": f"Bearer {API_KEY}"},
            timeout=30,
        )

    def code(self, access_code_id: str) -> dict[str, Any] | None:
        """An access code; None once it is gone."""
        response = self.post("/access_codes/get", access_code_id=access_code_id)
        return None if response.status_code == 404 else response.json()["access_code"]

    def events(self, **where: Any) -> list[dict[str, Any]]:
        """Every event, oldest first."""
        where.setdefault("since", "2000-01-01T00:00:00Z")
        listed: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.call("/events/list", limit=1000, page_cursor=cursor, **where)
            listed += page["events"]
            cursor = page["pagination"]["next_page_cursor"]
            if cursor is None:
                return listed[::-1]

    def event_types(self, access_code_id: str) -> list[str]:
        return [e["event_type"] for e in self.events(access_code_id=access_code_id)]
