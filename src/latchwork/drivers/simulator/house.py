"""The simulated locks of one connection, and what their provider says of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from latchwork.domain.errors import NeedsAttention
from latchwork.drivers.protocol import DiscoveredDevice, DriverStore
from latchwork.drivers.simulator import faults, memory
from latchwork.drivers.simulator.algorithm import Algorithm, secret_of
from latchwork.drivers.simulator.catalogue import LockSpec
from latchwork.drivers.simulator.lock import SimulatedLock


class House:
    """`store` None: the locks forget everything at a restart."""

    def __init__(
        self, specs: Iterable[LockSpec], store: DriverStore | None, connection: str = ""
    ) -> None:
        self._store = store
        self._specs = {spec.key: spec for spec in specs}
        self._locks = {key: _lock(spec, connection) for key, spec in self._specs.items()}

    def lock(self, key: str) -> SimulatedLock:
        """Raises NeedsAttention for a lock that is not there (any more)."""
        lock = self._locks.get(key)
        if lock is None:
            raise NeedsAttention("The lock is no longer at its provider.")
        return lock

    @property
    def locks(self) -> Mapping[str, SimulatedLock]:
        return self._locks

    def latency(self, key: str) -> float | None:
        """Seconds for a call, when the lock has a pace of its own."""
        return self._specs[key].latency

    def scans(self, key: str) -> bool:
        """Whether one call tells of all the lock's positions."""
        return self._specs[key].scans

    async def load(self) -> None:
        """Makes the locks what they were before the restart."""
        if self._store is None:
            return
        for key, value in (await self._store.load_all()).items():
            lock = self._locks.get(key)
            if lock is not None and not memory.restore(lock, value):
                del self._locks[key]

    async def save(self, lock: SimulatedLock) -> None:
        """Durable when it returns."""
        if self._store is not None:
            removed = lock.key not in self._locks
            await self._store.save(lock.key, memory.dump(lock, removed=removed))

    async def remove(self, lock: SimulatedLock) -> None:
        self._locks.pop(lock.key, None)
        await self.save(lock)

    def discovered(self) -> tuple[DiscoveredDevice, ...]:
        return tuple(self._discovered(lock) for lock in self._locks.values())

    def _discovered(self, lock: SimulatedLock) -> DiscoveredDevice:
        spec = self._specs[lock.key]
        configurable = lock.capabilities.auto_lock
        return DiscoveredDevice(
            provider_key=spec.key,
            device_type=spec.device_type,
            display_name=spec.name,
            manufacturer=spec.manufacturer,
            model=spec.model,
            capabilities=lock.capabilities,
            serial_number=f"SIM-{spec.key}",
            online=lock.online and not lock.faults.hub_offline,
            locked=lock.locked,
            battery_level=lock.battery_level,
            time_zone=spec.time_zone,
            auto_lock_enabled=lock.auto_lock_enabled if configurable else None,
            auto_lock_delay=lock.auto_lock_delay if configurable else None,
        )


def _lock(spec: LockSpec, connection: str) -> SimulatedLock:
    algorithm = None
    offline = spec.capabilities.offline
    if offline is not None:
        zone = UTC if spec.time_zone is None else ZoneInfo(spec.time_zone)
        one_time = timedelta(hours=offline.one_time_hours or 0)
        algorithm = Algorithm(secret_of(connection, spec.key), zone, one_time)
    lock = SimulatedLock(spec.key, spec.capabilities, faults.made(spec.faults), algorithm)
    lock.battery_level = spec.battery_level
    lock.locked = spec.locked
    return lock
