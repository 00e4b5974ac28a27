"""Statements that are told as one for many sets of values: the same outcome, from indexes alone."""

import importlib
import pkgutil
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import latchwork.storage.sql
from latchwork.storage.postgres import bulk
from latchwork.storage.postgres.bulk import (
    as_one,
    counts_of_each,
    in_words,
    rows_of_each,
    run_each,
)
from latchwork.storage.postgres.database import connect
from latchwork.storage.postgres.dialect import translated
from latchwork.storage.sql import attempts, code_rows, codes, engine, slots, webhooks
from latchwork.storage.sql.sql import Disjoint

Connection = asyncpg.Connection  # type: ignore[type-arg]
ADD = Disjoint("UPDATE tally SET n = n + ? WHERE name = ? RETURNING n")
DROP = Disjoint("DELETE FROM tally WHERE name = ? AND n < ?")
PUT = Disjoint(
    "INSERT INTO tally (name, n) VALUES (?, (SELECT count(*) + ? FROM tally)) "
    "ON CONFLICT (name) DO UPDATE SET n = excluded.n"
)
READ = "SELECT n, name FROM tally WHERE n >= ?1 AND (?2::text IS NULL OR name <> ?2) ORDER BY n"
LOOKED_UP = (
    codes._SAME_PIN,
    codes._STANDING,
    engine._HELD,
    code_rows._OF_DEVICE,
    slots._ENTRIES,
    slots._FOREIGN_CODES,
    attempts._PENDING,
)
OF_FEW = (attempts._SUCCEED,)
"""Its index holds none but pending attempts: to walk it costs little."""
one_connection = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Reading changes nothing on it."""


def disjoint() -> set[str]:
    """Every statement of the house that says it may be told as one."""
    found: set[str] = set()
    for module in pkgutil.iter_modules(latchwork.storage.sql.__path__, "latchwork.storage.sql."):
        values = vars(importlib.import_module(module.name)).values()
        found |= {value for value in values if isinstance(value, Disjoint)}
    return found


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await connect(database_url)
    await opened.execute("CREATE TEMPORARY TABLE tally (name TEXT PRIMARY KEY, n BIGINT)")
    await opened.executemany("INSERT INTO tally VALUES ($1, $2)", [("a", 1), ("b", 2), ("c", 3)])
    yield opened
    await opened.close()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many sets of values went with each statement that was told as one."""
    sets: list[int] = []
    fetch = bulk._fetch

    async def counted(of: Connection, sql: str, many: list[object]) -> object:
        sets.append(len(many))
        return await fetch(of, sql, many)  # type: ignore[arg-type]

    monkeypatch.setattr(bulk, "_fetch", counted)
    return sets


async def tallies(connection: Connection) -> dict[str, int]:
    return dict(await connection.fetch("SELECT name, n FROM tally ORDER BY name"))


async def test_each_set_of_values_has_its_own_rows(connection: Connection) -> None:
    rows = await rows_of_each(connection, READ, [(2, None), (9, None), (1, "b")])
    assert rows == [[(2, "b"), (3, "c")], [], [(1, "a"), (3, "c")]]
    assert await rows_of_each(connection, ADD, [(10, "c"), (5, "x"), (20, "a")]) == [
        [(13,)],
        [],
        [(21,)],
    ]
    assert await tallies(connection) == {"a": 21, "b": 2, "c": 13}


async def test_each_set_of_values_has_its_own_count(connection: Connection) -> None:
    assert await counts_of_each(connection, DROP, [("a", 1), ("b", 5), ("c", 9)]) == [0, 1, 1]
    assert await counts_of_each(connection, PUT, [("a", 5), ("d", 6)]) == [1, 1]
    assert await tallies(connection) == {"a": 6, "d": 7}


async def test_nothing_and_one_set_need_no_arrays(connection: Connection, asked: list[int]) -> None:
    await run_each(connection, PUT, [])
    assert await counts_of_each(connection, PUT, []) == []
    await run_each(connection, PUT, [("d", 1)])
    assert await counts_of_each(connection, DROP, [("d", 0)]) == [0]
    assert await rows_of_each(connection, READ, [(4, None)]) == [[(4, "d")]]
    assert asked == [0]


@one_connection
@given(values=st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
async def test_texts_arrive_as_they_are(connection: Connection, values: list[str | None]) -> None:
    read = "SELECT $1::text::text[]"
    assert await connection.fetchval(read, in_words("text", values)) == values


@one_connection
@given(values=st.lists(st.none() | st.binary()))
async def test_bytes_arrive_as_they_are(connection: Connection, values: list[bytes | None]) -> None:
    read = "SELECT $1::text::bytea[]"
    assert await connection.fetchval(read, in_words("bytea", values)) == values


@one_connection
@given(values=st.lists(st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1)))
async def test_numbers_arrive_as_they_are(
    connection: Connection, values: list[int | bool | None]
) -> None:
    read = "SELECT $1::text::int8[]"
    assert await connection.fetchval(read, in_words("int8", values)) == values


async def plan_of(connection: Connection, statement: str, *values: str) -> str:
    """As it is planned for any values."""
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    await connection.execute(f"PREPARE asked AS {statement}")
    plan = await connection.fetch(f"EXPLAIN EXECUTE asked ({', '.join(values)})")
    return "\n".join(row[0] for row in plan)


@pytest.mark.parametrize("sql", [*LOOKED_UP, *sorted(disjoint())], ids=lambda sql: sql[:60])
async def test_as_one_a_statement_looks_up_rows_by_an_index_even_while_tables_are_empty(
    connection: Connection, sql: str
) -> None:
    types = [p.name for p in (await connection.prepare(translated(sql))).get_parameters()]
    text = await plan_of(connection, as_one(sql, tuple(types)), *["NULL"] * len(types))
    assert "Seq Scan" not in text, text
    assert "Hash" not in text, text
    if sql not in OF_FEW:
        scans = text.count("Index Scan") + text.count("Index Only Scan")
        assert text.count("Index Cond:") == scans, f"an index is walked from end to end\n{text}"


async def test_the_newest_attempts_of_an_endpoint_are_found_without_those_of_others(
    connection: Connection,
) -> None:
    text = await plan_of(connection, translated(webhooks._ATTEMPTS), "'ws'", "'hook'", "100")
    assert "Index Scan Backward using webhook_attempt_by_webhook" in text, text
    assert "Sort" not in text, text


@pytest.mark.parametrize("sql", [engine.DOORS, engine.CLAIM_DOORS], ids=["looking", "claiming"])
async def test_doors_are_looked_for_by_the_lock_and_never_among_all_that_is_due(
    connection: Connection, sql: str
) -> None:
    text = await plan_of(connection, translated(sql), "1", "1", "'[]'", "NULL")
    assert "Seq Scan" not in text, text
    assert "visit_pkey" in text, text
    assert "action_attempt_pending_of_device" in text, text
