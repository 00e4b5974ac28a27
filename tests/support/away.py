"""A storage that is away for a while."""

from typing import Any

import pytest

from latchwork.storage.interface import StorageUnavailable
from support.world import World


class Away:
    """For a method of the storage: fails while it is away, and counts how often."""

    def __init__(self, world: World, method: str, patch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.is_away = True
        do = getattr(world.storage, method)

        async def away(*values: Any, **named: Any) -> Any:
            if self.is_away:
                self.calls += 1
                raise StorageUnavailable("The database did not answer.")
            return await do(*values, **named)

        patch.setattr(world.storage, method, away)
