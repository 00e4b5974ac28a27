"""One connection, asked synchronously: rows come back whole, so no statement stays open."""

import sqlite3
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from latchwork.storage.interface import StorageUnavailable

Row = tuple[Any, ...]
Values = Sequence[Any]


class Session:
    """Statements on one connection. As a context manager: one consistent view of the database
    for several reads."""

    __slots__ = ("_connection", "_shared")

    def __init__(self, connection: sqlite3.Connection, *, shared: bool = False) -> None:
        self._connection = connection
        self._shared = shared
        """Whether the writer uses the connection too, whose own transactions then do."""

    def one(self, sql: str, values: Values = ()) -> Row | None:
        """The first row, or None."""
        try:
            rows: list[Row] = self._connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error
        return rows[0] if rows else None

    def all(self, sql: str, values: Values = ()) -> list[Row]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error

    def run(self, sql: str, values: Values = ()) -> int:
        """How many rows were changed."""
        try:
            return self._connection.execute(sql, values).rowcount
        except sqlite3.OperationalError as error:
            raise _unavailable(error) from error

    def __enter__(self) -> Self:
        if not self._shared:
            self._connection.execute("BEGIN")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._shared:
            self._connection.execute("COMMIT")


def _unavailable(error: sqlite3.OperationalError) -> StorageUnavailable:
    # SQLite's messages name tables and files, never values.
    return StorageUnavailable(f"The database did not answer: {error}.")
