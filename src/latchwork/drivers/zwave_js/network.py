"""Which nodes the controller has, which of them are keypad locks, and which are still unknown."""

import structlog

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater
from latchwork.drivers.protocol import DevicesFound, DiscoveredDevice
from latchwork.drivers.zwave_js.client import Client
from latchwork.drivers.zwave_js.discovery import (
    NetworkState,
    NodeAnswer,
    NodeState,
    describe,
    lock_of,
    provider_key,
)
from latchwork.drivers.zwave_js.failures import NODE_GONE
from latchwork.drivers.zwave_js.node import LockNode

log = structlog.get_logger(__name__)


class Network:
    """The nodes of one connection. `found` answers are DevicesFound; they are complete when no
    node is left whose interview could still show it to be a lock."""

    def __init__(self, client: Client, time_zone: str | None) -> None:
        self._client = client
        self._time_zone = time_zone
        self._home_id = 0
        self._interviewing: set[int] = set()
        self._described: dict[int, DiscoveredDevice] = {}
        self._locks: dict[int, LockNode] = {}

    async def load(self) -> DevicesFound:
        """Asks for the whole network, and for its events from now on."""
        network = (await self._client.call("start_listening", NetworkState)).state
        self._home_id = network.controller.home_id
        nodes = [n for n in network.nodes if not n.is_controller_node]
        present = {n.node_id for n in nodes}
        self._interviewing = {n.node_id for n in nodes if not n.is_interviewed}
        for node_id in self._locks.keys() - present:
            self._forget(node_id)
        for node in nodes:
            if node.is_interviewed:
                await self._try_to_take(node)
        return self._all()

    async def refresh(self, node_id: int) -> DevicesFound | None:
        """Describes a node anew; None when nothing of it is new to anybody."""
        answer = await self._client.call("node.get_state", NodeAnswer, nodeId=node_id)
        node = answer.state
        if node.is_controller_node or not node.is_interviewed:
            return None
        was_waiting = bool(self._interviewing)
        before = self._described.get(node_id)
        self._interviewing.discard(node_id)
        await self._try_to_take(node)
        now = self._described.get(node_id)
        if was_waiting and not self._interviewing:
            return self._all()
        return None if now is None or now == before else DevicesFound((now,))

    def added(self, node_id: int) -> None:
        """A node that is about to be interviewed."""
        self._interviewing.add(node_id)

    def removed(self, node_id: int) -> DevicesFound | None:
        self._interviewing.discard(node_id)
        if node_id not in self._locks:
            return None
        self._forget(node_id)
        return self._all()

    def lock(self, node_id: int) -> LockNode | None:
        return self._locks.get(node_id)

    def by_key(self, key: str) -> LockNode:
        """Raises RetryLater for a lock in its interview, NeedsAttention for one that is gone."""
        for lock in self._locks.values():
            if lock.key == key:
                return lock
        if any(provider_key(self._home_id, node_id) == key for node_id in self._interviewing):
            raise RetryLater("Z-Wave JS is still interviewing the lock.")
        raise NeedsAttention(NODE_GONE)

    async def _try_to_take(self, node: NodeState) -> None:
        """A node that cannot be described is neither called gone nor allowed to hide the rest."""
        try:
            await self._take(node)
        except LatchworkError as error:
            self._interviewing.add(node.node_id)
            log.warning("zwave_js.node_unknown", node_id=node.node_id, reason=str(error))

    async def _take(self, node: NodeState) -> None:
        """Keeps what was learned of a lock through a new interview of it."""
        known = self._locks.get(node.node_id)
        lock = await lock_of(self._client, self._home_id, node)
        if lock is None:
            self._forget(node.node_id)
            return
        if known is not None and known.capabilities == lock.capabilities:
            lock = known
        if node.ready:
            lock.is_ready.set()
        else:
            lock.is_ready.clear()
        self._locks[node.node_id] = lock
        self._described[node.node_id] = await describe(lock, node, self._time_zone)

    def _forget(self, node_id: int) -> None:
        self._locks.pop(node_id, None)
        self._described.pop(node_id, None)

    def _all(self) -> DevicesFound:
        return DevicesFound(tuple(self._described.values()), complete=not self._interviewing)
