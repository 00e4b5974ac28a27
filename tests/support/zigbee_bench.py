"""The Zigbee rig for the conformance suite."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import aiomqtt

from latchwork.domain.window import Window
from latchwork.drivers.conformance import Bench, Fault, LockUnderTest, Unable
from latchwork.drivers.zigbee2mqtt.driver import factory
from support.zigbee_rig import IEEE, LOCKS, PLAIN_LOCK, SCHEDULE_LOCK, ZigbeeRig

TITLES = {
    SCHEDULE_LOCK: "Zigbee2MQTT with year-day schedules",
    PLAIN_LOCK: "Zigbee2MQTT",
}
FAULTS = {
    Fault.OFFLINE: "offline",
    Fault.IGNORE_NEXT_WRITE: "ignoreNext",
    Fault.LOSE_NEXT_ANSWER: "dropAnswer",
    Fault.DELAY_NEXT_WRITE: "lateNext",
    Fault.REFUSE_DUPLICATES: "rejectDuplicates",
}
SINCE = datetime(2000, 1, 1)  # noqa: DTZ001 - local time, as the lock counts it
COUNTED = (Fault.IGNORE_NEXT_WRITE, Fault.LOSE_NEXT_ANSWER, Fault.DELAY_NEXT_WRITE)


def client_of(rig: ZigbeeRig) -> aiomqtt.Client:
    parts = urlsplit(rig.url)
    return aiomqtt.Client(parts.hostname or "", parts.port or 0)


async def request(rig: ZigbeeRig, topic: str, body: dict[str, Any]) -> None:
    """Asks Zigbee2MQTT for something, and waits for its answer."""
    base = f"{rig.base_topic}/bridge"
    async with client_of(rig) as client:
        await client.subscribe(f"{base}/response/{topic}")
        await client.publish(f"{base}/request/{topic}", json.dumps(body))
        async with asyncio.timeout(10):
            answer = await anext(aiter(client.messages))
        assert json.loads(bytes(answer.payload))["status"] == "ok"


async def publish(rig: ZigbeeRig, topic: str, payload: str) -> None:
    """Retained, as what Zigbee2MQTT says of its locks."""
    parts = urlsplit(rig.url)
    async with aiomqtt.Client(parts.hostname or "", parts.port or 0) as client:
        await client.publish(f"{rig.base_topic}/{topic}", payload, retain=True)


async def expose_pin(rig: ZigbeeRig, lock: int, *, on: bool) -> None:
    body = {"id": IEEE[lock], "options": {"expose_pin": on}}
    await request(rig, "device/options", body)


class ZigbeeBench(Bench):
    provider = "zigbee2mqtt"
    factory = factory

    def __init__(self, rig: ZigbeeRig) -> None:
        self.rig = rig
        self.settings: Mapping[str, Any] = {
            "url": rig.url,
            "base_topic": rig.base_topic,
            "time_zone": rig.time_zone,
        }
        self._listed = b""
        self.locks: Sequence[LockUnderTest] = [ZigbeeLock(rig, lock) for lock in LOCKS]

    async def restart(self) -> None:
        await asyncio.to_thread(self.rig.restart_bridge)

    async def list_nothing(self, *, on: bool) -> None:
        """The broker keeps an empty list, as of a Zigbee2MQTT that has lost its database."""
        topic = f"{self.rig.base_topic}/bridge/devices"
        async with client_of(self.rig) as client:
            if on:
                await client.subscribe(topic)
                async with asyncio.timeout(10):
                    message = await anext(aiter(client.messages))
                self._listed = bytes(message.payload)
            if self._listed:
                kept = b"[]" if on else self._listed
                await client.publish(topic, kept, qos=1, retain=True)


class ZigbeeLock(LockUnderTest):
    def __init__(self, rig: ZigbeeRig, lock: int) -> None:
        self._rig = rig
        self._lock = lock
        self.title = TITLES[lock]
        self.provider_key = IEEE[lock]
        self._is_masked = False

    async def reset(self) -> None:
        self._rig.reset(self._lock)
        if self._is_masked:
            self._is_masked = False
            await expose_pin(self._rig, self._lock, on=True)

    async def stored(self) -> Mapping[int, str]:
        return self._rig.pins(self._lock)

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        self._rig.program(self._lock, position, pin, told=told)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        self._rig.erase(self._lock, position, told=told)

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault is Fault.MASK_READS:
            self._is_masked = on
            await expose_pin(self._rig, self._lock, on=not on)
        elif fault in FAULTS:
            value = int(on) if fault in COUNTED else on
            self._rig.fault(self._lock, **{FAULTS[fault]: value})
        else:
            raise Unable(f"the rig cannot make the fault {fault.value}")

    async def keypad(self, pin: str) -> bool:
        return self._rig.keypad(self._lock, pin)

    async def window(self, position: int) -> Window | None:
        schedule = self._rig.state(self._lock)["schedules"].get(str(position))
        if schedule is None:
            return None
        zone = ZoneInfo(self._rig.time_zone)
        edges = (SINCE + timedelta(seconds=schedule[edge]) for edge in ("start", "end"))
        return Window(*(local.replace(tzinfo=zone).astimezone(UTC) for local in edges))

    async def battery(self, level: float) -> None:
        self._rig.battery(self._lock, round(level * 100))

    async def radio_operations(self) -> int:
        return len(self._rig.state(self._lock)["commands"])
