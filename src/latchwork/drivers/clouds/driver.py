"""A driver of a lock cloud: what all of them have in common.

The cloud itself is behind `Cloud`: it lists, makes, changes and removes codes. A read is the
cloud's own list, fetched anew; what the cloud calls pending is reported as not read, so that
nothing is believed before the cloud says that the lock has it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater, Unsupported
from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.clouds.book import Book
from latchwork.drivers.clouds.cloud import Cloud
from latchwork.drivers.clouds.lists import Lists
from latchwork.drivers.clouds.model import OutOfReach, Wish
from latchwork.drivers.clouds.news import NewsDesk
from latchwork.drivers.clouds.programming import Programming
from latchwork.drivers.protocol import DevicesFound, DriverContext, Push, Sink

log = structlog.get_logger(__name__)

VISITS_AT_ONCE: Final = 8


class CloudDriver:
    """See `Driver`. A lock does one thing at a time; different locks do not wait for each other."""

    def __init__(self, context: DriverContext, cloud: Cloud) -> None:
        self.cloud = cloud
        self._clock = context.clock
        self._book = Book(context.store)
        self._lists = Lists(cloud, self._book, context.clock)
        self._programming = Programming(cloud, self._book, self._lists, context.clock)
        self._poll_now = asyncio.Event()
        self._news = NewsDesk(
            self._book, self._lists, self._list_codes, self._poll_now.set, self._note_online
        )
        self._turns: dict[str, asyncio.Lock] = {}
        self._locks: dict[str, LockCapabilities] = {}
        self._offline: set[str] = set()
        self._live = False

    @property
    def max_concurrent_visits(self) -> int:
        return VISITS_AT_ONCE

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        try:
            await self._book.load()
            await self._subscribe()
            found = await self._list_locks()
            self._live = True
            connected()
            await sink(found)
            while True:
                await self._poll(sink)
        finally:
            self._live = False

    async def _subscribe(self) -> None:
        try:
            await self.cloud.subscribe()
        except LatchworkError as error:
            log.info("cloud.not_subscribed", reason=str(error))

    async def _poll(self, sink: Sink) -> None:
        """Waits for the next look, and looks."""
        await self._until_poll()
        try:
            await sink(await self._list_locks())
            for push in await self._news.pushes(await self.cloud.news()):
                await sink(push)
            await self.cloud.news_taken()
        except RetryLater as error:
            if error.after is None:
                raise
            await self._clock.sleep(error.after)

    async def _until_poll(self) -> None:
        waits = {
            asyncio.ensure_future(self._clock.sleep(self.cloud.poll_every)),
            asyncio.ensure_future(self._poll_now.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._poll_now.clear()

    async def _list_locks(self) -> DevicesFound:
        devices = tuple(await self.cloud.locks())
        self._locks = {device.provider_key: device.capabilities for device in devices}
        self._offline = {device.provider_key for device in devices if not device.online}
        return DevicesFound(devices, complete=True)

    async def list_anew(self) -> DevicesFound:
        """See `ListsAnew`."""
        if not self._live:
            raise RetryLater("There is no connection to the lock cloud.")
        return await self._list_locks()

    async def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[Push]:
        """See `ReceivesDeliveries`."""
        if not self._live:
            raise RetryLater("There is no connection to the lock cloud.")
        return await self._news.pushes(self.cloud.received(headers, body))

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        async with self._turn(provider_key) as capabilities:
            await self._check_online(provider_key)
            listed = await self._lists.fetch(provider_key, capabilities)
            return {p: self._lists.seen(provider_key, p, listed) for p in positions}

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        capabilities = self._capabilities(provider_key)
        everywhere = range(capabilities.first_position, capabilities.last_position + 1)
        return await self.observe(provider_key, everywhere)

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        wish = Wish(pin=pin, name=name, window=window)
        async with self._turn(provider_key) as capabilities:
            listed = self._lists.recent(provider_key)
            if listed is None:
                listed = await self._lists.fetch(provider_key, capabilities)
            async with self._changing(provider_key):
                await self._programming.write(provider_key, position, wish, listed)

    async def clear(self, provider_key: str, position: int) -> None:
        async with self._turn(provider_key), self._changing(provider_key):
            await self._programming.clear(provider_key, position)

    async def lock(self, provider_key: str) -> None:
        async with self._turn(provider_key):
            await self.cloud.move_bolt(provider_key, locked=True)

    async def unlock(self, provider_key: str) -> None:
        async with self._turn(provider_key):
            await self.cloud.move_bolt(provider_key, locked=False)

    async def probe(self, provider_key: str) -> bool:
        async with self._turn(provider_key):
            online = await self.cloud.is_online(provider_key)
            self._note_online(provider_key, online=online)
            return online

    async def simulate(
        self,
        provider_key: str,  # noqa: ARG002
        action: str,  # noqa: ARG002
        values: Mapping[str, Any],  # noqa: ARG002
    ) -> bool:
        raise Unsupported("Only locks of a sandbox can be simulated.")

    async def aclose(self) -> None:
        self._live = False
        await self.cloud.aclose()

    async def _list_codes(self, provider_key: str) -> bool:
        """Whether the lock's codes could be listed."""
        try:
            async with self._turn(provider_key) as capabilities:
                await self._lists.fetch(provider_key, capabilities)
        except LatchworkError as error:
            log.info("cloud.codes_not_listed", lock=provider_key, reason=str(error))
            return False
        return True

    def _note_online(self, provider_key: str, *, online: bool) -> None:
        if online:
            self._offline.discard(provider_key)
        else:
            self._offline.add(provider_key)

    @asynccontextmanager
    async def _changing(self, provider_key: str) -> AsyncIterator[None]:
        """For a change of the lock's codes: what was listed before is spent."""
        await self._check_online(provider_key)
        self._lists.spend(provider_key)
        try:
            yield
        except OutOfReach:
            self._note_online(provider_key, online=False)
            raise

    async def _check_online(self, provider_key: str) -> None:
        """The cloud's list is no proof while the cloud cannot reach the lock."""
        if provider_key not in self._offline:
            return
        if not await self.cloud.is_online(provider_key):
            raise RetryLater("The lock is offline, says its cloud.")
        self._note_online(provider_key, online=True)

    def _capabilities(self, provider_key: str) -> LockCapabilities:
        if not self._live:
            raise RetryLater("There is no connection to the lock cloud.")
        capabilities = self._locks.get(provider_key)
        if capabilities is None:
            raise NeedsAttention("The lock is no longer part of the account.")
        return capabilities

    @asynccontextmanager
    async def _turn(self, provider_key: str) -> AsyncIterator[LockCapabilities]:
        """The lock, for the caller alone."""
        self._capabilities(provider_key)
        async with self._turns.setdefault(provider_key, asyncio.Lock()):
            await self._book.refresh(provider_key)
            yield self._capabilities(provider_key)
