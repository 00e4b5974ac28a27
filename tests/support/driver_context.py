"""What a driver under test is made with."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from latchwork.domain.pin import Secret
from latchwork.drivers.protocol import DriverContext, DriverFactory


class HandClock:
    """Stands still until it is moved; sleepers sleep until it is moved past their time."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        return self._now

    async def sleep(self, delay: timedelta) -> None:
        until = self._now + delay
        async with self._moved:
            await self._moved.wait_for(lambda: self._now >= until)

    async def move(self, by: timedelta) -> None:
        async with self._moved:
            self._now += by
            self._moved.notify_all()


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(delay.total_seconds())


class KeptStore:
    """A driver's store in memory."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}

    async def load(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def load_all(self) -> Mapping[str, bytes]:
        return dict(self.values)

    async def save(self, key: str, value: bytes) -> None:
        self.values[key] = value


def context_for(
    factory: DriverFactory,
    settings: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    clock: HandClock | RealClock | None = None,
    store: KeptStore | None = None,
    inbound_url: str | None = None,
) -> DriverContext:
    return DriverContext(
        connected_account_id="account",
        settings=factory.check_settings(settings),
        secrets={name: Secret(value) for name, value in secrets.items()},
        clock=clock or RealClock(),
        store=store or KeptStore(),
        inbound_url=inbound_url,
    )
