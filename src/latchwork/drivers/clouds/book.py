"""Which position stands for which of a cloud's codes.

Clouds name codes by ids of their own; the engine by positions on a lock. The book keeps the two
together, durably, and knows which codes we made: what is to be made is announced before the cloud
is asked, so that a code whose answer was lost is known again on the cloud's list. Codes of others
get positions from the last one down, out of the way of ours.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.domain.pin import Pin
from latchwork.drivers.clouds.model import RemoteCode, State, Wish
from latchwork.drivers.protocol import DriverStore

KEEP_ANNOUNCED: Final = timedelta(minutes=10)
"""How long a code that was announced may take to show up and still be known as ours."""
PREFIX: Final = "codes/"


class Phase(StrEnum):
    """Where we stand with a code of ours."""

    MAKING = "making"
    CHANGING = "changing"
    STANDING = "standing"
    REMOVING = "removing"


class Word(StrEnum):
    """What the cloud answered to our last wish."""

    NONE = "none"
    """Nothing yet, or its answer was lost."""
    TAKEN = "taken"
    PUT_OFF = "put_off"
    """It said that it did not do it now."""


class Slot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is at a position. `wish` None: somebody else's code. `code_id` None: ours, and the
    cloud has not named it yet. `since`: when we last asked the cloud for something."""

    code_id: str | None = None
    wish: Wish | None = None
    phase: Phase = Phase.STANDING
    since: datetime | None = None
    word: Word = Word.TAKEN

    @property
    def is_ours(self) -> bool:
        return self.wish is not None

    def is_younger_than(self, span: timedelta, now: datetime) -> bool:
        """Whether something was asked for within this time and is not known to be done."""
        return (
            self.phase is not Phase.STANDING and self.since is not None and now - self.since < span
        )


class Page:
    """The positions of one lock."""

    def __init__(self, slots: Mapping[int, Slot]) -> None:
        self.slots = dict(slots)

    def position_of(self, code_id: str) -> int | None:
        return next((p for p, slot in self.slots.items() if slot.code_id == code_id), None)

    def settle(
        self, codes: Sequence[RemoteCode], capabilities: LockCapabilities, now: datetime
    ) -> bool:
        """Brings the positions in line with a fresh list; whether anything changed."""
        before = dict(self.slots)
        listed = {code.code_id: code for code in codes}
        known = {slot.code_id for slot in self.slots.values()}
        unknown = [code for code in codes if code.code_id not in known]
        for position, slot in before.items():
            self._settle_one(position, slot, listed, unknown, now)
        self._place_others(unknown, capabilities)
        return self.slots != before

    def _settle_one(
        self,
        position: int,
        slot: Slot,
        listed: Mapping[str, RemoteCode],
        unknown: list[RemoteCode],
        now: datetime,
    ) -> None:
        if slot.code_id is not None:
            code = listed.get(slot.code_id)
        else:
            code = next((c for c in unknown if slot.wish and c.fulfils(slot.wish)), None)
            if code is not None:
                unknown.remove(code)
        if code is not None:
            self.slots[position] = _as_listed(slot, code)
        elif slot.phase is not Phase.MAKING or not slot.is_younger_than(KEEP_ANNOUNCED, now):
            del self.slots[position]

    def _place_others(self, unknown: Sequence[RemoteCode], capabilities: LockCapabilities) -> None:
        free = (
            position
            for position in range(capabilities.last_position, capabilities.first_position - 1, -1)
            if position not in self.slots
        )
        others = sorted(
            (code for code in unknown if code.state is not State.FAILED), key=lambda c: c.code_id
        )
        # Where the positions have run out, the rest stays unlisted; the cloud still guards it.
        self.slots.update(
            {
                position: Slot(code_id=code.code_id)
                for code, position in zip(others, free, strict=False)
            }
        )


def _as_listed(slot: Slot, code: RemoteCode) -> Slot:
    """What was wished and is listed now stands."""
    slot = msgspec.structs.replace(slot, code_id=code.code_id)
    done = (
        slot.wish is not None
        and slot.phase in (Phase.MAKING, Phase.CHANGING)
        and code.state is State.STORED
        and code.fulfils(slot.wish)
    )
    return msgspec.structs.replace(slot, phase=Phase.STANDING) if done else slot


class Book:
    """The pages of an account's locks, kept in the driver's store."""

    def __init__(self, store: DriverStore) -> None:
        self._store = store
        self._pages: dict[str, Page] = {}

    async def load(self) -> None:
        for key, kept in (await self._store.load_all()).items():
            if key.startswith(PREFIX):
                self._pages[key.removeprefix(PREFIX)] = _page(kept)

    async def refresh(self, provider_key: str) -> None:
        """As it is stored: another process may have worked on the lock meanwhile."""
        kept = await self._store.load(f"{PREFIX}{provider_key}")
        if kept is not None:
            self._pages[provider_key] = _page(kept)

    def page(self, provider_key: str) -> Page:
        return self._pages.setdefault(provider_key, Page({}))

    def find(self, code_id: str) -> tuple[str, int] | None:
        """Lock and position of a code that the cloud named by its id alone."""
        for key, page in self._pages.items():
            position = page.position_of(code_id)
            if position is not None:
                return key, position
        return None

    async def set(self, provider_key: str, position: int, slot: Slot | None) -> None:
        """Durable when it returns. None: nothing is there any more."""
        page = self.page(provider_key)
        if slot is None:
            page.slots.pop(position, None)
        else:
            page.slots[position] = slot
        await self.save(provider_key)

    async def save(self, provider_key: str) -> None:
        slots = self.page(provider_key).slots
        await self._store.save(
            f"{PREFIX}{provider_key}", msgspec.json.encode(slots, enc_hook=_reveal)
        )


def _page(kept: bytes) -> Page:
    return Page(msgspec.json.decode(kept, type=dict[int, Slot], dec_hook=_conceal))


def _reveal(value: Any) -> str:
    if isinstance(value, Pin):
        return value.reveal()
    raise TypeError(type(value).__name__)


def _conceal(kind: type, value: Any) -> Any:
    return kind(value)
