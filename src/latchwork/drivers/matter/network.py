"""Which nodes the server has, which of them are locks, and which are still unknown."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import structlog

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.drivers.matter.client import Client
from latchwork.drivers.matter.clusters import (
    BASIC_INFORMATION,
    BRIDGED_BASIC_INFORMATION,
    DESCRIPTOR,
    DOOR_LOCK,
    OPERATIONAL_CREDENTIALS,
    POWER_SOURCE,
    TIME_SYNCHRONIZATION,
)
from latchwork.drivers.matter.discovery import describe, is_interviewed, locks_of, provider_key
from latchwork.drivers.matter.failures import NODE_GONE
from latchwork.drivers.matter.node import LockEndpoint, NodeState
from latchwork.drivers.protocol import DevicesFound, DiscoveredDevice

log = structlog.get_logger(__name__)

TELLING: Final = frozenset(
    str(cluster)
    for cluster in (
        BASIC_INFORMATION,
        BRIDGED_BASIC_INFORMATION,
        DESCRIPTOR,
        DOOR_LOCK,
        OPERATIONAL_CREDENTIALS,
        POWER_SOURCE,
        TIME_SYNCHRONIZATION,
    )
)
"""Clusters that a lock is described from."""


class Network:
    """The nodes of one connection. `DevicesFound` answers are complete when no node is left whose
    interview could still show it to be a lock."""

    def __init__(
        self, client: Client, fabric_id: int, *, marker: int, zone: ZoneInfo | None
    ) -> None:
        self._client = client
        self._fabric_id = fabric_id
        self._marker = marker
        self._zone = zone
        self._nodes: dict[int, NodeState] = {}
        self._locks: dict[int, dict[int, LockEndpoint]] = {}
        """By node and endpoint."""

    async def load(self) -> DevicesFound:
        """Asks for all nodes, and for their events from now on."""
        nodes = await self._client.call("start_listening", list[dict[str, Any]])
        for told in nodes:
            self._keep(told)
        return self._all()

    async def load_anew(self) -> DevicesFound:
        """Asks for all nodes again; their events keep coming."""
        nodes = await self._client.call("get_nodes", list[dict[str, Any]])
        self._nodes.clear()
        for told in nodes:
            self._keep(told)
        for gone in self._locks.keys() - self._nodes.keys():
            del self._locks[gone]
        return self._all()

    def updated(self, told: Any) -> DevicesFound | None:
        """A node that came, was interviewed, or is reached again or no more; None when nothing of
        it is new to anybody."""
        node_id = told.get("node_id") if isinstance(told, dict) else None
        if not isinstance(node_id, int):
            return None
        before, was_waiting = self._described(node_id), self._is_waiting
        self._keep(told)
        now = self._described(node_id)
        if (was_waiting and not self._is_waiting) or before.keys() - now.keys():
            return self._all()
        changed = tuple(lock for key, lock in now.items() if before.get(key) != lock)
        return DevicesFound(changed) if changed else None

    def attribute_changed(self, told: Any) -> DevicesFound | None:
        """`told`: the node's id, the attribute's path and its value."""
        match told:
            case [int(node_id), str(path), value] if node_id in self._nodes:
                node = self._nodes[node_id]
            case _:
                return None
        cluster = path.split("/")[1:2]
        if cluster and cluster[0] in TELLING:
            attributes = {**node.attributes, path: value}
            return self.updated({**msgspec.to_builtins(node), "attributes": attributes})
        return None

    def removed(self, node_id: Any) -> DevicesFound | None:
        self._nodes.pop(node_id, None)
        return self._all() if self._locks.pop(node_id, None) else None

    def removed_endpoint(self, node_id: Any, endpoint: Any) -> DevicesFound | None:
        """A device that a bridge no longer has."""
        node = self._nodes.get(node_id)
        if node is None:
            return None
        prefix = f"{endpoint}/"
        kept = {k: v for k, v in node.attributes.items() if not k.startswith(prefix)}
        return self.updated({**msgspec.to_builtins(node), "attributes": kept})

    def locks(self, node_id: Any) -> dict[int, LockEndpoint]:
        return self._locks.get(node_id, {})

    def by_key(self, key: str) -> LockEndpoint:
        """Raises RetryLater for a lock in its interview, NeedsAttention for one that is gone."""
        for locks in self._locks.values():
            for lock in locks.values():
                if lock.key == key:
                    return lock
        for node in self._nodes.values():
            mine = provider_key(self._fabric_id, node.node_id, 0).removesuffix("0")
            if key.startswith(mine) and not is_interviewed(node):
                raise RetryLater("The Matter server is still interviewing the lock.")
        raise NeedsAttention(NODE_GONE)

    def _keep(self, told: dict[str, Any]) -> None:
        """Keeps what was learned of a lock for as long as it can do the same."""
        try:
            node = msgspec.convert(told, NodeState)
        except msgspec.ValidationError as error:
            log.warning("matter.node_unknown", node_id=told.get("node_id"), reason=str(error))
            return
        self._nodes[node.node_id] = node
        known = self._locks.get(node.node_id, {})
        found = locks_of(self._client, self._fabric_id, node, marker=self._marker, zone=self._zone)
        self._locks[node.node_id] = {
            endpoint: known[endpoint] if _is_same(known.get(endpoint), lock) else lock
            for endpoint, lock in found.items()
        }

    def _described(self, node_id: int) -> dict[str, DiscoveredDevice]:
        node = self._nodes.get(node_id)
        if node is None:
            return {}
        return {lock.key: describe(lock, node) for lock in self.locks(node_id).values()}

    @property
    def _is_waiting(self) -> bool:
        return not all(is_interviewed(node) for node in self._nodes.values())

    def _all(self) -> DevicesFound:
        described = [d for node_id in self._nodes for d in self._described(node_id).values()]
        return DevicesFound(tuple(described), complete=not self._is_waiting)


def _is_same(known: LockEndpoint | None, found: LockEndpoint) -> bool:
    return known is not None and (known.capabilities, known.fabric, known.zone) == (
        found.capabilities,
        found.fabric,
        found.zone,
    )
