"""A websocket client of one Matter server, at API schema 11.

One instance is one connection: it is made by `connect`, ends for good, and is not made again. No
frame is ever logged, since frames carry PINs.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater
from latchwork.drivers.matter.failures import failure_of

log = structlog.get_logger(__name__)

SCHEMA: Final = 11
CONNECT_TIMEOUT: Final = 10.0
COMMAND_TIMEOUT: Final = 12.0
LATE_PATIENCE: Final = 120.0
"""Seconds after which a command that was never answered no longer holds up its node. The servers
give a node up after less than one minute."""
HEARTBEAT: Final = 20.0
LARGEST_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes. The attributes of a node are some 50 kB."""
MOST_WAITING_EVENTS: Final = 20_000

T = TypeVar("T")


class ServerInfo(msgspec.Struct, frozen=True):
    """The greeting."""

    compressed_fabric_id: int
    schema_version: int
    min_supported_schema_version: int
    sdk_version: str = ""


class Event(msgspec.Struct, frozen=True):
    """An event as the server tells it; what `data` holds depends on `event`."""

    event: str
    data: Any = None


class _Message(msgspec.Struct):
    message_id: str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int | None = None
    details: str | None = None
    event: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Call(msgspec.Struct, eq=False):
    """A command that waits for its answer."""

    command: str
    node_id: int | None
    answer: asyncio.Future[msgspec.Raw]
    late_since: float | None = None
    """The loop's time at which its caller gave up."""


class Client:
    """Commands and events of one connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._calls: dict[str, _Call] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._lost: LatchworkError | None = None

    async def connect(self) -> ServerInfo:
        """Connects and returns the server's greeting.

        Raises RetryLater when the server does not answer, NeedsAttention when what answers is no
        Matter server or one that speaks another schema.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await self._open()
        except TimeoutError:
            raise RetryLater(f"The Matter server at {self._url} does not answer.") from None

    async def _open(self) -> ServerInfo:
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(
                self._url, heartbeat=HEARTBEAT, max_msg_size=LARGEST_MESSAGE
            )
        except aiohttp.WSServerHandshakeError as error:
            raise NeedsAttention(
                f"{self._url} is not a Matter server (HTTP {error.status}). Check the address."
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise RetryLater(
                f"The Matter server at {self._url} cannot be reached ({type(error).__name__})."
            ) from None
        info = _checked_greeting(await self._socket.receive(), self._url)
        self._reader = asyncio.create_task(self._read(self._socket), name="matter reader")
        return info

    async def call(
        self, command: str, answer: type[T], *, node_id: int | None = None, **arguments: Any
    ) -> T:
        """Sends a command, of a node unless `node_id` is None, and returns its result as `answer`.

        Raises what `failure_of` makes of a refusal, and RetryLater without a live connection, an
        answer in time, or an answer of the expected shape. The server goes on with a command
        whose answer did not come in time: see `is_late`.
        """
        socket = self._socket
        if socket is None or socket.closed or self._lost is not None:
            raise RetryLater("There is no connection to the Matter server.")
        if node_id is not None:
            arguments["node_id"] = node_id
        message_id = str(next(self._ids))
        call = _Call(command, node_id, asyncio.get_running_loop().create_future())
        self._calls[message_id] = call
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT):
                await socket.send_json(
                    {"message_id": message_id, "command": command, "args": arguments}
                )
                return msgspec.json.decode(await asyncio.shield(call.answer), type=answer)
        except TimeoutError:
            raise RetryLater(f"The Matter server did not answer {command} in time.") from None
        except (aiohttp.ClientError, ConnectionError):
            raise RetryLater("The connection to the Matter server was lost.") from None
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
            if call.late_since is not None and now - call.late_since > LATE_PATIENCE:
                del self._calls[message_id]
        return any(
            call.node_id == node_id and call.late_since is not None for call in self._calls.values()
        )

    async def events(self) -> AsyncIterator[Event]:
        """Events in their order, until the connection ends: then RetryLater."""
        while (event := await self._events.get()) is not None:
            yield event
        raise self._lost or RetryLater("The connection to the Matter server was closed.")

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
        reason = "The Matter server closed the connection."
        try:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(msgspec.json.decode(frame.data, type=_Message))
        except msgspec.DecodeError as error:
            reason = f"The Matter server sent a message of an unknown shape: {error}"
        except _TooManyEventsError:
            reason = "The Matter server sends events faster than they can be stored."
        finally:
            self._lose(RetryLater(reason))
            await socket.close()

    def _take(self, message: _Message) -> None:
        if message.event is not None:
            if self._events.qsize() >= MOST_WAITING_EVENTS:
                raise _TooManyEventsError
            self._events.put_nowait(Event(message.event, msgspec.json.decode(message.data)))
        elif message.message_id is not None:
            self._take_answer(message.message_id, message)

    def _take_answer(self, message_id: str, message: _Message) -> None:
        call = self._calls.get(message_id)
        if call is None or call.answer.done():
            return
        if call.late_since is not None:
            del self._calls[message_id]
        if message.error_code is None:
            call.answer.set_result(message.result)
            return
        log.info("matter.command_failed", command=call.command, error=message.error_code)
        failure = failure_of(call.command, message.error_code, message.details)
        if call.late_since is None:
            call.answer.set_exception(failure)

    def _lose(self, error: RetryLater) -> None:
        self._lost = error
        for call in self._calls.values():
            if not call.answer.done() and call.late_since is None:
                call.answer.set_exception(error)
        self._calls.clear()
        self._events.put_nowait(None)


class _TooManyEventsError(Exception):
    """What is not taken in time is found again by connecting anew."""


def _checked_greeting(frame: aiohttp.WSMessage, url: str) -> ServerInfo:
    if frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
        raise RetryLater(f"The Matter server at {url} is not ready yet.")
    try:
        greeting = msgspec.json.decode(frame.data, type=ServerInfo)
    except (msgspec.DecodeError, TypeError):
        raise NeedsAttention(f"{url} is not a Matter server. Check the address.") from None
    if greeting.schema_version < SCHEMA:
        raise NeedsAttention(
            f"The Matter server at {url} speaks API schema {greeting.schema_version}, and {SCHEMA} "
            "is needed. Update it to python-matter-server 8.1 or newer."
        )
    if greeting.min_supported_schema_version > SCHEMA:
        raise NeedsAttention(
            f"The Matter server at {url} no longer speaks API schema {SCHEMA}: update Latchwork."
        )
    return greeting
