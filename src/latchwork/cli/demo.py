"""`latchwork demo`: the guide, played from end to end on simulated locks and told as it goes."""

import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from latchwork.cli.say import fail

START_WITHIN = 30.0


def demo(
    pause: Annotated[
        float | None,
        typer.Option(min=0, max=10, help="Seconds to read between steps; 1 on a terminal."),
    ] = None,
) -> None:
    """Plays the guide on simulated locks within a minute; leaves nothing behind."""
    from latchwork.cli.demo_story import tell

    reading = pause if pause is not None else 1.0 if sys.stdout.isatty() else 0.0
    with (
        tempfile.TemporaryDirectory(prefix="latchwork-demo-") as folder,
        _server(Path(folder)),
        Receiver() as receiver,
    ):
        try:
            tell(receiver, reading)
        except KeyboardInterrupt:
            fail("Ended.")


@contextmanager
def _server(folder: Path) -> Iterator[None]:
    """A sandbox of its own; this process's client speaks to it for as long."""
    port, key = _free_port(), f"seam_demo{secrets.token_hex(16)}"
    url = f"http://127.0.0.1:{port}"
    outer = {k: v for k, v in os.environ.items() if not k.startswith("LATCHWORK_")}
    inner = {
        "LATCHWORK_DEMO": "on",
        "LATCHWORK_PORT": str(port),
        "LATCHWORK_DATABASE_URL": f"sqlite:///{folder / 'demo.sqlite3'}",
        "LATCHWORK_BOOTSTRAP_API_KEY": key,
        "LATCHWORK_LOG_FORMAT": "json",
        "LATCHWORK_LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "latchwork.cli.main", "serve"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this very program
            command, env={**outer, **inner}, stdout=log, stderr=log
        )
    mine = {name: value for name, value in os.environ.items() if name.startswith("LATCHWORK_")}
    try:
        _until_up(process, url, folder / "log")
        for name in mine:
            del os.environ[name]
        os.environ.update(LATCHWORK_URL=url, LATCHWORK_API_KEY=key)
        yield
    finally:
        os.environ.update(mine)
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _until_up(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=1):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.1)
    fail(f"The demo's server did not start. {log.read_text()[-500:]}")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Receiver:
    """An endpoint of webhooks on loopback, which verifies what comes. A context manager."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.forged = 0
        self.secret: str | None = None
        self._came = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                taken = receiver.take(body, dict(self.headers.items()))
                self.send_response(204 if taken else 400)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        from standardwebhooks import Webhook
        from standardwebhooks.webhooks import WebhookVerificationError

        if self.secret is None:
            return False
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            event = Webhook(self.secret).verify(body, lower)
        except WebhookVerificationError:
            self.forged += 1
            return False
        with self._came:
            self.events.append(event)
            self._came.notify_all()
        return True

    def wait(self, event_type: str, access_code_id: str, within: float) -> bool:
        """Whether a verified event of this type has come for the code."""

        def came() -> bool:
            return any(
                e["event_type"] == event_type and e.get("access_code_id") == access_code_id
                for e in self.events
            )

        with self._came:
            return self._came.wait_for(came, within)
