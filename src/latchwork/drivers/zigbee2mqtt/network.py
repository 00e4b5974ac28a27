"""What one Zigbee2MQTT tells of itself and its locks."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater
from latchwork.drivers.protocol import (
    AccountChanged,
    DeviceChanged,
    DevicesFound,
    DiscoveredDevice,
    DriverStore,
    Push,
)
from latchwork.drivers.zigbee2mqtt.advice import Info, advice
from latchwork.drivers.zigbee2mqtt.client import Client, Incoming
from latchwork.drivers.zigbee2mqtt.discovery import (
    DEVICE_TYPE,
    LIMITS,
    Limits,
    Listed,
    capabilities,
    limits_of,
    locks_of,
)
from latchwork.drivers.zigbee2mqtt.lock import Lock
from latchwork.drivers.zigbee2mqtt.pushes import pushes_of

log = structlog.get_logger(__name__)

STATE, INFO, DEVICES = "bridge/state", "bridge/info", "bridge/devices"
AVAILABILITY: Final = "/availability"
FIRST_LIST: Final = 10.0
"""Seconds in which the retained list has to come."""
FIRST_AVAILABILITY: Final = 2.0
FIRST_LIMITS: Final = 5.0
UNTOLD: Final = ""
"""No advice: of a connection that has not said yet whether an earlier one still holds."""
OLDEST: Final = (2, 7)
"""The first version that passes on a lock's own answers."""


class Network:
    """The locks of one connection."""

    def __init__(
        self, client: Client, store: DriverStore, base_topic: str, time_zone: str | None
    ) -> None:
        self._client = client
        self._store = store
        self._base = base_topic
        self._time_zone = time_zone
        self._info: Info | None = None
        self._listed: dict[str, Listed] | None = None
        self._limits: dict[str, Limits] = {}
        self._online: dict[str, bool] = {}
        self._topics: set[str] = set()
        self._locks: dict[str, Lock] = {}
        self._is_loaded = False
        self._advice: str | None = UNTOLD

    async def load(self) -> tuple[Push, ...]:
        """Waits for all that Zigbee2MQTT keeps for those who come: the first pushes.

        Raises RetryLater while Zigbee2MQTT is offline or says nothing, NeedsAttention for one
        that is too old.
        """
        for key, value in (await self._store.load_all()).items():
            self._limits[key] = msgspec.json.decode(value, type=Limits)
        await self._client.listen(STATE, INFO, DEVICES)
        pushes: list[Push] = []
        if not await self._collect(pushes, FIRST_LIST, lambda: self._is_told):
            raise RetryLater(f"No Zigbee2MQTT has been heard under the topic {self._base!r}.")
        if self._info is not None and self._info.has_availability:
            await self._collect(pushes, FIRST_AVAILABILITY, lambda: self._is_availability_told)
        await self._ask_new_locks()
        self._is_loaded = True
        return (self.all(), *self.advised(), *(p for p in pushes if isinstance(p, DeviceChanged)))

    async def _ask_new_locks(self) -> None:
        """Locks that were never asked may tell their limits before they are listed."""
        asking = [asyncio.create_task(self.ask_limits(key)) for key in self.untold()]
        if not asking:
            return
        _, late = await asyncio.wait(asking, timeout=FIRST_LIMITS)
        for task in late:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    @property
    def _is_told(self) -> bool:
        return self._listed is not None and self._info is not None

    @property
    def _is_availability_told(self) -> bool:
        return self._locks.keys() <= self._online.keys()

    async def _collect(
        self, pushes: list[Push], seconds: float, is_enough: Callable[[], bool]
    ) -> bool:
        """Takes messages until it is enough; False when time ran out before."""
        try:
            async with asyncio.timeout(seconds):
                while not is_enough():
                    message = await self._client.next()
                    pushes += await self.take(message)
        except TimeoutError:
            return False
        return True

    async def take(self, message: Incoming) -> tuple[Push, ...]:
        """What a message means to the engine. Raises RetryLater when Zigbee2MQTT goes."""
        try:
            if message.topic == STATE:
                _check_state(message.payload)
                return ()
            if message.topic == INFO:
                return self._take_info(message.payload)
            if message.topic == DEVICES:
                return await self._take_devices(message.payload)
            return self._take_lock(message)
        except msgspec.DecodeError:
            log.info("zigbee2mqtt.message_not_understood", topic=message.topic)
            return ()

    def _take_info(self, payload: bytes) -> tuple[Push, ...]:
        before, self._info = self._info, msgspec.json.decode(payload, type=Info)
        _check_version(self._info)
        if before == self._info:
            return ()
        self._furnish()
        return (self.all(), *self.advised()) if self._is_loaded else ()

    async def _take_devices(self, payload: bytes) -> tuple[Push, ...]:
        listed = locks_of(payload)
        if listed == self._listed:
            return ()
        self._listed = listed
        self._furnish()
        await self._follow_topics()
        return (self.all(), *self.advised()) if self._is_loaded else ()

    def _furnish(self) -> None:
        """Makes the locks anew, but for those that stand as they are."""
        locks: dict[str, Lock] = {}
        for key, listed in (self._listed or {}).items():
            exposes_pin = self._info is not None and self._info.exposes_pin(key)
            can = capabilities(
                listed,
                self._limits.get(key, Limits()),
                exposes_pin=exposes_pin,
                has_zone=self._time_zone is not None,
            )
            known = self._locks.get(key)
            if known is None or (known.exposes_pin, known.capabilities) != (exposes_pin, can):
                known = Lock(
                    self._client,
                    key,
                    listed.friendly_name,
                    listed.target,
                    can,
                    exposes_pin=exposes_pin,
                )
            known.name, known.target = listed.friendly_name, listed.target
            locks[key] = known
        self._locks = locks

    async def _follow_topics(self) -> None:
        wanted = {t for lock in self._locks.values() for t in (lock.name, lock.name + AVAILABILITY)}
        await self._client.leave(*sorted(self._topics - wanted))
        await self._client.listen(*sorted(wanted - self._topics))
        self._topics = wanted

    def _take_lock(self, message: Incoming) -> tuple[Push, ...]:
        for lock in self._locks.values():
            if message.topic == lock.name + AVAILABILITY:
                online = _availability(message.payload)
                self._online[lock.key] = online
                return (DeviceChanged(provider_key=lock.key, online=online),)
            if message.topic == lock.name and message.payload:
                state = msgspec.json.decode(message.payload, type=dict[str, Any])
                return pushes_of(lock, state, retained=message.retained)
        return ()

    def all(self) -> DevicesFound:
        return DevicesFound(tuple(map(self._described, self._locks.values())), complete=True)

    def _described(self, lock: Lock) -> DiscoveredDevice:
        listed = (self._listed or {})[lock.key]
        definition = listed.definition
        return DiscoveredDevice(
            provider_key=lock.key,
            device_type=DEVICE_TYPE,
            display_name=lock.name,
            manufacturer=(definition.vendor if definition else "") or "Unknown",
            model=(definition.model if definition else "") or "Zigbee lock",
            capabilities=lock.capabilities,
            serial_number=lock.key,
            online=self._online.get(lock.key, True),
            time_zone=self._time_zone,
        )

    def advised(self) -> tuple[Push, ...]:
        """What a person should change in Zigbee2MQTT, told on the account and in the log."""
        hidden = [lock.name for lock in self._locks.values() if not lock.exposes_pin]
        text = None if self._info is None else advice(self._info, self._base, hidden)
        if text == self._advice:
            return ()
        self._advice = text
        if text is not None:
            log.warning("zigbee2mqtt.setup_advised", base_topic=self._base, advice=text)
        return (AccountChanged(conditions={"setup_required": text or False}),)

    def lock(self, key: str) -> Lock:
        """Raises NeedsAttention for a lock that is gone."""
        lock = self._locks.get(key)
        if lock is None:
            raise NeedsAttention("The lock is no longer part of the Zigbee network. Pair it again.")
        return lock

    def untold(self) -> list[str]:
        """The locks in reach that have not told their limits yet."""
        return [k for k in self._locks if k not in self._limits and self._online.get(k, True)]

    async def ask_limits(self, key: str) -> tuple[Push, ...]:
        """What a lock tells of itself is kept for good. Nothing when it does not answer."""
        try:
            limits = limits_of(await self.lock(key).read_attributes(*LIMITS))
        except LatchworkError as error:
            log.info("zigbee2mqtt.limits_not_told", lock=key, reason=str(error))
            return ()
        self._limits[key] = limits
        await self._store.save(key, msgspec.json.encode(limits))
        before = self.all()
        self._furnish()
        return () if self.all() == before else (self.all(),)


def _check_state(payload: bytes) -> None:
    state: Any = payload
    if payload.startswith(b"{"):
        state = msgspec.json.decode(payload, type=dict[str, Any]).get("state", "")
    if state in ("offline", b"offline"):
        raise RetryLater("Zigbee2MQTT is offline.")


def _check_version(info: Info) -> None:
    numbers = info.version.split("-")[0].split(".")[:2]
    if all(n.isdigit() for n in numbers) and tuple(map(int, numbers)) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise NeedsAttention(f"Zigbee2MQTT {info.version} is too old. Update it to {wanted}.")


def _availability(payload: bytes) -> bool:
    if payload.startswith(b"{"):
        state: Mapping[str, Any] = msgspec.json.decode(payload, type=dict[str, Any])
        return state.get("state") != "offline"
    return payload != b"offline"
