"""Whatever this process and others do to a SQLite file, and whenever it is asked: what is
remembered is what is committed."""

import asyncio
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from latchwork.storage.sqlite.memory import Memory

TABLES = ("connected_account", "api_key", "workspace")
LOCKS = ("one", "two")
READ = "SELECT d.level, (SELECT max(level) FROM {}) FROM device d WHERE d.device_id = ?"


class Remembering(RuleBasedStateMachine):
    """`writer` owns the memory; `reader` is what look-ups read from; `foreign` another process."""

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "db"
        self.writer, self.reader, self.foreign = (
            sqlite3.connect(path, isolation_level=None) for _ in range(3)
        )
        self.writer.execute("PRAGMA journal_mode = WAL")
        for table in ("device", *TABLES):
            self.writer.execute(f"CREATE TABLE {table} (device_id TEXT PRIMARY KEY, level INTEGER)")
            self.writer.executemany(f"INSERT INTO {table} VALUES (?, 0)", [(i,) for i in LOCKS])
        self.memory = Memory(self.writer)
        self.level = 0
        self.begun: int | None = None
        self.asked = 0

    def teardown(self) -> None:
        for connection in (self.writer, self.reader, self.foreign):
            connection.close()
        self.folder.cleanup()

    def version(self) -> int:
        found: int = self.writer.execute("PRAGMA data_version").fetchone()[0]
        return found

    @precondition(lambda self: self.begun is None)
    @rule()
    def begin(self) -> None:
        self.writer.execute("BEGIN IMMEDIATE")
        self.begun = self.version()

    @precondition(lambda self: self.begun is not None)
    @rule(how=st.sampled_from(("COMMIT", "ROLLBACK")))
    def end(self, how: str) -> None:
        self.writer.execute(how)
        self.begun = None
        self.memory.settle()

    @precondition(lambda self: self.begun is not None)
    @rule(table=st.sampled_from(("device", *TABLES)), lock=st.sampled_from(LOCKS))
    def change(self, table: str, lock: str) -> None:
        self.write(self.writer, table, lock)

    @precondition(lambda self: self.begun is not None)
    @rule(lock=st.sampled_from(LOCKS))
    def replace(self, lock: str) -> None:
        self.writer.execute("DELETE FROM device WHERE device_id = ?", (lock,))
        self.level += 1
        self.writer.execute("INSERT INTO device VALUES (?, ?)", (lock, self.level))

    @precondition(lambda self: self.begun is None)
    @rule(table=st.sampled_from(("device", *TABLES)), lock=st.sampled_from(LOCKS))
    def change_elsewhere(self, table: str, lock: str) -> None:
        self.write(self.foreign, table, lock)

    def write(self, connection: sqlite3.Connection, table: str, lock: str) -> None:
        self.level += 1
        connection.execute(
            f"INSERT INTO {table} VALUES (?, ?)"
            " ON CONFLICT (device_id) DO UPDATE SET level = excluded.level",
            (lock, self.level),
        )

    @rule(lock=st.sampled_from(LOCKS), table=st.sampled_from(TABLES))
    def ask(self, lock: str, table: str) -> None:
        def committed() -> tuple[int, int]:
            found: tuple[int, int] = self.reader.execute(READ.format(table), (lock,)).fetchone()
            return found

        async def look_up() -> tuple[int, int]:
            self.asked += 1
            return committed()

        async def twice() -> None:
            version = self.version() if self.begun is None else self.begun
            for _ in range(2):
                found = await self.memory.remembered(version, lock, table, look_up)
                assert found == committed()

        asyncio.run(twice())

    @invariant()
    def is_worth_it(self) -> None:
        """Between transactions, what was asked once is not asked again."""
        if self.begun is not None:
            return
        self.ask(LOCKS[0], TABLES[0])
        asked = self.asked
        self.ask(LOCKS[0], TABLES[0])
        assert self.asked == asked


TestRemembering = Remembering.TestCase
TestRemembering.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
