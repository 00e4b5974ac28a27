"""What the driver knows of the nodes of a server, and of the locks on them, while connected."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.domain.pin import Pin
from latchwork.drivers.matter.commands import LockCommands


class NodeState(msgspec.Struct):
    """A node as the server lists it. `attributes` are by path, such as "1/257/0", and kept up to
    date by the server's events."""

    node_id: int
    available: bool = False
    attributes: dict[str, Any] = {}

    def value(self, endpoint: int, cluster: int, attribute: int) -> Any:
        """None: unknown, or null."""
        return self.attributes.get(f"{endpoint}/{cluster}/{attribute}")

    def number(self, endpoint: int, cluster: int, attribute: int) -> int:
        """0 when the node tells none."""
        value = self.value(endpoint, cluster, attribute)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def text(self, endpoint: int, cluster: int, attribute: int) -> str | None:
        value = self.value(endpoint, cluster, attribute)
        return value.strip() or None if isinstance(value, str) else None

    def has(self, endpoint: int, cluster: int, attribute: int) -> bool:
        return f"{endpoint}/{cluster}/{attribute}" in self.attributes

    def endpoints_with(self, cluster: int, attribute: int) -> list[int]:
        tail = f"/{cluster}/{attribute}"
        return sorted(
            int(path.removesuffix(tail)) for path in self.attributes if path.endswith(tail)
        )


class LockEndpoint:
    """One lock: an endpoint of a node, and what was last written there.

    `marker`: the unique id of the users that this account makes. `fabric`: the server's fabric as
    the node numbers it, None when it does not tell. `zone`: what its schedules are written in, None
    when it is unknown or the lock keeps none.
    """

    def __init__(
        self,
        key: str,
        commands: LockCommands,
        capabilities: LockCapabilities,
        *,
        marker: int,
        fabric: int | None,
        zone: ZoneInfo | None,
        tells_time: bool,
    ) -> None:
        self.key = key
        self.commands = commands
        self.capabilities = capabilities
        self.marker = marker
        self.fabric = fabric
        self.zone = zone
        self.tells_time = tells_time
        """Whether it can be asked what time it keeps."""
        self.time_is_right = False
        """Whether it has told the time of `zone` since the connection was made."""
        self.acknowledged: dict[int, Pin] = {}
        """The PIN whose storing the lock acknowledged last, by position."""
        self.touched: set[int] = set()
        """Positions that the running operation reads or writes."""

    @property
    def keeps_schedules(self) -> bool:
        return self.capabilities.native_scheduling

    def has_position(self, position: object) -> bool:
        limits = self.capabilities
        return (
            isinstance(position, int) and limits.first_position <= position <= limits.last_position
        )


class Turns:
    """One operation at a time on each node."""

    def __init__(self) -> None:
        self._locks: dict[int, asyncio.Lock] = {}

    def of(self, node_id: int) -> asyncio.Lock:
        return self._locks.setdefault(node_id, asyncio.Lock())
