"""A world whose engine is watched as the composition has it watched."""

import asyncio
from typing import Any

from latchwork.drivers.simulator.driver import SimulatorDriver, factory
from latchwork.engine.connections import Connections
from latchwork.engine.reconciler import Reconciler
from latchwork.engine.worker import Worker
from latchwork.observing.observer import Observer
from latchwork.observing.visits import WatchedVisits
from support.world import World


class WatchedWorld(World):
    def __init__(self, observer: Observer, settings: dict[str, Any] | None = None) -> None:
        super().__init__(settings)
        self.observer = observer

    def start(self) -> None:
        watch = self.observer
        factories = watch.factories({"simulator": factory})
        self.connections = Connections(self.storage, factories, self.clock, self.rng, self.new_id)
        storage = watch.visit_storage(self.storage, self.policy)
        reconciler = Reconciler(
            storage, self.connections, self.clock, self.policy, self.rng, self.new_id
        )
        visits = WatchedVisits(reconciler, watch.metrics, watch.tracing)
        worker = Worker(self.storage, self.connections, self.clock, visits)
        self._tasks = [
            asyncio.create_task(self.connections.run()),
            asyncio.create_task(worker.run()),
        ]

    @property
    def driver(self) -> SimulatorDriver:
        watched: Any = self.connections.driver(self.account.connected_account_id)
        driver = watched._driver
        assert isinstance(driver, SimulatorDriver)
        return driver

    def metric(self, name: str, **labels: str) -> float:
        """A sample's value; 0 for one that was never counted."""
        return self.observer.metrics.registry.get_sample_value(name, labels) or 0.0
