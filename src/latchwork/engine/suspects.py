"""Positions that locks say were changed by another hand, until they were read."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from latchwork.domain.policy import Policy, backoff

OWN_WRITE_ECHO: Final = timedelta(seconds=15)
"""The first change that a lock reports within this time of our own write there is taken for its
echo; the next one may be another hand's."""
_ANY: Final = -1
"""Stands among suspects for: all positions of ours."""


class Suspects:
    """Of the locks whose connections are held here; kept in memory. `now`: the clock's."""

    def __init__(self, now: Callable[[], datetime], echo: timedelta = OWN_WRITE_ECHO) -> None:
        self._now = now
        self._echo = echo
        self._positions: dict[str, set[int]] = {}
        self._writes: dict[str, dict[int, datetime]] = {}
        self._noted: set[str] = set()
        """Locks that spoke of another hand here, which storage has not handed back yet."""
        self._failures: dict[str, int] = {}
        """Visits in a row that did not get to read what was to be read."""

    def note_write(self, device_id: str, position: int, now: datetime) -> None:
        """Remembers a write of ours, so that its echo is not taken for another hand."""
        recent = self._recent_writes(device_id, now)
        recent[position] = now
        self._writes[device_id] = recent

    def note(self, device_id: str, positions: Sequence[int] | None) -> bool:
        """Notes positions (None: any) that may have been changed by another hand; False when
        all that is told may be the echo of our own writes."""
        recent = self._recent_writes(device_id, self._now()).keys()
        if positions is None:
            suspects = set() if recent else {_ANY}
        else:
            suspects = set(positions) - recent
            for echoed in recent & set(positions):
                del self._writes[device_id][echoed]
        if suspects:
            self._positions.setdefault(device_id, set()).update(suspects)
            self._noted.add(device_id)
        return bool(suspects)

    def recall(self, device_id: str) -> None:
        """Storage says that the lock spoke of another hand, and that no visit has read what it
        spoke of. Unless it did so here, where the positions are known, it did to a process that
        is gone: of any."""
        if device_id in self._noted:
            self._noted.discard(device_id)
        else:
            self._positions.setdefault(device_id, {_ANY})

    def has(self, device_id: str) -> bool:
        """Whether something is to be read."""
        return device_id in self._positions

    def take(self, device_id: str, ours: Collection[int]) -> list[int]:
        """The positions to be read; given once. `ours`: those where we wrote."""
        positions = self._positions.pop(device_id, set())
        if _ANY in positions:
            positions = (positions - {_ANY}) | set(ours)
        return sorted(positions)

    def put_back(
        self, device_id: str, unread: Collection[int], policy: Policy, jitter: float
    ) -> timedelta | None:
        """What was taken and not read is suspected on; how long to wait for the next try. None
        when all was read."""
        if not unread:
            self._failures.pop(device_id, None)
            return None
        self._positions.setdefault(device_id, set()).update(unread)
        failures = self._failures[device_id] = self._failures.get(device_id, 0) + 1
        return backoff(policy.device_backoff, policy.longest_backoff, failures, jitter)

    def _recent_writes(self, device_id: str, now: datetime) -> dict[int, datetime]:
        written = self._writes.get(device_id, {})
        return {p: at for p, at in written.items() if now - at <= self._echo}
