"""What requests look up again and again, kept in memory for as long as its rows stay as they are.

The database itself tells of changes: triggers that live with the writer's connection see every
statement of this process, whatever it is made of. What other processes write shows in the
database's version.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")

LARGEST: Final = 4_096
"""Locks of which something is kept; when there would be more, it begins anew."""
_WATCHED: Final = (
    ("device", "OLD.device_id"),
    ("connected_account", "NULL"),
    ("api_key", "NULL"),
    ("workspace", "NULL"),
)
"""Tables, and the lock that a change of one of their rows concerns; NULL: all that is kept."""


class Memory:
    """Of the connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._kept_version: int | None = None
        self._kept: dict[str | None, dict[Hashable, Any]] = {}
        """By lock; under None what is of no lock."""
        self._changing: set[str | None] = set()
        """Changed by a transaction that has not ended: readers still see the rows before."""
        connection.create_function("latchwork_changed", 1, self._changed)
        for table, concerned in _WATCHED:
            for change in ("UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TEMP TRIGGER {table}_{change} AFTER {change} ON main.{table}"
                    f" BEGIN SELECT latchwork_changed({concerned}); END"
                )

    async def remembered(
        self,
        version: int | None,
        device_id: str | None,
        key: Hashable,
        look_up: Callable[[], Awaitable[T | None]],
    ) -> T | None:
        """See Database. `version`: of the database, another one after another process wrote; None
        while it is not known."""
        if version is None:
            return await look_up()
        if version != self._kept_version:
            self._kept.clear()
            self._kept_version = version
        kept = self._kept.get(device_id)
        if kept is not None and key in kept:
            known: T = kept[key]
            return known
        found = await look_up()
        if found is not None and self._changing.isdisjoint((device_id, None)):
            self._keep(device_id, key, found)
        return found

    def settle(self) -> None:
        """To be called whenever a transaction of the connection has ended, either way."""
        self._changing.clear()

    def _keep(self, device_id: str | None, key: Hashable, found: object) -> None:
        if len(self._kept) >= LARGEST:
            self._kept.clear()
        self._kept.setdefault(device_id, {})[key] = found

    def _changed(self, device_id: str | None) -> None:
        self._changing.add(device_id)
        if device_id is None:
            self._kept.clear()
        else:
            self._kept.pop(device_id, None)
