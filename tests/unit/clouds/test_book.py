"""Positions for a cloud's codes: whose they are, where they go, and how long we wait for ours."""

from datetime import UTC, datetime, timedelta

import pytest

from latchwork.domain.device import LockCapabilities
from latchwork.domain.pin import Pin
from latchwork.drivers.clouds.book import KEEP_ANNOUNCED, Book, Page, Phase, Slot, Word
from latchwork.drivers.clouds.model import RemoteCode, State, Wish
from support.driver_context import KeptStore

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
LOCK = LockCapabilities(positions=4)


def wish(pin: str, name: str | None = "Guest") -> Wish:
    return Wish(pin=Pin(pin), name=name, window=None)


def code(code_id: str, pin: str | None, state: State = State.STORED) -> RemoteCode:
    return RemoteCode(
        code_id=code_id,
        pin=None if pin is None else Pin(pin),
        name="Guest",
        window=None,
        state=state,
    )


def announced(pin: str, at: datetime = NOW) -> Slot:
    return Slot(wish=wish(pin), phase=Phase.MAKING, since=at)


def test_other_peoples_codes_get_positions_from_the_last_one_down() -> None:
    page = Page({})
    page.settle([code("b", "2222"), code("a", "1111")], LOCK, NOW)
    assert {p: slot.code_id for p, slot in page.slots.items()} == {4: "a", 3: "b"}
    assert not any(slot.is_ours for slot in page.slots.values())


def test_they_keep_their_positions_and_free_them_when_they_go() -> None:
    page = Page({})
    page.settle([code("a", "1111"), code("b", "2222")], LOCK, NOW)
    page.settle([code("b", "2222"), code("c", "3333")], LOCK, NOW)
    assert {p: slot.code_id for p, slot in page.slots.items()} == {3: "b", 4: "c"}


def test_more_codes_than_positions_are_not_forced_in() -> None:
    page = Page({1: Slot(code_id="ours", wish=wish("4711"))})
    codes = [code("ours", "4711"), *(code(f"c{n}", f"111{n}") for n in range(6))]
    page.settle(codes, LOCK, NOW)
    assert page.slots[1].code_id == "ours"
    assert len(page.slots) == LOCK.positions


def test_a_code_whose_answer_was_lost_is_known_by_its_pin() -> None:
    page = Page({1: announced("4711")})
    page.settle([code("x", "4711")], LOCK, NOW)
    assert page.slots[1].code_id == "x"
    assert page.slots[1].phase is Phase.STANDING
    assert set(page.slots) == {1}


@pytest.mark.parametrize("other", [code("x", "4712"), code("x", None, State.STORED)])
def test_another_pin_is_not_ours(other: RemoteCode) -> None:
    page = Page({1: Slot(wish=wish("4711", name="Ada"), phase=Phase.MAKING, since=NOW)})
    page.settle([other], LOCK, NOW)
    assert page.slots[1].code_id is None
    assert page.slots[4] == Slot(code_id="x")


def test_an_announcement_is_forgotten_in_the_end() -> None:
    page = Page({1: announced("4711")})
    page.settle([], LOCK, NOW + KEEP_ANNOUNCED - timedelta(seconds=1))
    assert 1 in page.slots
    page.settle([], LOCK, NOW + KEEP_ANNOUNCED)
    assert not page.slots
    page.settle([code("x", "4711")], LOCK, NOW + KEEP_ANNOUNCED)
    assert not page.slots[4].is_ours


def test_a_standing_code_that_is_listed_no_more_is_gone_at_once() -> None:
    page = Page({1: Slot(code_id="x", wish=wish("4711"))})
    assert page.settle([], LOCK, NOW)
    assert not page.slots


async def test_the_book_outlives_a_restart_with_its_pins() -> None:
    store = KeptStore()
    book = Book(store)
    slot = Slot(code_id="x", wish=wish("4711"), phase=Phase.CHANGING, since=NOW, word=Word.NONE)
    await book.set("lock-1", 7, slot)
    later = Book(store)
    await later.load()
    assert later.page("lock-1").slots == {7: slot}
    assert later.find("x") == ("lock-1", 7)
    assert "4711" not in repr(later.page("lock-1").slots)


async def test_a_page_is_taken_as_it_is_stored() -> None:
    store = KeptStore()
    one, other = Book(store), Book(store)
    slot = Slot(code_id="x", wish=wish("4711"))
    await one.set("lock-1", 1, slot)
    await other.refresh("lock-1")
    await other.set("lock-1", 2, Slot(code_id="y", wish=wish("2580")))
    await one.refresh("lock-1")
    assert set(one.page("lock-1").slots) == {1, 2}
