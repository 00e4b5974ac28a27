"""The client of one Z-Wave JS server, at API schema 50."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention
from latchwork.drivers.socket_client import SocketClient
from latchwork.drivers.zwave_js.failures import failure_of

log = structlog.get_logger(__name__)

SCHEMA: Final = 50


class Event(msgspec.Struct, frozen=True):
    """An event as the server tells it. `source`: driver, controller or node."""

    source: str
    event: str
    nodeId: int | None = None  # noqa: N815 - upstream's names
    ccId: int | None = None  # noqa: N815
    args: dict[str, Any] | None = None
    node: dict[str, Any] | None = None


class _Greeting(msgspec.Struct, rename="camel"):
    """It names the schemas that the server speaks."""

    type: Literal["version"]
    max_schema_version: int
    min_schema_version: int = 0


class _Message(msgspec.Struct, rename="camel"):
    type: str
    message_id: str | None = None
    success: bool = False
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: str | None = None
    zwave_error_code: int | None = None
    event: msgspec.Raw = msgspec.Raw(b"null")

    def failure(self, command: str) -> LatchworkError:
        log.info(
            "zwave_js.command_failed",
            command=command,
            error=self.error_code,
            zwave_code=self.zwave_error_code,
        )
        return failure_of(command, self.error_code, self.zwave_error_code)


class Client(SocketClient[Event]):
    """See `SocketClient`. `noticed` is called with each event the moment it arrives, before it is
    queued."""

    server = "Z-Wave JS server"
    node_argument = "nodeId"
    command_timeout = 20.0
    late_patience = math.inf
    """Z-Wave JS keeps a command for a sleeping node until it wakes up, and answers every one."""

    def __init__(self, url: str, noticed: Callable[[Event], None] = lambda _: None) -> None:
        super().__init__(url)
        self._noticed = noticed

    async def connect(self) -> None:
        """Connects and agrees on the schema. Raises what `meet` raises, and NeedsAttention for a
        server that is too old or too new."""
        greeting = await self.meet(_Greeting)
        newest = greeting.max_schema_version
        if newest < SCHEMA:
            raise NeedsAttention(
                f"The Z-Wave JS server at {self._url} speaks API schema {newest}, and {SCHEMA} is "
                "needed. Update it to @zwave-js/server 3.10 or newer."
            )
        if greeting.min_schema_version > SCHEMA:
            raise NeedsAttention(
                f"The Z-Wave JS server at {self._url} no longer speaks API schema {SCHEMA}: "
                "update Latchwork."
            )
        await self.call("set_api_schema", dict[str, Any], schemaVersion=SCHEMA)

    def frame(self, message_id: str, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"messageId": message_id, "command": command, **arguments}

    def take(self, data: str) -> None:
        message = msgspec.json.decode(data, type=_Message)
        if message.type == "event":
            self._take_event(message.event)
        elif message.type == "result":
            failure = None if message.success else message.failure
            self.settle(message.message_id, message.result, failure)

    def _take_event(self, raw: msgspec.Raw) -> None:
        try:
            event = msgspec.json.decode(raw, type=Event)
        except msgspec.ValidationError as error:
            log.info("zwave_js.event_ignored", reason=str(error))
            return
        self._noticed(event)
        self.tell(event)
