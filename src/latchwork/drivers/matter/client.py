"""The client of one Matter server, at API schema 11."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention
from latchwork.drivers.matter.failures import failure_of
from latchwork.drivers.socket_client import SocketClient

log = structlog.get_logger(__name__)

SCHEMA: Final = 11


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

    def failure(self, command: str) -> LatchworkError:
        code = self.error_code or 0
        log.info("matter.command_failed", command=command, error=code)
        return failure_of(command, code, self.details)


class Client(SocketClient[Event]):
    """See `SocketClient`."""

    server = "Matter server"
    node_argument = "node_id"
    command_timeout = 12.0
    late_patience = 120.0
    """The servers give a node up after less than one minute."""

    async def connect(self) -> ServerInfo:
        """Connects and returns the server's greeting. Raises what `meet` raises, and
        NeedsAttention for a server that speaks another schema."""
        info = await self.meet(ServerInfo)
        if info.schema_version < SCHEMA:
            raise NeedsAttention(
                f"The Matter server at {self._url} speaks API schema {info.schema_version}, and "
                f"{SCHEMA} is needed. Update it to python-matter-server 8.1 or newer."
            )
        if info.min_supported_schema_version > SCHEMA:
            raise NeedsAttention(
                f"The Matter server at {self._url} no longer speaks API schema {SCHEMA}: "
                "update Latchwork."
            )
        return info

    def frame(self, message_id: str, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {"message_id": message_id, "command": command, "args": arguments}

    def take(self, data: str) -> None:
        message = msgspec.json.decode(data, type=_Message)
        if message.event is not None:
            self.tell(Event(message.event, msgspec.json.decode(message.data)))
            return
        failure = None if message.error_code is None else message.failure
        self.settle(message.message_id, message.result, failure)
