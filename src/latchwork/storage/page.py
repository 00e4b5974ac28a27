"""Pages of keyset lists."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a keyset list, newest first. `next_cursor` None: the last page."""

    items: tuple[T, ...]
    next_cursor: str | None = None
