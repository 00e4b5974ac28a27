"""From what a cloud tells to pushes for the engine: code ids and PINs become positions."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from latchwork.drivers.clouds.book import Book
from latchwork.drivers.clouds.lists import Lists
from latchwork.drivers.clouds.model import CodeTold, CodeUsed, LocksChanged, News
from latchwork.drivers.protocol import CodesChanged, DeviceChanged, LockOperated, Push


class NotedOnline(Protocol):
    def __call__(self, provider_key: str, *, online: bool) -> None: ...


class NewsDesk:
    """`list_codes` fetches a lock's codes where a code is not known; `list_locks` makes the
    account's locks be listed soon; `noted_online` is told of every lock's coming and going."""

    def __init__(
        self,
        book: Book,
        lists: Lists,
        list_codes: Callable[[str], Awaitable[bool]],
        list_locks: Callable[[], None],
        noted_online: NotedOnline,
    ) -> None:
        self._book = book
        self._lists = lists
        self._list_codes = list_codes
        self._list_locks = list_locks
        self._noted_online = noted_online

    async def pushes(self, news: Sequence[News]) -> list[Push]:
        found = [await self._push(one) for one in news]
        return [push for push in found if push is not None]

    async def _push(self, one: News) -> Push | None:
        if isinstance(one, LocksChanged):
            self._list_locks()
            return None
        if isinstance(one, CodeUsed):
            return await self._used(one)
        if isinstance(one, CodeTold):
            return self._told(one)
        if isinstance(one, DeviceChanged) and one.online is not None:
            self._noted_online(one.provider_key, online=one.online)
        return one

    async def _used(self, used: CodeUsed) -> Push:
        position = self._position(used)
        if position is None and await self._list_codes(used.provider_key):
            position = self._position(used)
        return LockOperated(
            provider_key=used.provider_key,
            locked=used.locked,
            method="keycode",
            position=position,
            occurred_at=used.occurred_at,
            report_id=used.report_id,
        )

    def _position(self, used: CodeUsed) -> int | None:
        if used.code_id is not None:
            return self._book.page(used.provider_key).position_of(used.code_id)
        if used.pin is not None:
            return self._lists.position_of_pin(used.provider_key, used.pin)
        return None

    def _told(self, told: CodeTold) -> Push | None:
        found = None if told.code_id is None else self._book.find(told.code_id)
        for key in {told.provider_key, None if found is None else found[0]} - {None}:
            self._lists.spend(str(key))
        if told.error is not None and told.code_id is not None:
            self._lists.failures[told.code_id] = told.error
        if found is not None:
            return CodesChanged(provider_key=found[0], positions=(found[1],))
        if told.provider_key is None:
            return None
        slots = self._book.page(told.provider_key).slots
        unnamed = tuple(p for p, slot in slots.items() if slot.code_id is None)
        return CodesChanged(provider_key=told.provider_key, positions=unnamed or None)
