"""One websocket connection to a server of locks: commands answered by their id, and events.

An instance is one connection: it is made by `meet`, ends for good, and is not made again. No frame
is ever logged, since frames carry PINs.
"""

import asyncio
import itertools
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, ClassVar, Final, Generic, TypeVar

import aiohttp
import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater

log = structlog.get_logger(__name__)

HEARTBEAT: Final = 20.0
LARGEST_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes. The state of a Z-Wave network of two hundred nodes is some 20 MB."""
MOST_WAITING_EVENTS: Final = 20_000

E = TypeVar("E")
G = TypeVar("G")
T = TypeVar("T")


class _Call(msgspec.Struct, eq=False):
    """A command that waits for its answer."""

    command: str
    node_id: int | None
    answer: asyncio.Future[msgspec.Raw]
    late_since: float | None = None
    """The loop's time at which its caller gave up."""


class SocketClient(ABC, Generic[E]):
    """Commands and events of one connection; `E` is an event. Times are in seconds."""

    server: ClassVar[str]
    """For people, such as "Matter server"."""
    node_argument: ClassVar[str]
    """The argument of a command that names the node which it is for."""
    connect_timeout: ClassVar[float] = 10.0
    command_timeout: ClassVar[float]
    late_patience: ClassVar[float]
    """After so long a command that was never answered no longer holds up its node."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._calls: dict[str, _Call] = {}
        self._events: asyncio.Queue[E | None] = asyncio.Queue()
        self._lost: LatchworkError | None = None

    @abstractmethod
    def frame(self, message_id: str, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """A command as the server wants it."""

    @abstractmethod
    def take(self, data: str) -> None:
        """A message of the server: for `tell`, for `settle`, or for nobody. Raises
        msgspec.DecodeError for one that is none."""

    async def meet(self, greeting: type[G]) -> G:
        """Connects and returns the server's greeting.

        Raises RetryLater when the server does not answer, NeedsAttention when what answers
        greets otherwise.
        """
        try:
            async with asyncio.timeout(self.connect_timeout):
                return await self._meet(greeting)
        except TimeoutError:
            raise RetryLater(f"The {self.server} at {self._url} does not answer.") from None

    async def _meet(self, greeting: type[G]) -> G:
        socket = self._socket = await self._open()
        frame = await socket.receive()
        if frame.type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            raise RetryLater(f"The {self.server} at {self._url} is not ready yet.")
        try:
            greeted = msgspec.json.decode(frame.data, type=greeting)
        except (msgspec.DecodeError, TypeError):
            raise NeedsAttention(
                f"{self._url} is not a {self.server}. Check the address."
            ) from None
        self._reader = asyncio.create_task(self._read(socket), name=f"{self.server} reader")
        return greeted

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        self._session = aiohttp.ClientSession()
        try:
            return await self._session.ws_connect(
                self._url, heartbeat=HEARTBEAT, max_msg_size=LARGEST_MESSAGE
            )
        except aiohttp.WSServerHandshakeError as error:
            raise NeedsAttention(
                f"{self._url} is not a {self.server} (HTTP {error.status}). Check the address."
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise RetryLater(
                f"The {self.server} at {self._url} cannot be reached ({type(error).__name__}). "
                "Check the address, and that the server runs."
            ) from None

    async def call(self, command: str, answer: type[T], **arguments: Any) -> T:
        """Sends a command and returns its result as `answer`.

        Raises what the server's refusal means, and RetryLater without a live connection, an
        answer in time, or an answer of the expected shape. The server goes on with a command
        whose answer did not come in time: see `is_late`.
        """
        socket = self._socket
        if socket is None or socket.closed or self._lost is not None:
            raise RetryLater(f"There is no connection to the {self.server}.")
        message_id = str(next(self._ids))
        node_id = arguments.get(self.node_argument)
        call = _Call(command, node_id, asyncio.get_running_loop().create_future())
        self._calls[message_id] = call
        try:
            async with asyncio.timeout(self.command_timeout):
                await socket.send_json(self.frame(message_id, command, arguments))
                return msgspec.json.decode(await asyncio.shield(call.answer), type=answer)
        except TimeoutError:
            raise RetryLater(f"The {self.server} did not answer {command} in time.") from None
        except (aiohttp.ClientError, ConnectionError):
            raise RetryLater(f"The connection to the {self.server} was lost.") from None
        except msgspec.DecodeError as error:
            raise RetryLater(f"Unexpected answer to {command}: {error}") from None
        finally:
            if call.answer.done():
                self._calls.pop(message_id, None)
            else:
                call.late_since = asyncio.get_running_loop().time()

    def is_late(self, node_id: int) -> bool:
        """Whether the server may still carry out a command of this node whose caller gave up: a
        read of the lock proves nothing until it is answered."""
        now = asyncio.get_running_loop().time()
        for message_id, call in tuple(self._calls.items()):
            if call.late_since is not None and now - call.late_since > self.late_patience:
                del self._calls[message_id]
        return any(
            call.node_id == node_id and call.late_since is not None for call in self._calls.values()
        )

    async def events(self) -> AsyncIterator[E]:
        """Events in their order, until the connection ends: then RetryLater."""
        while (event := await self._events.get()) is not None:
            yield event
        raise self._lost or RetryLater(f"The connection to the {self.server} was closed.")

    async def close(self) -> None:
        """Ends the connection; idempotent."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        if self._session is not None:
            await self._session.close()

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        reason = f"The {self.server} closed the connection."
        try:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self.take(frame.data)
        except msgspec.DecodeError as error:
            reason = f"The {self.server} sent a message of an unknown shape: {error}"
        except _TooManyEventsError:
            reason = f"The {self.server} sends events faster than they can be stored."
        finally:
            self._lose(RetryLater(reason))
            await socket.close()

    def tell(self, event: E) -> None:
        """Queues an event."""
        if self._events.qsize() >= MOST_WAITING_EVENTS:
            raise _TooManyEventsError
        self._events.put_nowait(event)

    def settle(
        self,
        message_id: str | None,
        result: msgspec.Raw,
        failure: Callable[[str], LatchworkError] | None,
    ) -> None:
        """Hands an answer to whoever waits for it. `failure` makes an error for the command that
        was refused, None for one that was not."""
        call = self._calls.get(message_id or "")
        if message_id is None or call is None or call.answer.done():
            return
        error = None if failure is None else failure(call.command)
        if call.late_since is not None:
            del self._calls[message_id]
        elif error is not None:
            call.answer.set_exception(error)
        else:
            call.answer.set_result(result)

    def _lose(self, error: RetryLater) -> None:
        self._lost = error
        for call in self._calls.values():
            if not call.answer.done() and call.late_since is None:
                call.answer.set_exception(error)
        self._calls.clear()
        self._events.put_nowait(None)


class _TooManyEventsError(Exception):
    """What is not taken in time is found again by connecting anew."""
