"""The reference server as a real process, and its locks for the conformance suite."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from latchwork.domain.pin import Secret
from latchwork.domain.window import Window
from latchwork.drivers.conformance import Fault, LockUnderTest
from latchwork.drivers.lock_cloud.driver import factory
from support.cloud_bench import CatchingFactory, CloudBench, CloudLockUnderTest
from support.server import free_port

SERVER = Path(__file__).resolve().parents[2] / "examples" / "lock_cloud_server" / "server.py"
TOKEN, REFRESH_TOKEN = "static-token-of-a-test", "refresh-token-of-a-test"
START_TIMEOUT = 20.0
LATE = 1.0
"""Seconds until a late lock has what it was sent."""


class LockCloudServer:
    """The process. Calls are synchronous and take milliseconds, but for starts and stops."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="latchwork-lock-cloud-")
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        arguments = ["--port", str(self._port), "--token", TOKEN, "--refresh-token", REFRESH_TOKEN]
        keep = str(Path(self._folder.name) / "codes.json")
        with (Path(self._folder.name) / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(SERVER), *arguments, "--keep", keep],
                stdout=log,
                stderr=log,
                cwd=self._folder.name,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.test("GET", "/locks/lock_front")
            except urllib.error.URLError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError((Path(self._folder.name) / "log").read_text())

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def test(self, method: str, path: str, body: Any = None) -> Any:
        """A request that plays the part of the world."""
        request = urllib.request.Request(
            f"{self.url}/test{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())


class LockCloudBench(CloudBench):
    """Both locks of the reference server; events arrive at an address of the bench."""

    provider = "lock_cloud"
    quiet = timedelta(milliseconds=300)

    def __init__(self, server: LockCloudServer, *, oauth: bool = False) -> None:
        self.server = server
        self.factory = CatchingFactory(factory, self)
        self.settings: Mapping[str, Any] = {"url": server.url}
        self.secrets = (
            {"refresh_token": Secret(REFRESH_TOKEN)} if oauth else {"access_token": Secret(TOKEN)}
        )
        self.locks: Sequence[LockUnderTest] = [
            LockCloudLock(self, "lock_front"),
            LockCloudLock(self, "lock_back"),
        ]

    async def restart(self) -> None:
        await asyncio.to_thread(self.server.stop)
        await asyncio.to_thread(self.server.start)

    async def list_nothing(self, *, on: bool) -> None:
        await asyncio.to_thread(self.server.test, "POST", "/locks/list_nothing", {"on": on})


@asynccontextmanager
async def bench_on(server: LockCloudServer) -> AsyncIterator[LockCloudBench]:
    bench = LockCloudBench(server)
    async with bench.receiving():
        yield bench


class LockCloudLock(CloudLockUnderTest):
    title = "Lock cloud"

    def __init__(self, bench: LockCloudBench, key: str) -> None:
        self.bench: LockCloudBench = bench
        self.provider_key = key

    async def reset(self) -> None:
        await self._test("POST", "/reset", {})

    async def stored(self) -> Mapping[int, str]:
        truth = await self._test("GET", "")
        return {self.position_of(code_id): held["code"] for code_id, held in truth["codes"].items()}

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        standing = self.code_at(position)
        if standing is not None:
            await self._test("PATCH", f"/codes/{standing}?told={int(told)}", {"code": pin})
            return
        made = await self._test("POST", f"/codes?told={int(told)}", {"code": pin, "name": "Anna"})
        await self.list_at(made["access_code_id"], position)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        await self._test("DELETE", f"/codes/{self.code_at(position)}?told={int(told)}", {})

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        names = {
            Fault.OFFLINE: "offline",
            Fault.IGNORE_NEXT_WRITE: "ignore",
            Fault.LOSE_NEXT_ANSWER: "drop_answer",
            Fault.MASK_READS: "masked",
        }
        # This lock refuses duplicates always.
        if fault is Fault.DELAY_NEXT_WRITE:
            await self._test("POST", "/faults", {"delay": LATE * on})
        elif fault in names:
            await self._test("POST", "/faults", {names[fault]: on})

    async def keypad(self, pin: str) -> bool:
        opened: bool = (await self._test("POST", "/keypad", {"pin": pin}))["opened"]
        return opened

    async def window(self, position: int) -> Window | None:
        truth = await self._test("GET", "")
        held = truth["codes"][str(self.code_at(position))]
        edges = [held[name] for name in ("starts_at", "ends_at")]
        return Window(*(None if at is None else datetime.fromisoformat(at) for at in edges))

    async def battery(self, level: float) -> None:
        await self._test("POST", "/battery", {"level": level * 100})

    async def radio_operations(self) -> int:
        operations: int = (await self._test("GET", ""))["operations"]
        return operations

    async def _test(self, method: str, path: str, body: Any = None) -> Any:
        return await asyncio.to_thread(
            self.bench.server.test, method, f"/locks/{self.provider_key}{path}", body
        )
