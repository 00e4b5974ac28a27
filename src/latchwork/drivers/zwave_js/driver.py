"""The driver of a Z-Wave JS server and its locks."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from latchwork.domain.errors import LatchworkError, RetryLater, Unsupported
from latchwork.domain.observation import NotRead, Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import Driver, DriverContext, Sink
from latchwork.drivers.zwave_js import commands as cc
from latchwork.drivers.zwave_js.client import Client, Event
from latchwork.drivers.zwave_js.network import Network
from latchwork.drivers.zwave_js.node import LockNode
from latchwork.drivers.zwave_js.programming import Programming
from latchwork.drivers.zwave_js.pushes import is_duplicate_refusal, pushes_of
from latchwork.drivers.zwave_js.schedules import Schedules
from latchwork.drivers.zwave_js.settings import FIELDS, check_settings

log = structlog.get_logger(__name__)

OPERATION_TIMEOUT: Final = 25.0
"""Seconds for an operation, with the wait for its turn."""
READY_PATIENCE: Final = 3.0
"""Seconds from a lock's answer to the event that it is ready."""
TIMEOUT_PER_READ: Final = 2.5
LONGEST_READ: Final = 70.0
SECURED, UNSECURED = 255, 0
DEFAULT_RELOCK: Final = 30
"""Seconds, for who does not say how long."""
REFUSED: Final = frozenset({0, 2, 3, 4, 5})
"""Upstream's SetValueStatus for what did not happen."""


class ZwaveJsDriver:
    """See `Driver`. The controller does one thing at a time, and so does this."""

    def __init__(self, context: DriverContext) -> None:
        self._url: str = context.settings["url"]
        self._time_zone: str | None = context.settings.get("time_zone")
        zone = None if self._time_zone is None else ZoneInfo(self._time_zone)
        self._schedules = Schedules(zone, context.clock)
        self._turns = asyncio.Lock()
        self._client: Client | None = None
        self._network: Network | None = None
        self._side: set[asyncio.Task[None]] = set()
        """Work that events call for and that must not hold up the events after them."""

    @property
    def max_concurrent_visits(self) -> int:
        return 1

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        """See `Driver.run`. The first DevicesFound is complete unless nodes are in their first
        interview; then a complete one follows when the last of them is through."""
        client = Client(self._url, self._noticed)
        network = Network(client, self._time_zone)
        try:
            await client.connect()
            found = await network.load()
            self._client, self._network = client, network
            connected()
            await sink(found)
            async for event in client.events():
                await self._take(event, network, sink)
        finally:
            self._client = self._network = None
            for task in self._side:
                task.cancel()
            await client.close()

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        found: dict[int, Observation] = {}
        limit = min(OPERATION_TIMEOUT + TIMEOUT_PER_READ * len(positions), LONGEST_READ)
        try:
            async with self._turn(provider_key, positions, limit) as lock:
                return await Programming(lock, self._schedules).observe(positions, found)
        except RetryLater:
            if all(isinstance(seen, NotRead) for seen in found.values()):
                raise
            return found

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        lock = self._lock(provider_key)
        everywhere = range(lock.capabilities.first_position, lock.capabilities.last_position + 1)
        async with self._turn(provider_key, everywhere, LONGEST_READ) as lock:
            return await Programming(lock, self._schedules).scan()

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        async with self._turn(provider_key, (position,)) as lock:
            await Programming(lock, self._schedules).write(position, pin, name, window)

    async def clear(self, provider_key: str, position: int) -> None:
        async with self._turn(provider_key, (position,)) as lock:
            await Programming(lock, self._schedules).clear(position)

    async def lock(self, provider_key: str) -> None:
        await self._move_bolt(provider_key, locked=True)

    async def unlock(self, provider_key: str) -> None:
        await self._move_bolt(provider_key, locked=False)

    async def _move_bolt(self, provider_key: str, *, locked: bool) -> None:
        async with self._turn(provider_key) as lock:
            if lock.lock_class == cc.DOOR_LOCK:
                mode = SECURED if locked else UNSECURED
                status = await lock.commands.set_value(cc.DOOR_LOCK, "targetMode", mode)
            else:
                status = await lock.commands.set_value(cc.LOCK, "locked", locked)
            if status in REFUSED:
                raise RetryLater("The lock did not move its bolt.")

    async def configure_auto_lock(
        self, provider_key: str, *, enabled: bool, delay: float | None
    ) -> None:
        """See `ConfiguresAutoLock`: Door Lock's auto-relock time, which the lock reads back."""
        async with self._turn(provider_key) as lock:
            if not lock.capabilities.auto_lock:
                raise Unsupported("The lock cannot lock itself.")
            seconds = 0
            if enabled:
                standing = await lock.commands.value(cc.DOOR_LOCK, cc.AUTO_RELOCK_TIME)
                seconds = round(delay) if delay is not None else standing or DEFAULT_RELOCK
            await lock.commands.set_value(cc.DOOR_LOCK, cc.AUTO_RELOCK_TIME, seconds)
            if await lock.commands.read_auto_relock_time() != seconds:
                raise RetryLater("The lock did not take the auto-lock setting.")

    async def probe(self, provider_key: str) -> bool:
        async with self._turn(provider_key) as lock:
            return await lock.commands.ping()

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

    def _lock(self, provider_key: str) -> LockNode:
        if self._network is None:
            raise RetryLater("There is no connection to the Z-Wave JS server.")
        return self._network.by_key(provider_key)

    @asynccontextmanager
    async def _turn(
        self, provider_key: str, positions: Sequence[int] = (), limit: float = OPERATION_TIMEOUT
    ) -> AsyncIterator[LockNode]:
        """The lock, alone with the controller, and with no earlier command of ours still on its
        way there. RetryLater when it takes longer than `limit`."""
        try:
            async with asyncio.timeout(limit), self._turns:
                lock = self._lock(provider_key)
                if lock.commands.is_late:
                    raise RetryLater("Z-Wave JS is still trying to reach the lock.")
                lock.touched = set(positions)
                try:
                    if positions and not lock.is_ready.is_set():
                        await _wake(lock)
                    yield lock
                finally:
                    lock.touched = set()
        except TimeoutError:
            raise RetryLater("The lock took too long to answer.") from None

    def _noticed(self, event: Event) -> None:
        """What cannot wait until earlier events are stored."""
        if self._network is None or event.nodeId is None:
            return
        lock = self._network.lock(event.nodeId)
        if lock is None:
            return
        if event.event == "ready":
            lock.is_ready.set()
        lock.reports.note(event)
        if is_duplicate_refusal(event):
            lock.duplicate_refused.set()

    async def _take(self, event: Event, network: Network, sink: Sink) -> None:
        if event.source == "node" and event.nodeId is not None:
            await self._take_node_event(event, event.nodeId, network, sink)
        elif event.source == "driver" and event.event == "driver ready":
            # The controller was restarted: its nodes are made anew.
            await sink(await network.load())
        elif event.source == "controller" and event.node is not None:
            await self._take_membership(event, network, sink)

    async def _take_node_event(
        self, event: Event, node_id: int, network: Network, sink: Sink
    ) -> None:
        if event.event in ("ready", "interview completed"):
            await self._refresh(node_id, network, sink)
        lock = network.lock(node_id)
        if lock is None:
            return
        if event.event == "interview completed" and lock.clock_is_set:
            # An interview sets the lock's clock to the zone of the server's host.
            lock.clock_is_set = False
            task = asyncio.create_task(self._set_clock(lock))
            self._side.add(task)
            task.add_done_callback(self._side.discard)
        for push in pushes_of(lock, event):
            await sink(push)

    async def _refresh(self, node_id: int, network: Network, sink: Sink) -> None:
        try:
            found = await network.refresh(node_id)
        except LatchworkError as error:
            # Such as a node that was removed meanwhile; a lost connection ends the events.
            log.info("zwave_js.node_not_refreshed", node_id=node_id, reason=str(error))
            return
        if found is not None:
            await sink(found)

    async def _set_clock(self, lock: LockNode) -> None:
        try:
            async with self._turn(lock.key):
                await self._schedules.set_clock(lock)
        except LatchworkError as error:
            log.info("zwave_js.clock_not_set", lock=lock.key, reason=str(error))

    async def _take_membership(self, event: Event, network: Network, sink: Sink) -> None:
        node_id = (event.node or {}).get("nodeId")
        if not isinstance(node_id, int):
            return
        if event.event == "node added":
            network.added(node_id)
        elif event.event == "node removed" and (found := network.removed(node_id)) is not None:
            await sink(found)


async def _wake(lock: LockNode) -> None:
    """After its own start Z-Wave JS takes a lock for ready once it has answered."""
    if not await lock.commands.ping():
        raise RetryLater("The lock has not answered since Z-Wave JS was started.")
    try:
        async with asyncio.timeout(READY_PATIENCE):
            await lock.is_ready.wait()
    except TimeoutError:
        raise RetryLater("Z-Wave JS is still getting ready for the lock.") from None


class ZwaveJsFactory:
    """Makes drivers of Z-Wave JS servers."""

    provider_display_name = "Z-Wave JS"
    setting_fields = FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return ZwaveJsDriver(context)


factory = ZwaveJsFactory()
