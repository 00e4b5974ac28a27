"""SQL put together from constants of this package; values always travel as parameters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from latchwork.storage.sql.session import Values


class Disjoint(str):
    """A statement that a unit runs on rows of its own keys alone: sets of values which are asked
    for at the same time never meet in a row, neither to write nor to read it. A database may
    carry all of them out as one."""

    __slots__ = ()


def insert(table: str, columns: Sequence[str], rest: str = "") -> str:
    marks = ", ".join("?" * len(columns))
    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) {rest}"  # noqa: S608 - constants


def replacing(columns: Iterable[str]) -> str:
    """The SET list of an upsert."""
    return ", ".join(f"{column} = excluded.{column}" for column in columns)


def update(table: str, columns: Iterable[str], rest: str) -> str:
    """One parameter a column, then those of `rest`."""
    return " ".join(("UPDATE", table, "SET", ", ".join(f"{name} = ?" for name in columns), rest))


def of(alias: str, columns: Iterable[str]) -> str:
    """The columns of one table of a join."""
    return ", ".join(f"{alias}.{column}" for column in columns)


def select(columns: str, *rest: str) -> str:
    return " ".join(("SELECT", columns, *rest))


def listed(values: Iterable[Any]) -> str:
    """One parameter for `IN (SELECT value FROM json_each(?))`, however many values."""
    return msgspec.json.encode(list(values)).decode()


# Phrases of SQLite; another database says the same in its own.
ANY_OF: Final = "IN (SELECT value FROM json_each(?))"
FOUND_IN: Final = "instr(folded({}), ?) > 0"
UNSORTED: Final = "+"
"""Before a column that shall not be used to walk the table in order of creation."""
CLAIMING: Final = " /* claiming */"
"""Marks a look for what is due whose rows are taken: those that another process is about to take
are passed over."""


def has(column: str) -> str:
    """A condition on a JSON object: whether it has just this value (the first parameter, as JSON)
    under a key (the second). True is neither 1 nor "true"."""
    return (
        f"EXISTS (SELECT 1 FROM json_each({column}) m "  # noqa: S608 - constants
        "JOIN json_each(json_array(json(?))) w ON w.type = m.type AND w.value IS m.value "
        "WHERE m.key = ?)"
    )


class Where:
    """Conditions, all of which must hold, and their parameters."""

    def __init__(self, condition: str, *values: Any) -> None:
        self._conditions = [condition]
        self._values: list[Any] = list(values)

    def also(self, condition: str, *values: Any) -> None:
        self._conditions.append(condition)
        self._values.extend(values)

    def any_of(self, column: str, values: Sequence[Any] | None) -> None:
        """No condition for None; for an empty sequence one that nothing meets."""
        if values is not None:
            self.also(f"{column} {ANY_OF}", listed(values))

    def contains(self, columns: Sequence[str], search: str | None) -> None:
        """`search` in any of the columns, in whatever case."""
        if search:
            found = " OR ".join(FOUND_IN.format(column) for column in columns)
            self.also(f"({found})", *[search.casefold()] * len(columns))

    def has(self, column: str, wanted: Mapping[str, Any] | None) -> None:
        """Each key of a JSON object with just this value: true is neither 1 nor "true"."""
        for key, value in (wanted or {}).items():
            self.also(has(column), msgspec.json.encode(value).decode(), key)

    @property
    def sql(self) -> str:
        return "WHERE " + " AND ".join(self._conditions)

    @property
    def values(self) -> Values:
        return self._values
