"""Runs many units side by side on one connection: whatever they ask for at the same time in the
same words is one round trip, in which the server is handed the values of each in turn.

A unit waits for nothing but its statements, so it is driven by hand: each statement comes out of
its coroutine as an `Ask`, and the answer goes back in.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from latchwork.storage.postgres.bulk import counts_of_each, rows_of_each, run_each
from latchwork.storage.sql.session import Row, Values
from latchwork.storage.vault import Vault

if TYPE_CHECKING:
    from latchwork.storage.postgres.session import AnyConnection

T = TypeVar("T")

ROWS: Final = "rows"
COUNT: Final = "count"
MANY: Final = "many"
ALONE: Final = "alone"


class Ask:
    """A statement of a unit with many sets of values, waiting for its answer: the rows for each
    set, how many it changed for each, or for MANY none. For ALONE, `values` is what is to be done
    by itself instead."""

    __slots__ = ("kind", "sql", "values")

    def __init__(self, kind: str, sql: str, values: Any) -> None:
        self.kind = kind
        self.sql = sql
        self.values = values

    def __await__(self) -> Generator["Ask", Any, Any]:
        answer = yield self
        return answer


async def alone(do: Callable[[], Awaitable[T]]) -> T:
    """For units: what uses the connection by itself."""
    answer: T = await Ask(ALONE, "", do)
    return answer


class UnitSession:
    """See Session; what a unit that reads is given."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        [rows] = await Ask(ROWS, sql, [values])
        return rows[0] if rows else None

    async def all(self, sql: str, values: Values = ()) -> Sequence[Row]:
        rows: Sequence[Row]
        [rows] = await Ask(ROWS, sql, [values])
        return rows

    async def all_each(self, sql: str, many: Iterable[Values]) -> Sequence[Sequence[Row]]:
        rows: Sequence[Sequence[Row]] = await Ask(ROWS, sql, list(many))
        return rows

    async def run(self, sql: str, values: Values = ()) -> int:
        [count] = await Ask(COUNT, sql, [values])
        return int(count)

    async def run_many(self, sql: str, many: Iterable[Values]) -> None:
        await Ask(MANY, sql, list(many))

    async def run_each(self, sql: str, many: Iterable[Values]) -> Sequence[int]:
        counts: Sequence[int] = await Ask(COUNT, sql, list(many))
        return counts


class Part(Generic[T]):
    """One unit's course. `keys`: it runs beside none that has one of them, and after those that
    came before; without any, beside nobody."""

    __slots__ = ("ask", "ended", "keys", "unit")

    def __init__(
        self,
        unit: Coroutine[Any, Any, T],
        keys: frozenset[str],
        ended: Callable[[T | None, Exception | None], None],
    ) -> None:
        self.unit = unit
        self.keys = keys
        self.ended = ended
        """Is told the unit's answer or error; may raise, which ends the whole."""
        self.ask: Ask | None = None

    def go_on(self, answer: Any) -> bool:
        """Until its next statement; False: it has ended."""
        try:
            self.ask = self.unit.send(answer)
        except StopIteration as end:
            self.ended(end.value, None)
            return False
        except Exception as error:  # noqa: BLE001 - it is the unit's, whatever it is
            self.ended(None, error)
            return False
        return True


async def conduct(connection: "AnyConnection", parts: Iterable[Part[Any]]) -> None:
    """Runs all units to their ends. Raises what a statement raised; what is left of the units is
    closed then."""
    waiting = deque(parts)
    active: list[Part[Any]] = []
    try:
        while waiting or active:
            active += _started(waiting, active)
            answers = await _answers(connection, active)
            active = [p for p, answer in zip(active, answers, strict=True) if p.go_on(answer)]
    finally:
        for part in (*active, *waiting):
            part.unit.close()


def _started(waiting: "deque[Part[Any]]", active: Sequence[Part[Any]]) -> list[Part[Any]]:
    """Those of the waiting that may run beside the active ones, at their first statements."""
    taken = {key for part in active for key in part.keys}
    started: list[Part[Any]] = []
    if any(not part.keys for part in active):
        return started
    passed: list[Part[Any]] = []
    while waiting:
        part = waiting[0]
        if not part.keys and (active or started or passed):
            break
        waiting.popleft()
        if part.keys.isdisjoint(taken):
            if part.go_on(None):
                started.append(part)
                taken |= part.keys
            if not part.keys:
                break
        else:
            passed.append(part)
            taken |= part.keys
    waiting.extendleft(reversed(passed))
    return started


async def _answers(connection: "AnyConnection", parts: Sequence[Part[Any]]) -> list[Any]:
    groups: dict[tuple[str, str], list[int]] = {}
    asks = [part.ask for part in parts if part.ask is not None]
    for place, ask in enumerate(asks):
        groups.setdefault((ask.kind, ask.sql), []).append(place)
    answers: list[Any] = [None] * len(asks)
    for (kind, sql), places in groups.items():
        values = [asks[place].values for place in places]
        for place, answer in zip(places, await _asked(connection, kind, sql, values), strict=True):
            answers[place] = answer
    return answers


async def _asked(
    connection: "AnyConnection", kind: str, sql: str, values: list[Any]
) -> Sequence[Any]:
    """The answers to one statement with the values of each who asks."""
    if kind == ALONE:
        return [await do() for do in values]
    every = [one for many in values for one in many]
    if kind == MANY:
        await run_each(connection, sql, every)
        return [None] * len(values)
    ask = counts_of_each if kind == COUNT else rows_of_each
    answers = iter(await ask(connection, sql, every))
    return [list(islice(answers, len(many))) for many in values]
