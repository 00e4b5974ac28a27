"""The driver of simulated locks."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from latchwork.domain.access_code import Offline
from latchwork.domain.errors import RetryLater, Unsupported
from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import (
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    Driver,
    DriverContext,
    LockOperated,
    Push,
    Sink,
)
from latchwork.drivers.simulator import settings as checked
from latchwork.drivers.simulator.house import House
from latchwork.drivers.simulator.lock import SimulatedLock, Stored
from latchwork.drivers.simulator.sandbox import Act, carry_out


class SimulatorDriver:
    """See `Driver`. A lock does one thing at a time; different locks do not wait for each
    other. `house` is for those who look at the locks from outside."""

    def __init__(self, context: DriverContext) -> None:
        settings = checked.read(context.settings)
        store = context.store if settings.durable else None
        self.house = House(settings.specs, store, context.connected_account_id)
        self._clock = context.clock
        self._latency = settings.seconds_a_call
        self._visits_at_once = settings.visits_at_once
        self._turns: dict[str, asyncio.Lock] = {}
        self._pushes: asyncio.Queue[Push] = asyncio.Queue()
        self._relocking: dict[str, asyncio.Task[None]] = {}
        self._live = False

    @property
    def max_concurrent_visits(self) -> int:
        return self._visits_at_once

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        await self.house.load()
        self._live = True
        try:
            connected()
            await sink(DevicesFound(self.house.discovered(), complete=True))
            while True:
                await sink(await self._pushes.get())
        finally:
            self._live = False
            for task in self._relocking.values():
                task.cancel()

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            return lock.read(positions, now)

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        if not self.house.scans(provider_key):
            raise Unsupported("The lock tells its codes one by one.")
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            return lock.scan(now)

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            before = lock.codes.get(position)
            try:
                lock.write(position, pin, name, window, now)
            finally:
                await self._keep(lock, position, before)

    async def clear(self, provider_key: str, position: int) -> None:
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            before = lock.codes.get(position)
            try:
                lock.clear(position, now)
            finally:
                await self._keep(lock, position, before)

    async def issue(self, provider_key: str, grain: Offline, window: Window, reference: str) -> Pin:
        async with self._turn(provider_key):
            lock, _now = await self._reach(provider_key)
            pin = lock.issue(grain, window, reference)
            await self.house.save(lock)
            return pin

    async def lock(self, provider_key: str) -> None:
        await self._move_bolt(provider_key, locked=True)

    async def unlock(self, provider_key: str) -> None:
        await self._move_bolt(provider_key, locked=False)

    async def configure_auto_lock(
        self, provider_key: str, *, enabled: bool, delay: float | None
    ) -> None:
        """See `ConfiguresAutoLock`."""
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            lock.configure_auto_lock(now, enabled=enabled, delay=delay)
            await self.house.save(lock)
            self._pushes.put_nowait(
                DeviceChanged(
                    provider_key=provider_key,
                    auto_lock_enabled=lock.auto_lock_enabled,
                    auto_lock_delay=lock.auto_lock_delay,
                )
            )
            self._relock_in_time(lock)

    async def list_anew(self) -> DevicesFound:
        """See `ListsAnew`."""
        return DevicesFound(self.house.discovered(), complete=True)

    def _relock_in_time(self, lock: SimulatedLock) -> None:
        """The lock locks itself, where it is told to and stands unlocked."""
        earlier = self._relocking.pop(lock.key, None)
        if earlier is not None:
            earlier.cancel()
        if not lock.auto_lock_enabled or lock.locked:
            return

        async def relock() -> None:
            await self._clock.sleep(timedelta(seconds=lock.auto_lock_delay))
            lock.locked = True
            await self.house.save(lock)
            if lock.is_reachable(self._clock.now()):
                self._pushes.put_nowait(
                    LockOperated(
                        provider_key=lock.key,
                        locked=True,
                        method="automatic",
                        occurred_at=self._clock.now(),
                    )
                )

        self._relocking[lock.key] = asyncio.create_task(relock())

    async def probe(self, provider_key: str) -> bool:
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            return lock.probe(now)

    async def simulate(self, provider_key: str, action: str, values: Mapping[str, Any]) -> bool:
        """See `sandbox.ACTIONS`. Raises Rejected naming what is wrong: the action or a value."""
        async with self._turn(provider_key):
            lock = self._connected(provider_key)
            was_locked = lock.locked
            act = Act(self.house, lock, values, self._clock.now(), self._pushes.put_nowait)
            done = await carry_out(action, act)
            if lock.locked != was_locked:
                self._relock_in_time(lock)
            return done

    async def aclose(self) -> None:
        self._live = False

    def _turn(self, provider_key: str) -> asyncio.Lock:
        """Held, it makes a lock the caller's alone."""
        turn = self._turns.get(provider_key)
        if turn is None:
            turn = self._turns[provider_key] = asyncio.Lock()
        return turn

    def _connected(self, provider_key: str) -> SimulatedLock:
        if not self._live:
            raise RetryLater("The simulator is not connected.")
        return self.house.lock(provider_key)

    async def _reach(self, provider_key: str) -> tuple[SimulatedLock, datetime]:
        """The lock, and the time after the radio took its own."""
        lock = self._connected(provider_key)
        latency = self.house.latency(provider_key)
        seconds = (self._latency if latency is None else latency) + lock.faults.delay
        if seconds:
            await self._clock.sleep(timedelta(seconds=seconds))
        return lock, self._clock.now()

    async def _keep(self, lock: SimulatedLock, position: int, before: Stored | None) -> None:
        """Saves a lock that was programmed, whether or not its answer came through, and reports
        the change where the lock reports changes."""
        await self.house.save(lock)
        if lock.capabilities.pushes_changes and lock.codes.get(position) != before:
            self._pushes.put_nowait(CodesChanged(provider_key=lock.key, positions=(position,)))

    async def _move_bolt(self, provider_key: str, *, locked: bool) -> None:
        async with self._turn(provider_key):
            lock, now = await self._reach(provider_key)
            lock.move_bolt(now, locked=locked)
            await self.house.save(lock)
            self._pushes.put_nowait(
                LockOperated(
                    provider_key=provider_key, locked=locked, method="remote", occurred_at=now
                )
            )
            self._relock_in_time(lock)


class SimulatorFactory:
    """See `DriverFactory`."""

    provider_display_name = "Simulator"
    setting_fields = checked.FIELDS

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        return checked.check_settings(settings)

    def __call__(self, context: DriverContext) -> Driver:
        return SimulatorDriver(context)


factory = SimulatorFactory()
