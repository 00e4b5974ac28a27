"""The database file: its connections, its settings, and what every aggregate is given."""

import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.instants import to_us
from latchwork.storage.interface import StorageUnavailable
from latchwork.storage.sql import schema
from latchwork.storage.sql.marked import marked
from latchwork.storage.sql.session import Session, Transaction
from latchwork.storage.sqlite import migrations
from latchwork.storage.sqlite.disk import Disk
from latchwork.storage.sqlite.files import open_private
from latchwork.storage.sqlite.memory import Memory
from latchwork.storage.sqlite.session import SqliteSession, SqliteTransaction, drive
from latchwork.storage.sqlite.writer import PATIENCE_MS, GroupWriter
from latchwork.storage.vault import Vault

T = TypeVar("T")

IN_MEMORY: Final = ":memory:"
OLDEST_SQLITE: Final = (3, 37, 0)

_SETTINGS: Final = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA temp_store = MEMORY",
    # Kept small: a commit walks through all of it once SQLite (3.40), as it split a page, had lent
    # one the number of the lock page, which then counts as the largest.
    "PRAGMA cache_size = -32768",
    # See Disk.move_log; this is for a log that grows faster than it can know.
    "PRAGMA wal_autocheckpoint = 32000",
    "PRAGMA journal_size_limit = 67108864",
)


class SqliteDatabase:
    """See Database. With a database in memory, reads and writes share one connection, and commits
    run inline."""

    def __init__(
        self,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        vault: Vault,
        clock_now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        *,
        inline: bool,
    ) -> None:
        self._connections = (reader, writer)
        self.vault = vault
        self.reading: Session = SqliteSession(reader, vault)
        self.due_listeners: list[Callable[[], None]] = []
        self.message_listeners: list[Callable[[], None]] = []
        self.account_listeners: list[Callable[[], None]] = []
        self.process_id = ""
        self.under_way: dict[str, tuple[bytes, int]] = {}
        self._clock_now = clock_now
        self._memory = Memory(writer)
        self._writer = GroupWriter(
            writer,
            Disk(writer, inline=inline),
            refresh=self._refresh,
            ended=self._memory.settle,
        )
        self.writing = SqliteTransaction(
            writer,
            vault,
            clock_now,
            entropy,
            notify_due=lambda: self._writer.after_commit(self._tell_due),
            notify_messages=lambda: self._writer.after_commit(self._tell_messages),
            notify_accounts=lambda: self._writer.after_commit(self._tell_accounts),
        )

    def seen_at(self, process_id: str) -> None:
        """Nobody needs to."""

    def now_us(self) -> int:
        return to_us(self._clock_now())

    def remembered(
        self, device_id: str | None, key: Hashable, look_up: Callable[[], Awaitable[T | None]]
    ) -> Awaitable[T | None]:
        return self._memory.remembered(self._writer.version(), device_id, key, look_up)

    @asynccontextmanager
    async def view(self) -> AsyncIterator[Session]:
        reader, writer = self._connections
        if reader is writer:
            # The writer's own transactions see to it: nobody else runs before this one ends.
            yield self.reading
            return
        reader.execute("BEGIN")
        try:
            yield self.reading
        finally:
            reader.execute("COMMIT")

    async def read(self, unit: Callable[[Session], Awaitable[T]]) -> T:
        async with self.view() as session:
            return await unit(session)

    async def write(
        self,
        unit: Callable[[Transaction], Awaitable[T]],
        *keys: str,  # noqa: ARG002 - one writer needs no order among units
    ) -> T:
        """See GroupWriter."""
        own = marked(unit)
        return await self._writer.run(lambda: drive(own(self.writing)))

    async def check(self) -> None:
        await self.reading.one("SELECT 1 FROM workspace LIMIT 1")
        if self._writer.trouble is not None:
            raise StorageUnavailable(self._writer.trouble)

    async def aclose(self) -> None:
        await self._writer.aclose()
        for connection in self._connections:
            connection.close()

    def _refresh(self) -> None:
        drive(self.writing.webhooks_changed())

    def _tell_due(self) -> None:
        for listener in self.due_listeners:
            listener()

    def _tell_messages(self) -> None:
        for listener in self.message_listeners:
            listener()

    def _tell_accounts(self) -> None:
        for listener in self.account_listeners:
            listener()


def open_database(
    path: str | Path,
    vault: Vault,
    clock_now: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    *,
    inline: bool,
) -> SqliteDatabase:
    """Opens the file (made when missing, readable by its owner alone) at the newest schema.

    Raises NeedsAttention for a database of a newer release, of another program or of another
    master key.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        needed = ".".join(map(str, OLDEST_SQLITE))
        raise NeedsAttention(f"SQLite {needed} or newer is needed, not {sqlite3.sqlite_version}.")
    in_memory = str(path) == IN_MEMORY
    inline = inline or in_memory
    if not in_memory:
        os.close(open_private(Path(path)))
    writer = _connect(str(path))
    try:
        _prepare(writer, vault)
        writer.execute(f"PRAGMA busy_timeout = {PATIENCE_MS if inline else 0}")
    except BaseException:
        writer.close()
        raise
    reader = writer if in_memory else _connect(str(path))
    if reader is not writer:
        _configure(reader)
        reader.execute("PRAGMA query_only = ON")
    return SqliteDatabase(writer, reader, vault, clock_now, entropy, inline=inline)


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path,
        timeout=PATIENCE_MS / 1000,
        isolation_level=None,
        # Commits run in the writer's thread; a connection is never used by two at once.
        check_same_thread=False,
        cached_statements=512,
    )
    connection.create_function("folded", 1, _folded, deterministic=True)
    return connection


def _prepare(connection: sqlite3.Connection, vault: Vault) -> None:
    known = schema.shipped()
    try:
        migrations.check(connection, known)
    except sqlite3.DatabaseError as error:
        raise NeedsAttention(f"The database cannot be read: {error}.") from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        _configure(connection)
        migrations.migrate(connection, known)
        _check_key(connection, vault)
    except sqlite3.OperationalError as error:
        raise NeedsAttention(f"The database cannot be written: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise NeedsAttention(
            f"The database file is damaged: {error}. Restore a backup: latchwork restore."
        ) from error


def _configure(connection: sqlite3.Connection) -> None:
    for setting in _SETTINGS:
        connection.execute(setting)


def _check_key(connection: sqlite3.Connection, vault: Vault) -> None:
    stored = connection.execute("SELECT fingerprint FROM vault").fetchone()
    if stored is None:
        connection.execute("INSERT INTO vault (fingerprint) VALUES (?)", (vault.fingerprint,))
    elif stored[0] != vault.fingerprint:
        raise NeedsAttention(
            "The database was made with another master key. Give the key that it was made with."
        )


def _folded(text: str | None) -> str | None:
    """SQLite's own LIKE and lower() fold ASCII letters only."""
    return None if text is None else text.casefold()
