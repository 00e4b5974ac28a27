"""TTLock for the conformance suite."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from latchwork.domain.pin import Secret
from latchwork.domain.window import Window
from latchwork.drivers.conformance import Fault, LockUnderTest, Unable
from latchwork.drivers.ttlock.driver import factory
from support.cloud_bench import CatchingFactory, CloudBench, CloudLockUnderTest, serving
from support.ttlock_platform import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    USERNAME,
    TtLock,
    TtlockPlatform,
)

SECRETS = {"client_secret": CLIENT_SECRET, "password": PASSWORD}


def settings_for(url: str) -> dict[str, Any]:
    return {"client_id": CLIENT_ID, "username": USERNAME, "url": url}


class TtlockBench(CloudBench):
    provider = "ttlock"
    quiet = timedelta(milliseconds=300)

    def __init__(self, platform: TtlockPlatform, url: str) -> None:
        self.platform = platform
        self.factory = CatchingFactory(factory, self)
        self.settings: Mapping[str, Any] = settings_for(url)
        self.secrets = {name: Secret(value) for name, value in SECRETS.items()}
        self.locks: Sequence[LockUnderTest] = [
            TtlockUnderTest(self, lock) for lock in platform.locks.values()
        ]

    async def restart(self) -> None:
        raise Unable("the platform is a service that is never seen to restart")

    async def list_nothing(self, *, on: bool) -> None:
        self.platform.lists_nothing = on


@asynccontextmanager
async def ttlock_bench() -> AsyncIterator[TtlockBench]:
    platform = TtlockPlatform()
    async with serving(platform.app) as url:
        bench = TtlockBench(platform, url)
        async with bench.receiving():
            platform.callback = bench.inbound_url
            yield bench


class TtlockUnderTest(CloudLockUnderTest):
    title = "TTLock (contract server)"

    def __init__(self, bench: TtlockBench, lock: TtLock) -> None:
        self.bench: TtlockBench = bench
        self.lock = lock
        self.provider_key = str(lock.lock_id)

    async def reset(self) -> None:
        self.lock.reset()

    async def stored(self) -> Mapping[int, str]:
        return {self.position_of(str(i)): c["keyboardPwd"] for i, c in self.lock.codes.items()}

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        standing = self.code_at(position)
        if standing is not None:
            self.lock.codes[int(standing)]["keyboardPwd"] = pin
            return
        code_id = 10**9 + position
        self.lock.codes[code_id] = {
            "keyboardPwdId": code_id,
            "keyboardPwd": pin,
            "keyboardPwdName": "Anna",
            "keyboardPwdType": 2,
            "startDate": round(time.time() * 1000),
            "endDate": 0,
            "isCustom": 1,
            "status": 1,
        }
        await self.list_at(str(code_id), position)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        del self.lock.codes[int(str(self.code_at(position)))]

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault is Fault.OFFLINE:
            self.lock.gateway = not on
        elif fault is Fault.IGNORE_NEXT_WRITE:
            self.lock.ignore_next = int(on)
        elif fault is Fault.LOSE_NEXT_ANSWER:
            self.lock.lose_next = int(on)
        elif fault is Fault.DELAY_NEXT_WRITE:
            raise Unable("the platform answers when the lock has stored the PIN")
        elif fault is Fault.MASK_READS:
            raise Unable("the platform shows every PIN")

    async def keypad(self, pin: str) -> bool:
        return await self.bench.platform.type_pin(self.lock, pin)

    async def window(self, position: int) -> Window | None:
        code = self.lock.codes[int(str(self.code_at(position)))]
        edges = (code["startDate"], code["endDate"])
        return Window(*(datetime.fromtimestamp(at / 1000, UTC) for at in edges))

    async def battery(self, level: float) -> None:
        self.lock.battery = round(level * 100)
        await self.bench.platform.type_pin(self.lock, "0000")

    async def radio_operations(self) -> int:
        return self.lock.operations
