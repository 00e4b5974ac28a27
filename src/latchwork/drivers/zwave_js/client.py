"""A websocket client of one Z-Wave JS server, at API schema 50.

One instance is one connection: it is made by `connect`, ends for good, and is not made again. No
frame is ever logged, since frames carry PINs.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater
from latchwork.drivers.zwave_js.failures import failure_of

log = structlog.get_logger(__name__)

SCHEMA: Final = 50
CONNECT_TIMEOUT: Final = 10.0
COMMAND_TIMEOUT: Final = 20.0
HEARTBEAT: Final = 20.0
LARGEST_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes. The state of a network of two hundred nodes is some 20 MB."""
MOST_WAITING_EVENTS: Final = 20_000

T = TypeVar("T")


class Event(msgspec.Struct, frozen=True):
    """An event as the server tells it. `source`: driver, controller or node."""

    source: str
    event: str
    nodeId: int | None = None  # noqa: N815 - upstream's names
    ccId: int | None = None  # noqa: N815
    args: dict[str, Any] | None = None
    node: dict[str, Any] | None = None


class _Message(msgspec.Struct):
    type: str
    messageId: str | None = None  # noqa: N815
    success: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    errorCode: str | None = None  # noqa: N815
    zwaveErrorCode: int | None = None  # noqa: N815
    event: msgspec.Raw = msgspec.Raw(b"null")
    maxSchemaVersion: int | None = None  # noqa: N815
    minSchemaVersion: int | None = None  # noqa: N815


class Client:
    """Commands and events of one connection."""

    def __init__(self, url: str, noticed: Callable[[Event], None] = lambda _: None) -> None:
        """`noticed` is called with each event the moment it arrives, before it is queued."""
        self._url = url
        self._noticed = noticed
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[msgspec.Raw]] = {}
        self._commands: dict[str, str] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._lost: LatchworkError | None = None

    async def connect(self) -> None:
        """Connects and agrees on the schema.

        Raises RetryLater when the server does not answer, NeedsAttention when what answers is no
        Z-Wave JS server or too old a one.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._open()
        except TimeoutError:
            raise RetryLater(f"The Z-Wave JS server at {self._url} does not answer.") from None
        await self.call("set_api_schema", dict[str, Any], schemaVersion=SCHEMA)

    async def _open(self) -> None:
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._session.ws_connect(
                self._url, heartbeat=HEARTBEAT, max_msg_size=LARGEST_MESSAGE
            )
        except aiohttp.WSServerHandshakeError as error:
            raise NeedsAttention(
                f"{self._url} is not a Z-Wave JS server (HTTP {error.status}). Check the address."
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            log.info("zwave_js.not_reached", url=self._url, error=type(error).__name__)
            raise RetryLater(
                f"The Z-Wave JS server at {self._url} cannot be reached. Check the address, and "
                "that the server runs."
            ) from None
        _check_version(await self._socket.receive(), self._url)
        self._reader = asyncio.create_task(self._read(self._socket), name="zwave_js reader")

    async def call(self, command: str, answer: type[T], **parameters: Any) -> T:
        """Sends a command and returns its result as `answer`.

        Raises what `failure_of` makes of a refusal, and RetryLater without a live connection, an
        answer in time, or an answer of the expected shape.
        """
        socket = self._socket
        if socket is None or socket.closed or self._lost is not None:
            raise RetryLater("There is no connection to the Z-Wave JS server.")
        message_id = str(next(self._ids))
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = future
        self._commands[message_id] = command
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT):
                await socket.send_json({"messageId": message_id, "command": command, **parameters})
                return msgspec.json.decode(await future, type=answer)
        except TimeoutError:
            raise RetryLater(f"The Z-Wave JS server did not answer {command} in time.") from None
        except (aiohttp.ClientError, ConnectionError):
            raise RetryLater("The connection to the Z-Wave JS server was lost.") from None
        except msgspec.DecodeError as error:
            raise RetryLater(f"Unexpected answer to {command}: {error}") from None
        finally:
            self._waiting.pop(message_id, None)
            self._commands.pop(message_id, None)

    async def events(self) -> AsyncIterator[Event]:
        """Events in their order, until the connection ends: then RetryLater."""
        while (event := await self._events.get()) is not None:
            yield event
        raise self._lost or RetryLater("The connection to the Z-Wave JS server was closed.")

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
        reason = "The Z-Wave JS server closed the connection."
        try:
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._take(msgspec.json.decode(frame.data, type=_Message))
        except msgspec.DecodeError as error:
            reason = f"The Z-Wave JS server sent a message of an unknown shape: {error}"
        except _TooManyEventsError:
            reason = "The Z-Wave JS server sends events faster than they can be stored."
        finally:
            self._lose(RetryLater(reason))
            await socket.close()

    def _take(self, message: _Message) -> None:
        if message.type == "event":
            self._take_event(message.event)
        elif message.type == "result" and message.messageId is not None:
            future = self._waiting.get(message.messageId)
            if future is None or future.done():
                return
            if message.success:
                future.set_result(message.result)
            else:
                command = self._commands[message.messageId]
                log.info(
                    "zwave_js.command_failed",
                    command=command,
                    error=message.errorCode,
                    zwave_code=message.zwaveErrorCode,
                )
                failure = failure_of(command, message.errorCode, message.zwaveErrorCode)
                future.set_exception(failure)

    def _take_event(self, raw: msgspec.Raw) -> None:
        try:
            event = msgspec.json.decode(raw, type=Event)
        except msgspec.ValidationError as error:
            log.info("zwave_js.event_ignored", reason=str(error))
            return
        if self._events.qsize() >= MOST_WAITING_EVENTS:
            raise _TooManyEventsError
        self._noticed(event)
        self._events.put_nowait(event)

    def _lose(self, error: RetryLater) -> None:
        self._lost = error
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)
        self._events.put_nowait(None)


class _TooManyEventsError(Exception):
    """What is not taken in time is found again by connecting anew."""


def _check_version(frame: aiohttp.WSMessage, url: str) -> None:
    """The server's greeting names the schemas it speaks."""
    if frame.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
        raise RetryLater(f"The Z-Wave JS server at {url} is not ready yet.")
    try:
        greeting = msgspec.json.decode(frame.data, type=_Message)
    except (msgspec.DecodeError, TypeError):
        raise NeedsAttention(f"{url} is not a Z-Wave JS server. Check the address.") from None
    newest, oldest = greeting.maxSchemaVersion, greeting.minSchemaVersion
    if greeting.type != "version" or newest is None:
        raise NeedsAttention(f"{url} is not a Z-Wave JS server. Check the address.")
    if newest < SCHEMA:
        raise NeedsAttention(
            f"The Z-Wave JS server at {url} speaks API schema {newest}, and {SCHEMA} is needed. "
            "Update it to @zwave-js/server 3.10 or newer."
        )
    if oldest is not None and oldest > SCHEMA:
        raise NeedsAttention(
            f"The Z-Wave JS server at {url} no longer speaks API schema {SCHEMA}: update Latchwork."
        )
