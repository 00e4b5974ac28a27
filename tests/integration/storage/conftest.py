"""Every backend that the conformance suite runs on."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path

import pytest

from latchwork.storage.interface import Storage
from latchwork.storage.sqlite import SqliteStorage
from latchwork.storage.vault import Vault
from support.stored import Stored

BACKENDS = {"sqlite-file": "latchwork.db", "sqlite-memory": ":memory:"}


@pytest.fixture(params=BACKENDS)
async def stored(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stored]:
    """A furnished storage of each backend."""
    name = BACKENDS[request.param]
    path = name if name.startswith(":") else str(tmp_path / name)

    async def open_storage(
        vault: Vault, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> Storage:
        return await SqliteStorage.open(path, vault, now, entropy)

    stored = Stored(open_storage)
    await stored.open()
    await stored.furnish()
    yield stored
    await stored.storage.aclose()
