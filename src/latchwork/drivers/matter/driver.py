"""The driver of a Matter server and its locks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from latchwork.domain.errors import RetryLater, Unsupported
from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.matter.client import Client, Event
from latchwork.drivers.matter.codes import Codes
from latchwork.drivers.matter.discovery import marker_of
from latchwork.drivers.matter.network import Network
from latchwork.drivers.matter.node import LockEndpoint, Turns
from latchwork.drivers.matter.pushes import node_event, pushes_of_event
from latchwork.drivers.matter.schedules import Schedules
from latchwork.drivers.matter.settings import FIELDS, check_settings
from latchwork.drivers.protocol import DevicesFound, Driver, DriverContext, Sink

log = structlog.get_logger(__name__)

OPERATION_TIMEOUT: Final = 25.0
"""Seconds for an operation, with the wait for its turn."""
TIMEOUT_PER_READ: Final = 2.5
LONGEST_READ: Final = 70.0
LOCKS_AT_ONCE: Final = 8
"""Nodes speak for themselves; each is asked one thing at a time."""
NODE_NEWS: Final = frozenset({"node_added", "node_updated"})


class MatterDriver:
    """See `Driver`."""

    def __init__(self, context: DriverContext) -> None:
        self._url: str = context.settings["url"]
        zone = context.settings.get("time_zone")
        self._zone = None if zone is None else ZoneInfo(zone)
        self._marker = marker_of(context.connected_account_id)
        self._schedules = Schedules(context.clock, context.store)
        self._turns = Turns()
        self._client: Client | None = None
        self._network: Network | None = None

    @property
    def max_concurrent_visits(self) -> int:
        return LOCKS_AT_ONCE

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        """See `Driver.run`. The first DevicesFound is complete unless nodes wait for their first
        interview; then a complete one follows when the last of them is through."""
        client = Client(self._url)
        try:
            info = await client.connect()
            await self._schedules.load()
            network = Network(
                client, info.compressed_fabric_id, marker=self._marker, zone=self._zone
            )
            found = await network.load()
            self._client, self._network = client, network
            connected()
            await sink(found)
            async for event in client.events():
                await self._take(event, network, sink)
        finally:
            self._client = self._network = None
            await client.close()

    async def list_anew(self) -> DevicesFound:
        if self._network is None:
            raise RetryLater("There is no connection to the Matter server.")
        return await self._network.load_anew()

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        found: dict[int, Observation] = {}
        limit = min(OPERATION_TIMEOUT + TIMEOUT_PER_READ * len(positions), LONGEST_READ)
        try:
            async with self._turn(provider_key, positions, limit) as lock:
                codes = Codes(lock, self._schedules)
                for position in positions:
                    found[position] = await codes.read(position)
        except RetryLater as error:
            if not found:
                raise
            log.info("matter.read_cut_short", lock=provider_key, reason=str(error))
        return found

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        async with self._turn(provider_key, (), LONGEST_READ) as lock:
            return await Codes(lock, self._schedules).scan()

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        async with self._turn(provider_key, (position,)) as lock:
            await Codes(lock, self._schedules).write(position, pin, name, window)

    async def clear(self, provider_key: str, position: int) -> None:
        async with self._turn(provider_key, (position,)) as lock:
            await Codes(lock, self._schedules).clear(position)

    async def lock(self, provider_key: str) -> None:
        async with self._turn(provider_key) as lock:
            await lock.commands.move_bolt(locked=True)

    async def unlock(self, provider_key: str) -> None:
        async with self._turn(provider_key) as lock:
            await lock.commands.move_bolt(locked=False)

    async def configure_auto_lock(
        self, provider_key: str, *, enabled: bool, delay: float | None
    ) -> None:
        async with self._turn(provider_key) as lock:
            await lock.commands.configure_auto_lock(enabled=enabled, delay=delay)

    async def probe(self, provider_key: str) -> bool:
        try:
            async with self._turn(provider_key) as lock:
                return await lock.commands.is_there()
        except RetryLater as error:
            log.info("matter.no_sign_of_life", lock=provider_key, reason=str(error))
            return False

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

    @asynccontextmanager
    async def _turn(
        self, provider_key: str, positions: Sequence[int] = (), limit: float = OPERATION_TIMEOUT
    ) -> AsyncIterator[LockEndpoint]:
        """The lock, alone with its node, and with no earlier command of ours still on its way
        there. RetryLater when it takes longer than `limit`."""
        client, network = self._client, self._network
        if client is None or network is None:
            raise RetryLater("There is no connection to the Matter server.")
        lock = network.by_key(provider_key)
        node_id = lock.commands.node_id
        try:
            async with asyncio.timeout(limit), self._turns.of(node_id):
                if client.is_late(node_id):
                    raise RetryLater("The Matter server is still trying to reach the lock.")
                lock.touched = set(positions)
                try:
                    yield lock
                finally:
                    lock.touched = set()
        except TimeoutError:
            raise RetryLater("The lock took too long to answer.") from None

    async def _take(self, event: Event, network: Network, sink: Sink) -> None:
        found: DevicesFound | None = None
        if event.event == "node_event":
            await self._take_node_event(event.data, network, sink)
        elif event.event == "attribute_updated":
            found = network.attribute_changed(event.data)
        elif event.event in NODE_NEWS:
            found = network.updated(event.data)
        elif event.event == "node_removed":
            found = network.removed(event.data)
        elif event.event == "endpoint_removed" and isinstance(event.data, dict):
            found = network.removed_endpoint(
                event.data.get("node_id"), event.data.get("endpoint_id")
            )
        if found is not None:
            await sink(found)

    async def _take_node_event(self, data: Any, network: Network, sink: Sink) -> None:
        event = node_event(data)
        lock = None if event is None else network.locks(event.node_id).get(event.endpoint_id)
        if event is None or lock is None:
            return
        for push in pushes_of_event(lock, event):
            await sink(push)


class MatterFactory:
    """Makes drivers of Matter servers."""

    provider_display_name = "Matter"
    setting_fields = FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return MatterDriver(context)


factory = MatterFactory()
