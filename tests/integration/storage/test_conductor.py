"""Units side by side in one transaction of PostgreSQL: fewer round trips, the same outcome."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from latchwork.storage.postgres import conductor
from latchwork.storage.postgres.conductor import Part, UnitSession, alone, conduct
from latchwork.storage.vault import Vault
from support.stored import MASTER_KEY

Connection = asyncpg.Connection  # type: ignore[type-arg]
VAULT = Vault(MASTER_KEY)
ADD = "UPDATE tally SET n = n + ? WHERE name = ?"
READ = "SELECT n, name, n FROM tally WHERE name = ?"
TAKE = "UPDATE tally SET n = 0 WHERE name = ? RETURNING name, n"
PUT = "INSERT INTO tally (name, n) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    opened = await asyncpg.connect(database_url)
    await opened.execute("CREATE TEMPORARY TABLE tally (name TEXT PRIMARY KEY, n BIGINT)")
    await opened.executemany("INSERT INTO tally VALUES ($1, $2)", [("a", 1), ("b", 2), ("c", 3)])
    yield opened
    await opened.close()


class Course:
    """Runs units, by their key, and remembers what was asked and how they ended."""

    def __init__(self, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connection = connection
        self.ended: dict[str, object] = {}
        self.trips: list[int] = []
        asked = conductor._asked

        async def counted(of: Connection, kind: str, sql: str, values: list[object]) -> object:
            self.trips.append(len(values))
            return await asked(of, kind, sql, values)

        monkeypatch.setattr(conductor, "_asked", counted)

    def part(self, name: str, unit: object, *keys: str) -> Part[object]:
        def ended(result: object, error: Exception | None) -> None:
            self.ended[name] = error or result

        return Part(unit(UnitSession(VAULT)), frozenset(keys), ended)  # type: ignore[operator]


@pytest.fixture
def course(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Course:
    return Course(connection, monkeypatch)


async def test_what_is_asked_together_is_one_round_trip_with_an_answer_for_each(
    course: Course,
) -> None:
    def unit(name: str) -> object:
        async def steps(session: UnitSession) -> object:
            changed = await session.run(ADD, (10, name))
            row = await session.one(READ, (name,))
            return changed, row, list(await session.all(TAKE, (name,)))

        return steps

    names = ("a", "b", "nobody", "c")
    await conduct(course.connection, [course.part(n, unit(n), n) for n in names])
    assert course.trips == [4, 4, 4]
    assert course.ended == {
        "a": (1, (11, "a", 11), [("a", 0)]),
        "b": (1, (12, "b", 12), [("b", 0)]),
        "nobody": (0, None, []),
        "c": (1, (13, "c", 13), [("c", 0)]),
    }


async def test_many_rows_of_many_units_are_one_round_trip(course: Course) -> None:
    def unit(*names: str) -> object:
        async def steps(session: UnitSession) -> object:
            await session.run_many(PUT, [(name, 7) for name in names])
            return await session.run(PUT, ("a", 7))

        return steps

    parts = [course.part("x", unit("x1", "x2"), "x"), course.part("y", unit("y1"), "y")]
    await conduct(course.connection, parts)
    assert course.trips == [2, 2]
    assert course.ended == {"x": 0, "y": 0}
    assert await course.connection.fetchval("SELECT sum(n) FROM tally") == 27


async def test_units_of_one_key_follow_one_another_and_those_without_any_run_alone(
    course: Course,
) -> None:
    order: list[str] = []

    def unit(name: str) -> object:
        async def steps(session: UnitSession) -> None:
            order.append(f"{name} begins")
            await session.one(READ, ("a",))
            order.append(f"{name} ends")

        return steps

    parts = [
        course.part("1", unit("1"), "k"),
        course.part("2", unit("2"), "k", "l"),
        course.part("3", unit("3"), "l"),
        course.part("4", unit("4"), "m"),
        course.part("5", unit("5")),
        course.part("6", unit("6"), "k"),
    ]
    await conduct(course.connection, parts)
    assert [n for n in order if "begins" in n] == [f"{n} begins" for n in "142356"]
    assert order.index("1 ends") < order.index("2 begins")
    assert order.index("2 ends") < order.index("3 begins")
    assert order.index("5 begins") > order.index("3 ends")
    assert order[-4:] == ["5 begins", "5 ends", "6 begins", "6 ends"]


async def test_an_error_of_a_unit_is_its_own_and_one_of_a_statement_ends_all(
    course: Course,
) -> None:
    async def refuses(session: UnitSession) -> None:
        await session.one(READ, ("a",))
        raise ValueError("no")

    async def fine(session: UnitSession) -> object:
        await session.one(READ, ("a",))
        return await alone(lambda: asyncio.sleep(0, "alone"))

    async def wrong(session: UnitSession) -> None:
        await session.one("SELECT 1 / 0 WHERE 'x' = ?", ("x",))

    await conduct(course.connection, [course.part("a", refuses, "a"), course.part("b", fine, "b")])
    assert isinstance(course.ended["a"], ValueError)
    assert course.ended["b"] == "alone"
    with pytest.raises(asyncpg.DivisionByZeroError):
        await conduct(course.connection, [course.part("c", fine, "c"), course.part("d", wrong)])
    assert "d" not in course.ended
