"""The driver of a Zigbee2MQTT and its locks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from latchwork.domain.errors import RetryLater, Unsupported
from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import Driver, DriverContext, Sink
from latchwork.drivers.zigbee2mqtt.client import Client
from latchwork.drivers.zigbee2mqtt.codes import Codes
from latchwork.drivers.zigbee2mqtt.lock import Lock
from latchwork.drivers.zigbee2mqtt.network import Network
from latchwork.drivers.zigbee2mqtt.settings import FIELDS, check_settings
from latchwork.drivers.zigbee2mqtt.zcl import Attribute

OPERATION_TIMEOUT: Final = 25.0
"""Seconds for an operation, with the wait for its turn."""
TIMEOUT_PER_READ: Final = 2.5
LONGEST_READ: Final = 70.0
LOCKS_AT_ONCE: Final = 4
"""Coordinators hold few messages for sleepy devices at a time."""


class Zigbee2MqttDriver:
    """See `Driver`. A lock does one thing at a time; different locks do not wait for each other."""

    def __init__(self, context: DriverContext) -> None:
        self._settings = context.settings
        self._password = context.secrets.get("password")
        self._store = context.store
        self._time_zone: str | None = context.settings.get("time_zone")
        self._zone: tzinfo = UTC if self._time_zone is None else ZoneInfo(self._time_zone)
        self._turns: dict[str, asyncio.Lock] = {}
        self._client: Client | None = None
        self._network: Network | None = None

    @property
    def max_concurrent_visits(self) -> int:
        return LOCKS_AT_ONCE

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        client = Client(self._settings, self._password)
        base_topic: str = self._settings["base_topic"]
        network = Network(client, self._store, base_topic, self._time_zone)
        asking: asyncio.Task[None] | None = None
        try:
            await client.connect()
            first = await network.load()
            self._client, self._network = client, network
            connected()
            for push in first:
                await sink(push)
            while True:
                if asking is None or asking.done():
                    asking = asyncio.create_task(self._ask_limits(network, sink))
                for push in await network.take(await client.next()):
                    await sink(push)
        finally:
            self._client = self._network = None
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            await client.close()

    async def _ask_limits(self, network: Network, sink: Sink) -> None:
        for key in network.untold():
            async with self._own(key):
                pushes = await network.ask_limits(key)
            for push in pushes:
                await sink(push)

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        found: dict[int, Observation] = {}
        limit = min(OPERATION_TIMEOUT + TIMEOUT_PER_READ * len(positions), LONGEST_READ)
        try:
            async with self._turn(provider_key, limit) as lock:
                return await Codes(lock, self._zone).observe(positions, found)
        except RetryLater:
            if not found:
                raise
            return found

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:  # noqa: ARG002
        raise Unsupported("The lock tells its codes one by one.")

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,  # noqa: ARG002 - Zigbee locks store no names
        window: Window | None,
    ) -> None:
        async with self._turn(provider_key) as lock:
            await Codes(lock, self._zone).write(position, pin, window)

    async def clear(self, provider_key: str, position: int) -> None:
        async with self._turn(provider_key) as lock:
            await Codes(lock, self._zone).clear(position)

    async def lock(self, provider_key: str) -> None:
        async with self._turn(provider_key) as lock:
            await lock.move_bolt(locked=True)

    async def unlock(self, provider_key: str) -> None:
        async with self._turn(provider_key) as lock:
            await lock.move_bolt(locked=False)

    async def probe(self, provider_key: str) -> bool:
        try:
            async with self._turn(provider_key) as lock:
                await lock.read_attributes(Attribute.LOCK_STATE)
        except RetryLater:
            return False
        return True

    async def simulate(
        self,
        provider_key: str,  # noqa: ARG002
        action: str,  # noqa: ARG002
        values: Mapping[str, Any],  # noqa: ARG002
    ) -> bool:
        raise Unsupported("Only locks of a sandbox can be simulated.")

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.close()

    def _lock(self, provider_key: str) -> Lock:
        if self._network is None:
            raise RetryLater("There is no connection to Zigbee2MQTT.")
        return self._network.lock(provider_key)

    @asynccontextmanager
    async def _own(self, provider_key: str) -> AsyncIterator[None]:
        turn = self._turns.get(provider_key)
        if turn is None:
            turn = self._turns[provider_key] = asyncio.Lock()
        async with turn:
            yield

    @asynccontextmanager
    async def _turn(
        self, provider_key: str, limit: float = OPERATION_TIMEOUT
    ) -> AsyncIterator[Lock]:
        """The lock, for the caller alone. RetryLater when it takes longer than `limit`."""
        try:
            async with asyncio.timeout(limit), self._own(provider_key):
                yield self._lock(provider_key)
        except TimeoutError:
            raise RetryLater("The lock took too long to answer.") from None


class Zigbee2MqttFactory:
    """Makes drivers of Zigbee2MQTT."""

    provider_display_name = "Zigbee2MQTT"
    setting_fields = FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return Zigbee2MqttDriver(context)


factory = Zigbee2MqttFactory()
