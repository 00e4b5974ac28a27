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
"""Subjects of which something is kept; when there would be more, it begins anew."""
ALL: Final = ""
_WATCHED: Final = (
    ("device", "OLD.device_id"),
    ("connected_account", "''"),
    ("api_key", "''"),
    ("workspace", "''"),
)
"""Tables, and the subject that a change of one of their rows concerns."""


class Memory:
    """Of the connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._kept_version: int | None = None
        self._kept: dict[str, dict[Hashable, Any]] = {}
        self._changing: set[str] = set()
        """Changed by a transaction that has not ended: readers still see the rows before."""
        connection.create_function("latchwork_changed", 1, self._changed)
        for table, subject in _WATCHED:
            for change in ("UPDATE", "DELETE"):
                connection.execute(
                    f"CREATE TEMP TRIGGER {table}_{change} AFTER {change} ON main.{table}"
                    f" BEGIN SELECT latchwork_changed({subject}); END"
                )

    async def remembered(
        self,
        version: int | None,
        subject: str,
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
        kept = self._kept.get(subject)
        if kept is not None and key in kept:
            known: T = kept[key]
            return known
        found = await look_up()
        if found is not None and self._changing.isdisjoint((subject, ALL)):
            self._keep(subject, key, found)
        return found

    def settle(self) -> None:
        """To be called whenever a transaction of the connection has ended, either way."""
        self._changing.clear()

    def _keep(self, subject: str, key: Hashable, found: object) -> None:
        if len(self._kept) >= LARGEST:
            self._kept.clear()
        self._kept.setdefault(subject, {})[key] = found

    def _changed(self, subject: str) -> None:
        self._changing.add(subject)
        if subject == ALL:
            self._kept.clear()
        else:
            self._kept.pop(subject, None)
