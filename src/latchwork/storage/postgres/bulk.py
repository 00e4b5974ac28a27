"""One statement with many sets of values, at the cost of one where it can be told as one: the sets
travel as arrays, a column each, and the statement is joined with them.

An array is told in words: asyncpg looks at each element of a list whether it is a list itself,
which took a seventh of a worker's time.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from latchwork.storage.postgres.dialect import translated
from latchwork.storage.sql.session import Row, Values
from latchwork.storage.sql.sql import Disjoint

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import AnyConnection

_MARK: Final = re.compile(r"\$(\d+)")
_INSERT: Final = re.compile(r"(INSERT INTO \w+ \([^)]*\)) VALUES \((.*)\)\s*(ON CONFLICT .*)?")
_UPDATE: Final = re.compile(r"(UPDATE \w+ SET .*?) (WHERE .*?)(?: RETURNING (.*))?")
_DELETE: Final = re.compile(r"(DELETE FROM \w+) (WHERE .*?)(?: RETURNING (.*))?")

_types: dict[str, tuple[str, ...]] = {}
"""Of the parameters, by statement: columns keep theirs as long as the schema knows them."""


async def rows_of_each(
    connection: "AnyConnection", sql: str, many: Sequence[Values]
) -> Sequence[Sequence[Row]]:
    """What the statement answers for each set of values."""
    if len(many) == 1:
        answered: Any = await connection.fetch(translated(sql), *many[0])
        return [answered]
    found: list[list[Row]] = [[] for _ in many]
    for row in await _fetch(connection, sql, many):
        found[row[-1]].append(row[:-1])
    return found


async def counts_of_each(
    connection: "AnyConnection", sql: str, many: Sequence[Values]
) -> list[int]:
    """How many rows the statement changes for each set of values."""
    if len(many) == 1:
        return [changed(await connection.execute(translated(sql), *many[0]))]
    rows = await _fetch(connection, sql, many)
    if isinstance(sql, Disjoint) and sql.startswith("INSERT"):
        return [1] * len(many)
    counts = [0] * len(many)
    for row in rows:
        counts[row[-1]] += 1
    return counts


async def run_each(connection: "AnyConnection", sql: str, many: Sequence[Values]) -> None:
    """Runs the statement with each set of values."""
    if len(many) > 1 and isinstance(sql, Disjoint):
        await _fetch(connection, sql, many)
    elif many:
        await connection.executemany(translated(sql), many)


def changed(status: str) -> int:
    """The number in `UPDATE 3` or `INSERT 0 1`."""
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


async def _fetch(connection: "AnyConnection", sql: str, many: Sequence[Values]) -> Sequence[Any]:
    """All rows, each ended by the number of the set that it is for (not so of an INSERT that is
    told as one)."""
    if not many:
        return []
    if not many[0] or not (isinstance(sql, Disjoint) or sql.startswith("SELECT")):
        sets = [(*values, number) for number, values in enumerate(many)]
        return await connection.fetchmany(_numbered(sql), sets)
    types = _types.get(sql)
    if types is None:
        prepared = await connection.prepare(translated(sql))
        types = _types[sql] = tuple(each.name for each in prepared.get_parameters())
    columns = zip(*many, strict=True)
    arrays = [in_words(name, column) for name, column in zip(types, columns, strict=True)]
    return await connection.fetch(as_one(sql, types), *arrays)


def in_words(name: str, values: Sequence[Any]) -> str:
    """An array of values of that type, as PostgreSQL reads it."""
    return f"{{{_WORDS[name](values)}}}"


def _texts(values: Sequence[str | None]) -> str:
    """As JSON where that is the same: a backslash means the next character itself to PostgreSQL,
    so that JSON's names for control characters would be other texts."""
    told = _encode(values)[1:-1].decode()
    if "\\" in told and _NAMED.search(told):
        return ",".join("NULL" if text is None else _quoted(text) for text in values)
    return told


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _integers(values: Sequence[int | None]) -> str:
    told = _encode(values)[1:-1].decode()
    return told.replace("true", "1").replace("false", "0") if "e" in told else told


def _each(say: Callable[[Any], str]) -> Callable[[Sequence[Any]], str]:
    return lambda values: ",".join("NULL" if one is None else say(one) for one in values)


_encode: Final = msgspec.json.Encoder().encode
_NAMED: Final = re.compile(r'\\[^"\\]')
_WORDS: Final[Mapping[str, Callable[[Sequence[Any]], str]]] = {
    "int8": _integers,
    "int4": _integers,
    "float8": _each(repr),
    "text": _texts,
    "bytea": _each(lambda value: f'"\\\\x{value.hex()}"'),
}


@lru_cache(maxsize=1024)
def _numbered(sql: str) -> str:
    """The statement with one more parameter, which ends each of its rows: whose they are."""
    own = translated(sql)
    mark = f"${max((int(number) for number in _MARK.findall(own)), default=0) + 1}::int8"
    if own.startswith("SELECT"):
        return f"SELECT asked.*, {mark} FROM ({own}) asked"  # noqa: S608 - a query of the house
    return f"{own}{',' if ' RETURNING ' in own else ' RETURNING'} {mark}"


@lru_cache(maxsize=1024)
def as_one(sql: str, types: tuple[str, ...]) -> str:
    """The statement for many sets of values, which come as arrays of these types, in words."""
    own = _MARK.sub(r"asked.p\1", translated(sql)).strip()
    arrays = ", ".join(f"${n}::text::{name}[]" for n, name in enumerate(types, 1))
    columns = ", ".join(f"p{n}" for n in range(1, len(types) + 1))
    asked = f"unnest({arrays}) WITH ORDINALITY AS asked({columns}, number)"
    number = "asked.number - 1"
    if own.startswith("SELECT"):
        return f"SELECT found.*, {number} FROM {asked} CROSS JOIN LATERAL ({own}) found"  # noqa: S608
    if insert := _INSERT.fullmatch(own):
        head, values, conflict = insert.groups(default="")
        assert "DO NOTHING" not in conflict, "what was left out could not be told"  # noqa: S101
        return f"{head} SELECT {values} FROM {asked} ORDER BY asked.number {conflict}"  # noqa: S608
    if update := _UPDATE.fullmatch(own):
        head, where, returning = update.groups()
        joined = f"{head} FROM {asked} {where}"
    else:
        delete = _DELETE.fullmatch(own)
        assert delete is not None, f"not told as one: {own}"  # noqa: S101
        head, where, returning = delete.groups()
        joined = f"{head} USING {asked} {where}"
    return f"{joined} RETURNING {f'{returning}, ' if returning else ''}{number}"
