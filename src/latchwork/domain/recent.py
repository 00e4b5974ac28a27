"""What was told already: providers deliver again what they are not sure has arrived."""

from collections.abc import Hashable
from typing import Final

KEPT: Final = 4096


class Recent:
    """The last keys that were added, in bounded memory."""

    def __init__(self) -> None:
        self._keys: dict[Hashable, None] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._keys

    def add(self, key: Hashable) -> None:
        self._keys[key] = None
        if len(self._keys) > KEPT:
            del self._keys[next(iter(self._keys))]
