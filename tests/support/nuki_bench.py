"""Nuki for the conformance suite."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from latchwork.domain.pin import Secret
from latchwork.domain.window import Window
from latchwork.drivers.conformance import Fault, LockUnderTest, Unable
from latchwork.drivers.nuki.cloud import NukiCloud
from latchwork.drivers.nuki.driver import factory
from support.cloud_bench import CatchingFactory, CloudBench, CloudLockUnderTest, serving
from support.nuki_web import TOKEN, NukiLock, NukiWeb

LATE = 1.0
"""Seconds until a late lock has what it was sent."""


class NukiBench(CloudBench):
    provider = "nuki"
    quiet = timedelta(milliseconds=300)

    def __init__(self, web: NukiWeb, url: str) -> None:
        self.web = web
        self.factory = CatchingFactory(factory, self)
        self.settings: Mapping[str, Any] = {"url": url}
        self.secrets = {"api_token": Secret(TOKEN)}
        self.locks: Sequence[LockUnderTest] = [
            NukiUnderTest(self, lock) for lock in web.locks.values()
        ]

    async def restart(self) -> None:
        raise Unable("the cloud is a service that is never seen to restart")

    async def list_nothing(self, *, on: bool) -> None:
        self.web.lists_nothing = on


@asynccontextmanager
async def nuki_bench() -> AsyncIterator[NukiBench]:
    web = NukiWeb(lenient=True)
    patience, NukiCloud.patience = NukiCloud.patience, timedelta(milliseconds=700)
    try:
        async with serving(web.app) as url:
            bench = NukiBench(web, url)
            async with bench.receiving():
                yield bench
    finally:
        NukiCloud.patience = patience


class NukiUnderTest(CloudLockUnderTest):
    title = "Nuki (contract server)"

    def __init__(self, bench: NukiBench, lock: NukiLock) -> None:
        self.bench: NukiBench = bench
        self.lock = lock
        self.provider_key = str(lock.smartlock_id)

    async def reset(self) -> None:
        self.lock.reset()

    async def stored(self) -> Mapping[int, str]:
        return {self.position_of(i): str(a["code"]) for i, a in self.lock.auths.items()}

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        standing = self.code_at(position) or await self._on_its_way(position)
        if standing is None:
            auth = {"id": f"hand-{position}", "type": 13, "name": "Anna", "enabled": True}
            self.lock.auths[auth["id"]] = {**auth, "smartlockId": self.lock.smartlock_id}  # type: ignore[index]
            standing = f"hand-{position}"
            await self.list_at(standing, position)
        self.lock.auths[standing]["code"] = int(pin)
        await self._tell(standing, told=told)

    async def _on_its_way(self, position: int) -> str | None:
        """The id of a code of ours that Nuki has taken and not named yet, once the lock has it."""
        assert self.bench.driver is not None
        slot = self.bench.driver._book.page(self.provider_key).slots.get(position)
        if slot is None or slot.wish is None:
            return None
        pin = int(slot.wish.pin.reveal())
        while True:
            for auth in self.lock.auths.values():
                if auth["code"] == pin:
                    return str(auth["id"])
            await asyncio.sleep(0.01)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        standing = str(self.code_at(position))
        gone = self.lock.auths.pop(standing)
        if told:
            await self.bench.web.tell(
                {"feature": "DEVICE_AUTHS", "deleted": True, "smartlockAuth": gone}
            )

    async def _tell(self, auth_id: str, *, told: bool) -> None:
        if told:
            auth = self.lock.auths[auth_id]
            await self.bench.web.tell(
                {"feature": "DEVICE_AUTHS", "deleted": False, "smartlockAuth": auth}
            )

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault is Fault.OFFLINE:
            self.lock.online = not on
            await self.bench.web.tell_status(self.lock)
        elif fault is Fault.IGNORE_NEXT_WRITE:
            self.lock.ignore_next = int(on)
        elif fault is Fault.LOSE_NEXT_ANSWER:
            self.lock.lose_next = int(on)
        elif fault is Fault.DELAY_NEXT_WRITE:
            self.lock.delay = LATE if on else 0.02
        elif fault is Fault.MASK_READS:
            raise Unable("Nuki Web shows every PIN")

    async def keypad(self, pin: str) -> bool:
        return await self.bench.web.type_pin(self.lock, pin)

    async def window(self, position: int) -> Window | None:
        auth = self.lock.auths[str(self.code_at(position))]
        edges = [auth.get(name) for name in ("allowedFromDate", "allowedUntilDate")]
        return Window(*(None if at is None else datetime.fromisoformat(at) for at in edges))

    async def battery(self, level: float) -> None:
        self.lock.battery = round(level * 100)
        await self.bench.web.tell_status(self.lock)

    async def radio_operations(self) -> int:
        return self.lock.operations
