"""For how long a lock's list, as its cloud told it, is looked at again."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from latchwork.domain.device import LockCapabilities
from latchwork.domain.observation import Empty, Holds
from latchwork.domain.pin import Pin
from latchwork.drivers.clouds.book import Book, Slot
from latchwork.drivers.clouds.lists import Listed, Lists
from latchwork.drivers.clouds.model import RemoteCode, Wish
from support.driver_context import HandClock, KeptStore

NOW = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
LOCK = LockCapabilities(positions=4)
STANDS = RemoteCode(code_id="x", pin=Pin("4711"), name="Guest", window=None)


class _Cloud:
    """Answers what stood when it was asked; `on_the_way` happens before the answer arrives."""

    patience = timedelta(0)

    def __init__(self) -> None:
        self.standing = [STANDS]
        self.asked = 0
        self.on_the_way: Callable[[], None] = lambda: None

    async def codes(self, _provider_key: str) -> Sequence[RemoteCode]:
        self.asked += 1
        answer = tuple(self.standing)
        self.on_the_way()
        return answer


async def lists(cloud: Any) -> Lists:
    book = Book(KeptStore())
    await book.set(
        "front", 1, Slot(code_id="x", wish=Wish(pin=Pin("4711"), name=None, window=None))
    )
    return Lists(cloud, book, HandClock(NOW))


async def fetch(some: Lists) -> Listed:
    return await some.fetch("front", LOCK)


async def test_one_list_serves_the_reads_of_a_moment() -> None:
    cloud = _Cloud()
    some = await lists(cloud)
    assert isinstance(some.seen("front", 1, await fetch(some)), Holds)
    await fetch(some)
    assert cloud.asked == 1
    some.spend("front")
    await fetch(some)
    assert cloud.asked == 2


async def test_a_list_on_its_way_when_a_change_was_told_serves_no_later_read() -> None:
    cloud = _Cloud()
    some = await lists(cloud)

    def removed() -> None:
        cloud.standing.clear()
        cloud.on_the_way = lambda: None
        some.spend("front")

    cloud.on_the_way = removed
    assert isinstance(some.seen("front", 1, await fetch(some)), Holds)
    assert some.recent("front") is None
    assert some.seen("front", 1, await fetch(some)) == Empty()
