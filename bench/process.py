"""A server of its own for each measurement, and what the system says of it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

KEY = "seam_bench0mark_7Yw2Lr9Kd4Xc1Vb6Nf8Ht3Jm"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """A running `latchwork serve`, asked with its bootstrap key."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    async def call(self, path: str, **body: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {KEY}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(self.url + path, json=body) as answer,
        ):
            told: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"{path}: {told}")
            return told

    async def pages(self, path: str, name: str, **body: Any) -> list[dict[str, Any]]:
        """All items of a list."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = await self.call(path, limit=1000, page_cursor=cursor, **body)
            found += page[name]
            cursor = page["pagination"]["next_page_cursor"]
            if cursor is None:
                return found

    async def metric(self, name: str) -> float:
        """The present value of a metric, named with its labels."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics") as answer:
            for line in (await answer.text()).splitlines():
                if line.startswith(f"{name} "):
                    return float(line.rpartition(" ")[2])
        raise RuntimeError(f"the server tells no {name}")

    async def locks(self, count: int, **settings: Any) -> list[str]:
        """Connects so many equal simulated locks; their ids, once all are found."""
        await self.call(
            "/latchwork/connected_accounts/connect",
            provider="simulator",
            settings={"count": count, "durable": False, **settings},
        )
        while True:
            found = await self.pages("/devices/list", "devices")
            if len(found) >= count:
                return [device["device_id"] for device in found]
            await asyncio.sleep(0.5)

    async def quiet(self) -> None:
        """Waits until it works on nothing of its own, such as first visits to new locks."""
        while True:
            begin = self.cpu_seconds()
            await asyncio.sleep(1)
            if self.cpu_seconds() - begin < 0.05:
                return

    def cpu_seconds(self) -> float:
        """CPU time of the process so far, user and system."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def resident_mb(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the system tells no resident size")

    def open_files(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.process.pid}/fd").iterdir())


@asynccontextmanager
async def serving(database: Path | None = None, **environment: str) -> AsyncIterator[Server]:
    """A server on a free port, on a database that goes with it unless one is given."""
    with tempfile.TemporaryDirectory(prefix="latchwork-bench-") as folder:
        path = database or Path(folder) / "latchwork.sqlite3"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "latchwork.cli.main", "serve"),
            stdout=asyncio.subprocess.DEVNULL,
            env={
                **os.environ,
                "LATCHWORK_PORT": str(port),
                "LATCHWORK_DATABASE_URL": f"sqlite:///{path}",
                "LATCHWORK_BOOTSTRAP_API_KEY": KEY,
                "LATCHWORK_LOG_LEVEL": "WARNING",
                "LATCHWORK_RATE_LIMITS": "off",
                **environment,
            },
        )
        server = Server(process, port)
        try:
            await _ready(server)
            yield server
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            await process.wait()


async def _ready(server: Server) -> None:
    async with aiohttp.ClientSession() as http:
        for _ in range(600):
            try:
                async with http.get(f"{server.url}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
    raise RuntimeError("the server did not start")
