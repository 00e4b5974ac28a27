"""How far a cloud's record has been told, over restarts."""

from datetime import UTC, datetime, timedelta

import msgspec

from latchwork.drivers.clouds.marks import Mark, Marks
from support.driver_context import KeptStore

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def marks(store: KeptStore, began: datetime = NOW) -> Marks:
    return Marks(store, "log", began)


async def test_the_first_one_stands_where_it_began_and_a_later_start_goes_on_from_there() -> None:
    store = KeptStore()
    assert await marks(store).standing() == Mark(NOW)
    assert await marks(store, NOW + SECOND).standing() == Mark(NOW)


async def test_it_moves_when_what_was_read_is_taken() -> None:
    store = KeptStore()
    some = marks(store)
    some.read(await some.standing(), NOW + SECOND, {"a": NOW, "b": NOW + SECOND})
    assert await some.standing() == Mark(NOW)
    assert await marks(store).standing() == Mark(NOW)
    await some.taken()
    for each in (some, marks(store)):
        assert await each.standing() == Mark(NOW + SECOND, frozenset({"b"}))


async def test_what_lies_at_its_instant_is_remembered() -> None:
    store = KeptStore()
    some = marks(store)
    for name in ("a", "b"):
        some.read(await some.standing(), NOW, {name: NOW})
        await some.taken()
    assert (await some.standing()).told == {"a", "b"}


async def test_it_never_goes_back() -> None:
    some = marks(KeptStore())
    some.read(await some.standing(), NOW - SECOND, {"a": NOW + SECOND})
    await some.taken()
    assert await some.standing() == Mark(NOW, frozenset({"a"}))


async def test_the_mark_of_an_earlier_release_is_an_instant() -> None:
    store = KeptStore()
    await store.save("log", msgspec.json.encode(NOW))
    assert await marks(store, NOW + SECOND).standing() == Mark(NOW)
