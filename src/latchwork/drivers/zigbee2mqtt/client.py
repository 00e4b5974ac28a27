"""One MQTT connection to one Zigbee2MQTT: requests with their own answers, and topics listened to.

No payload is ever logged, since payloads carry PINs.
"""

import asyncio
import itertools
import secrets
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import urlsplit

import aiomqtt
import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater
from latchwork.domain.pin import Secret
from latchwork.drivers.zigbee2mqtt.settings import tls_context

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT: Final = 10.0
KEEPALIVE: Final = 20
ANSWER_TIMEOUT: Final = 15.0
RADIO_TIMEOUT_MS: Final = 10_000
"""How long Zigbee2MQTT waits for a lock: sleepy ones look for messages every few seconds."""
ACTION: Final = "bridge/request/action"
ANSWER: Final = "bridge/response/action"
REFUSED: Final = frozenset({4, 5, 134, 135})
"""Connect codes of MQTT 3.1.1 and 5 for bad credentials."""
MOST_WAITING: Final = 20_000


class Incoming(msgspec.Struct, frozen=True):
    """A message; `topic` below the base topic."""

    topic: str
    payload: bytes
    retained: bool

    def __repr__(self) -> str:
        return f"Incoming({self.topic!r})"


class _Answer(msgspec.Struct):
    status: str = ""
    transaction: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


class _Buffer(msgspec.Struct):
    data: list[int] = []


class _Frame(msgspec.Struct):
    data: _Buffer = msgspec.field(default_factory=_Buffer)


class Client:
    """Made by `connect`, ends for good."""

    def __init__(self, settings: Mapping[str, Any], password: Secret | None) -> None:
        self._settings = settings
        self._password = password
        self._base: str = settings["base_topic"]
        self._ids = itertools.count(1)
        self._prefix = f"latchwork-{secrets.token_hex(4)}"
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._incoming: asyncio.Queue[Incoming | None] = asyncio.Queue(MOST_WAITING)
        self._stack = AsyncExitStack()
        self._mqtt: aiomqtt.Client | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lost: LatchworkError | None = None

    async def connect(self) -> None:
        """Raises RetryLater when the broker does not answer, NeedsAttention when it refuses."""
        parts = urlsplit(self._settings["url"])
        host = parts.hostname or ""
        mqtt = aiomqtt.Client(
            host,
            parts.port or 0,
            username=self._settings.get("username"),
            password=None if self._password is None else self._password.reveal(),
            identifier=self._prefix,
            keepalive=KEEPALIVE,
            timeout=CONNECT_TIMEOUT,
            tls_context=tls_context(self._settings),
        )
        try:
            self._mqtt = await self._stack.enter_async_context(mqtt)
        except (aiomqtt.MqttError, OSError, ValueError) as error:
            raise _failure(error, self._settings["url"]) from None
        self._reader = asyncio.create_task(self._read(self._mqtt), name="zigbee2mqtt reader")
        await self.listen(ANSWER)

    async def listen(self, *topics: str) -> None:
        """Subscribes below the base topic; retained messages come again."""
        await self._do_all("subscribe", [f"{self._base}/{topic}" for topic in topics])

    async def leave(self, *topics: str) -> None:
        await self._do_all("unsubscribe", [f"{self._base}/{topic}" for topic in topics])

    async def _do_all(self, verb: str, topics: list[str]) -> None:
        mqtt = self._live()
        try:
            for topic in topics:
                await getattr(mqtt, verb)(topic)
        except aiomqtt.MqttError:
            raise RetryLater("The connection to the MQTT broker was lost.") from None

    async def raw(self, target: Mapping[str, Any], zcl: Mapping[str, Any]) -> bytes:
        """Sends a Zigbee command through Zigbee2MQTT and returns the frame that answered it.

        Raises RetryLater without a connection or an answer of the lock in time.
        """
        mqtt = self._live()
        transaction = f"{self._prefix}-{next(self._ids)}"
        params = {**target, "zcl": zcl, "timeout": RADIO_TIMEOUT_MS}
        body = {"action": "raw", "params": params, "transaction": transaction}
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                await mqtt.publish(f"{self._base}/{ACTION}", msgspec.json.encode(body))
                return await future
        except TimeoutError:
            raise RetryLater("Zigbee2MQTT did not answer in time.") from None
        except aiomqtt.MqttError:
            raise RetryLater("The connection to the MQTT broker was lost.") from None
        finally:
            self._waiting.pop(transaction, None)

    async def next(self) -> Incoming:
        """The next message on the topics listened to. Raises what ended the connection."""
        message = await self._incoming.get()
        if message is None:
            self._incoming.put_nowait(None)
            raise self._lost or RetryLater("The connection to the MQTT broker was closed.")
        return message

    async def close(self) -> None:
        """Idempotent."""
        self._end(RetryLater("The connection to the MQTT broker was closed."))
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        try:
            await self._stack.aclose()
        except aiomqtt.MqttError:
            log.info("zigbee2mqtt.closed_without_goodbye")

    def _live(self) -> aiomqtt.Client:
        if self._mqtt is None or self._lost is not None:
            raise RetryLater("There is no connection to the MQTT broker.")
        return self._mqtt

    async def _read(self, mqtt: aiomqtt.Client) -> None:
        try:
            async for message in mqtt.messages:
                self._take(message)
            self._end(RetryLater("The connection to the MQTT broker was closed."))
        except aiomqtt.MqttError:
            self._end(RetryLater("The connection to the MQTT broker was lost."))
        except asyncio.QueueFull:
            self._end(RetryLater("Zigbee2MQTT tells more than can be taken in."))

    def _take(self, message: aiomqtt.Message) -> None:
        topic = str(message.topic).removeprefix(f"{self._base}/")
        payload = bytes(message.payload)
        if topic == ANSWER:
            self._answer(payload)
        else:
            self._incoming.put_nowait(Incoming(topic, payload, bool(message.retain)))

    def _answer(self, payload: bytes) -> None:
        try:
            answer = msgspec.json.decode(payload, type=_Answer)
        except msgspec.DecodeError:
            return
        future = self._waiting.get(answer.transaction or "")
        if future is None or future.done():
            return
        if answer.status != "ok":
            # Upstream's text is left out: it may quote what was to be written.
            future.set_exception(RetryLater("The lock did not answer Zigbee2MQTT."))
            return
        try:
            frame = msgspec.json.decode(answer.data, type=_Frame)
            future.set_result(bytes(frame.data.data))
        except (msgspec.DecodeError, ValueError):
            future.set_exception(RetryLater("Zigbee2MQTT did not pass on the lock's answer."))

    def _end(self, reason: LatchworkError) -> None:
        if self._lost is not None:
            return
        self._lost = reason
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(reason)
        if self._incoming.full():
            self._incoming.get_nowait()
        self._incoming.put_nowait(None)


def _failure(error: Exception, url: str) -> LatchworkError:
    # aiomqtt keeps what went wrong below MQTT as the context of its own error.
    cause = error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NeedsAttention(
            f"The certificate of the MQTT broker at {url} is not trusted "
            f"({cause.verify_message}). Check the address and ca_file."
        )
    if isinstance(cause, ssl.SSLError):
        return NeedsAttention(
            f"No TLS could be agreed on with the MQTT broker at {url}. "
            "Check the port and cert_file."
        )
    code = getattr(error, "rc", None)
    number = code if isinstance(code, int) else getattr(code, "value", None)
    if number in REFUSED:
        return NeedsAttention(
            f"The MQTT broker at {url} refuses the user name or password. Check them."
        )
    reason = "no answer in time" if isinstance(cause, TimeoutError) else type(error).__name__
    # A broker that wants another certificate of ours hangs up after the handshake, as if lost.
    hint = " It may want a client certificate: see cert_file." if url.startswith("mqtts:") else ""
    return RetryLater(f"The MQTT broker at {url} cannot be reached ({reason}).{hint}")
