"""How far the record that a cloud keeps of its locks has been told."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from latchwork.drivers.protocol import DriverStore


class Mark(msgspec.Struct, frozen=True):
    """All before `until` was told, and of what lies at that instant or after it these ids."""

    until: datetime
    told: frozenset[str] = frozenset()


class Marks:
    """One account's mark, kept in the driver's store under `key`. `began`: where the first one
    stands."""

    def __init__(self, store: DriverStore, key: str, began: datetime) -> None:
        self._store = store
        self._key = key
        self._began = began
        self._mark: Mark | None = None
        self._next: Mark | None = None

    async def standing(self) -> Mark:
        """Stored at the first call, so that a later start goes on from there."""
        if self._mark is None:
            kept = await self._store.load(self._key)
            self._mark = Mark(self._began) if kept is None else _decoded(kept)
            if kept is None:
                await self._save(self._mark)
        return self._mark

    def read(self, standing: Mark, until: datetime, found: Mapping[str, datetime]) -> None:
        """What is told next is the record up to `until`, and what was found with its instants."""
        until = max(until, standing.until)
        told = {entry for entry, at in found.items() if at >= until}
        if until == standing.until:
            told |= standing.told
        self._next = Mark(until, frozenset(told))

    async def taken(self) -> None:
        """All that was read last is stored with us."""
        if self._next is not None and self._next != self._mark:
            await self._save(self._next)
            self._mark = self._next
        self._next = None

    async def _save(self, mark: Mark) -> None:
        await self._store.save(self._key, msgspec.json.encode(mark))


def _decoded(kept: bytes) -> Mark:
    # Earlier releases kept the instant alone.
    found = msgspec.json.decode(kept, type=Mark | datetime)
    return found if isinstance(found, Mark) else Mark(found)
