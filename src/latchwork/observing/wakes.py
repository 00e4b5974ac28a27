"""Which requests woke a visit: kept in memory alone, from a command to the visit that follows."""

from collections.abc import Iterable
from typing import Final

LARGEST: Final = 4096
"""Locks and codes that are remembered; the oldest are forgotten first."""
LARGEST_OF_ONE: Final = 16
"""Requests of one of them: codes wished for long before their time wake nobody for as long."""


class Wakes:
    """Request ids by the lock or code that a command named."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, ...]] = {}

    def __bool__(self) -> bool:
        """Whether anything is noted."""
        return bool(self._waiting)

    def note(self, subjects: Iterable[str], request_id: str) -> None:
        """To be called before the command is stored: the visit may begin at once."""
        for subject in subjects:
            known = self._waiting.pop(subject, ())
            self._waiting[subject] = (*known[1 - LARGEST_OF_ONE :], request_id)
        while len(self._waiting) > LARGEST:
            del self._waiting[next(iter(self._waiting))]

    def forget(self, subjects: Iterable[str], request_id: str) -> None:
        """The command was refused: it wakes nobody."""
        for subject in subjects:
            left = tuple(i for i in self._waiting.pop(subject, ()) if i != request_id)
            if left:
                self._waiting[subject] = left

    def take(self, subjects: Iterable[str]) -> tuple[str, ...]:
        """The requests that named one of these, each once; given once."""
        found = [i for subject in subjects for i in self._waiting.pop(subject, ())]
        return tuple(dict.fromkeys(found))
