"""Wakes workers and deliverers of all processes: LISTEN and NOTIFY, and a look now and then for
what they missed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from latchwork.storage.postgres.failures import BROKEN

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

CHANNEL: Final = "latchwork"
DUE: Final = "due"
MESSAGES: Final = "messages"
ACCOUNTS: Final = "accounts"
NOTICES: Final = (DUE, MESSAGES, ACCOUNTS)
LOOK_ANYWAY: Final = 5.0
"""Seconds between looks while notices arrive: a process may have died before it sent one."""
LOOK_UNHEARD: Final = 1.0
"""Seconds between looks, and tries to connect, while they do not."""

log = structlog.get_logger(__name__)


class Listener:
    """Sends the notices of this process and calls `wake(name)` for those of the others."""

    def __init__(
        self, connect: Callable[[], Awaitable["Connection"]], wake: Callable[[str], None]
    ) -> None:
        self._connect = connect
        self._wake = wake
        self._outgoing: set[str] = set()
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="latchwork-listener")

    def send(self, name: str) -> None:
        """Soon, once for many; a notice that is lost costs a few seconds."""
        self._outgoing.add(name)
        self._something.set()

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except BROKEN as error:
                log.info("storage.listener_lost", error=type(error).__name__)
            self._wake_all()
            await asyncio.sleep(LOOK_UNHEARD)

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            await connection.add_listener(CHANNEL, self._heard)
            connection.add_termination_listener(lambda _: self._something.set())
            self._wake_all()
            while not connection.is_closed():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_ANYWAY):
                        await self._something.wait()
                self._something.clear()
                outgoing, self._outgoing = self._outgoing, set()
                if not outgoing:
                    self._wake_all()
                for name in outgoing:
                    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, name)
        finally:
            connection.terminate()

    def _heard(self, connection: Any, pid: int, _channel: str, name: object) -> None:
        if (
            not connection.is_closed() and pid != connection.get_server_pid()
        ):  # Its own are told without a detour.
            self._wake(str(name))

    def _wake_all(self) -> None:
        for name in NOTICES:
            self._wake(name)
