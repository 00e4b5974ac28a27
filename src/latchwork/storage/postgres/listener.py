"""The session that a process keeps with the database as long as it lives. It wakes workers and
deliverers of all processes: LISTEN and NOTIFY, and a look now and then for what they missed. And it
holds the process's lock, which shows the others that it lives: the server frees it when the session
ends, as it does at once when the process is killed."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import structlog

from latchwork.storage.postgres.dialect import SERVER, number_of
from latchwork.storage.postgres.failures import TRANSIENT

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

_HOLD: Final = f"SELECT pg_advisory_lock_shared({number_of('$1')})"
"""Shared, since the server may still think its session before this one to be alive."""
_SERVER: Final = f"SELECT {SERVER}"

log = structlog.get_logger(__name__)


class Listener:
    """Sends the notices of this process and calls `wake(name)` for those of the others."""

    def __init__(
        self,
        process_id: str,
        connect: Callable[[], Awaitable["Connection"]],
        wake: Callable[[str], None],
    ) -> None:
        self._process_id = process_id
        self._connect = connect
        self._wake = wake
        self.server: str | None = None
        """Where the process's lock is held; None: nowhere."""
        self._connection: Connection | None = None
        self._outgoing: set[str] = set()
        self._something = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, first: "Connection") -> None:
        """On this connection, and on others when it is lost. Raises what the server does."""
        await self._begin(first)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="latchwork-listener")

    def send(self, name: str) -> None:
        """Soon, once for many; a notice that is lost costs a few seconds."""
        self._outgoing.add(name)
        self._something.set()

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._end()

    async def _run(self) -> None:
        while True:
            try:
                if self._connection is None:
                    await self._begin(await self._connect())
                await self._listen()
            except TRANSIENT as error:
                log.info("storage.listener_lost", error=type(error).__name__)
            self._end()
            self._wake_all()
            await asyncio.sleep(LOOK_UNHEARD)

    async def _begin(self, connection: "Connection") -> None:
        self._connection = connection
        await connection.add_listener(CHANNEL, self._heard)
        connection.add_termination_listener(lambda _: self._something.set())
        await connection.execute(_HOLD, self._process_id)
        self.server = await connection.fetchval(_SERVER)

    def _end(self) -> None:
        self.server = None
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _listen(self) -> None:
        self._wake_all()
        while (connection := self._connection) is not None and not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_ANYWAY):
                    await self._something.wait()
            self._something.clear()
            outgoing, self._outgoing = self._outgoing, set()
            if not outgoing:
                self._wake_all()
            for name in outgoing:
                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, name)

    def _heard(self, connection: Any, pid: int, _channel: str, name: object) -> None:
        if (
            not connection.is_closed() and pid != connection.get_server_pid()
        ):  # Its own are told without a detour.
            self._wake(str(name))

    def _wake_all(self) -> None:
        for name in NOTICES:
            self._wake(name)
