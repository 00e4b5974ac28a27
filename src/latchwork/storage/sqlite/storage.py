"""Storage on one SQLite file."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from latchwork.storage.sql.storage import SqlStorage
from latchwork.storage.sqlite.database import open_database
from latchwork.storage.vault import Vault


class SqliteStorage(SqlStorage):
    """One per process."""

    @classmethod
    async def open(
        cls,
        path: str | Path,
        vault: Vault,
        clock_now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        *,
        inline: bool = False,
    ) -> Self:
        """Opens the database at `path` (":memory:" for one that ends with the storage), made when
        missing and brought to the newest schema.

        `entropy(n)` gives n random bytes for ids; `inline` commits on the event loop instead of
        in a thread, so that a run depends on nothing but its inputs. Raises NeedsAttention for a
        database of a newer release, of another program or of another master key.
        """
        return cls(open_database(path, vault, clock_now, entropy, inline=inline))
