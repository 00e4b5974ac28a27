"""Storage on PostgreSQL."""

from collections.abc import Callable
from datetime import datetime
from typing import Self

from latchwork.storage.postgres.database import open_database
from latchwork.storage.sql.storage import SqlStorage
from latchwork.storage.vault import Vault


class PostgresStorage(SqlStorage):
    """Any number of them, in any number of processes, on one database."""

    @classmethod
    async def open(
        cls,
        url: str,
        vault: Vault,
        clock_now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
    ) -> Self:
        """Connects to `postgresql://...` and brings the database to the newest schema.

        `entropy(n)` gives n random bytes for ids. Raises NeedsAttention for a database of a newer
        release or of another master key, StorageUnavailable when there is no connection.
        """
        return cls(await open_database(url, vault, clock_now, entropy))
