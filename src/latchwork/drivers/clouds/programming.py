"""Making, changing and removing a cloud's codes, each announced in the book before it is done."""

from collections.abc import Coroutine
from typing import Any

from msgspec.structs import replace

from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.drivers.clouds.book import KEEP_ANNOUNCED, Book, Phase, Slot, Word
from latchwork.drivers.clouds.cloud import Cloud
from latchwork.drivers.clouds.lists import Listed, Lists
from latchwork.drivers.clouds.model import AnswerLost, RemoteCode, State, Wish
from latchwork.drivers.protocol import DriverClock

REFUSALS = (Conflict, Rejected, Unsupported, NeedsAttention)
"""Answers that say that nothing was stored."""


class Programming:
    """Writes and clears positions. The caller holds the lock for itself alone."""

    def __init__(self, cloud: Cloud, book: Book, lists: Lists, clock: DriverClock) -> None:
        self._cloud = cloud
        self._book = book
        self._lists = lists
        self._clock = clock

    async def write(self, key: str, position: int, wish: Wish, listed: Listed) -> None:
        slot = self._book.page(key).slots.get(position)
        self._check_shown(key, position, slot)
        await self._raise_failure(key, position, slot, wish)
        self._check_duplicate(key, slot, wish, listed)
        code = None if slot is None or slot.code_id is None else listed.get(slot.code_id)
        if slot is not None and code is not None and code.state is not State.FAILED:
            await self._change(key, position, slot, code, wish)
            return
        if slot is not None and slot.is_ours and slot.code_id is not None:
            # One that failed, or that the cloud took and never listed.
            await self._cloud.delete(key, slot.code_id)
            self._lists.failures.pop(slot.code_id, None)
        await self._create(key, position, slot, wish)

    def _check_shown(self, key: str, position: int, slot: Slot | None) -> None:
        """Whose code may be changed is the engine's to decide, after a read. One of another hand
        that has come to the position since then is not what it decided about."""
        if slot is not None and not slot.is_ours and not self._lists.was_shown(key, position, slot):
            raise RetryLater("Another code has come to the position since it was read.")

    async def _raise_failure(self, key: str, position: int, slot: Slot | None, wish: Wish) -> None:
        """What the cloud told only after it had taken the same wish is raised at the next try;
        what is left of that wish on the cloud's list goes."""
        if slot is None or slot.code_id is None or slot.wish != wish:
            return
        failure = self._lists.failures.get(slot.code_id)
        if failure is None:
            return
        await self._cloud.delete(key, slot.code_id)
        await self._book.set(key, position, None)
        del self._lists.failures[slot.code_id]
        raise failure

    def _check_duplicate(self, key: str, slot: Slot | None, wish: Wish, listed: Listed) -> None:
        own = None if slot is None else slot.code_id
        page = self._book.page(key)
        for code in listed.values():
            if code.pin != wish.pin or code.code_id == own or code.state is State.FAILED:
                continue
            position = page.position_of(code.code_id)
            other = None if position is None else page.slots[position]
            if other is not None and other.phase in (Phase.REMOVING, Phase.CHANGING):
                raise RetryLater("A code of ours with this PIN is still on its way out.")
            raise Conflict("The lock holds this PIN already.", position)

    async def _change(
        self, key: str, position: int, before: Slot, code: RemoteCode, wish: Wish
    ) -> None:
        slot = replace(before, wish=wish, phase=Phase.CHANGING)
        try:
            await self._asked(key, position, slot, self._cloud.change(key, code, wish))
        except REFUSALS:
            await self._book.set(key, position, before)
            raise

    async def _create(self, key: str, position: int, before: Slot | None, wish: Wish) -> None:
        slot = Slot(wish=wish, phase=Phase.MAKING)
        try:
            await self._asked(key, position, slot, self._cloud.create(key, wish))
        except REFUSALS as error:
            raise await self._refused(key, position, before, wish, error) from None

    async def _asked(
        self, key: str, position: int, slot: Slot, asking: Coroutine[Any, Any, str | None]
    ) -> None:
        """Announces in the book what the cloud is about to be asked for, and notes its word."""
        slot = replace(slot, since=self._clock.now(), word=Word.NONE)
        try:
            await self._book.set(key, position, slot)
        except BaseException:
            asking.close()
            raise
        try:
            code_id = await asking
        except AnswerLost:
            raise
        except RetryLater:
            await self._book.set(key, position, replace(slot, word=Word.PUT_OFF))
            raise
        named = replace(slot, code_id=code_id or slot.code_id, word=Word.TAKEN)
        await self._book.set(key, position, named)

    async def _refused(
        self, key: str, position: int, before: Slot | None, wish: Wish, error: LatchworkError
    ) -> LatchworkError:
        """A PIN that is refused as a duplicate may be our own, from a try whose answer was lost
        or that is still on its way."""
        tried = (
            before is not None
            and before.phase is Phase.MAKING
            and before.wish is not None
            and before.wish.pin == wish.pin
            and before.is_younger_than(KEEP_ANNOUNCED, self._clock.now())
        )
        if not (tried and isinstance(error, Conflict)):
            await self._book.set(key, position, None)
            return error
        await self._book.set(key, position, before)
        return RetryLater("The PIN may be on its way from an earlier try.")

    async def clear(self, key: str, position: int) -> None:
        slot = self._book.page(key).slots.get(position)
        if slot is None or slot.code_id is None:
            return
        self._check_shown(key, position, slot)
        leaving = replace(slot, phase=Phase.REMOVING)
        await self._asked(key, position, leaving, self._cloud.delete(key, slot.code_id))
