"""The codes of a lock as its cloud lists them, and what such a list says of a position."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import LatchworkError
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.drivers.clouds.book import Book, Phase, Slot, Word
from latchwork.drivers.clouds.cloud import Cloud
from latchwork.drivers.clouds.model import RemoteCode, State
from latchwork.drivers.protocol import DriverClock

REUSE: Final = timedelta(seconds=10)
"""A list so old still serves the look for duplicates before a write; never a read."""

LOST_ANSWER_PATIENCE: Final = timedelta(seconds=30)
"""A wish whose answer was lost is not repeated before: twice done would be one code too many."""
ONE_MOMENT: Final = timedelta(seconds=1)

Listed = Mapping[str, RemoteCode]
"""Codes by their id."""


class Lists:
    """The last list of every lock. `failures`: by code id, why the cloud says that a code did
    not reach its lock."""

    def __init__(self, cloud: Cloud, book: Book, clock: DriverClock) -> None:
        self.failures: dict[str, LatchworkError] = {}
        self._cloud = cloud
        self._book = book
        self._clock = clock
        self._last: dict[str, tuple[datetime, Listed]] = {}
        self._spends: dict[str, int] = {}
        """How often a lock's list was spent: one on its way then may be older than that."""
        self._shown: dict[tuple[str, int], str | None] = {}
        """Which code the engine was shown at a position."""

    async def fetch(self, provider_key: str, capabilities: LockCapabilities) -> Listed:
        """Fetched anew, with the book's positions brought in line; one list serves the reads of
        one moment, for a cloud answers with the whole lock whichever positions are asked for."""
        if (listed := self._young(provider_key, ONE_MOMENT)) is not None:
            return listed
        spends = self._spends.get(provider_key)
        codes = await self._cloud.codes(provider_key)
        now = self._clock.now()
        if self._book.page(provider_key).settle(codes, capabilities, now):
            await self._book.save(provider_key)
        listed = {code.code_id: code for code in codes}
        self._last[provider_key] = (now, listed)
        if self._spends.get(provider_key) != spends:
            self.spend(provider_key)
        return listed

    def recent(self, provider_key: str) -> Listed | None:
        """The last one, when it is young enough to look for duplicates in."""
        return self._young(provider_key, REUSE)

    def _young(self, provider_key: str, span: timedelta) -> Listed | None:
        at, listed = self._last.get(provider_key, (None, None))
        return None if at is None or self._clock.now() - at > span else listed

    def spend(self, provider_key: str) -> None:
        """What was listed is no longer true."""
        self._spends[provider_key] = self._spends.get(provider_key, 0) + 1
        at, listed = self._last.get(provider_key, (None, {}))
        if at is not None:
            self._last[provider_key] = (at - 2 * REUSE, listed)

    def position_of_pin(self, provider_key: str, pin: Pin) -> int | None:
        """Of the code that held this PIN when the lock was last listed."""
        _, listed = self._last.get(provider_key, (None, {}))
        page = self._book.page(provider_key)
        ids = (code.code_id for code in listed.values() if code.pin == pin)
        return next((p for i in ids if (p := page.position_of(i)) is not None), None)

    def was_shown(self, provider_key: str, position: int, slot: Slot) -> bool:
        """Whether the engine knows of the code that stands there."""
        return self._shown.get((provider_key, position)) == slot.code_id

    def seen(self, provider_key: str, position: int, listed: Listed) -> Observation:
        """What the list says of a position, which the engine is shown with it."""
        slot = self._book.page(provider_key).slots.get(position)
        seen = self._seen(slot, listed)
        stands = slot is not None and isinstance(seen, Holds | Occupied)
        self._shown[provider_key, position] = slot.code_id if slot and stands else None
        return seen

    def _seen(self, slot: Slot | None, listed: Listed) -> Observation:
        if slot is None:
            return Empty()
        code = None if slot.code_id is None else listed.get(slot.code_id)
        if code is None:
            failed = slot.code_id is not None and slot.code_id in self.failures
            return NotRead("on its way") if self._is_under_way(slot) and not failed else Empty()
        if code.state is State.FAILED:
            if code.error is not None:
                self.failures[code.code_id] = code.error
            return Empty()
        if code.state is State.PENDING or (
            self._is_under_way(slot) and not _is_as_wished(slot, code)
        ):
            return NotRead("on its way")
        if code.pin is None:
            return Occupied(code.window, name=code.name)
        return Holds(code.pin, code.window, name=code.name)

    def _is_under_way(self, slot: Slot) -> bool:
        """Whether a wish of ours may still be carried out that the list does not show yet."""
        if slot.word is Word.PUT_OFF:
            return False
        patience = self._cloud.patience
        if slot.word is Word.NONE:
            patience = max(patience, LOST_ANSWER_PATIENCE)
        return slot.is_younger_than(patience, self._clock.now())


def _is_as_wished(slot: Slot, code: RemoteCode) -> bool:
    if slot.phase is Phase.REMOVING:
        return False
    wish = slot.wish
    if wish is None:
        return True
    return code.fulfils(wish) and (wish.name is None or code.name in (None, wish.name))
