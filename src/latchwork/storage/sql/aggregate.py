"""What the files of queries share: the database, keyset pages, and JSON columns."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import Rejected
from latchwork.domain.problem import Problem, Problems
from latchwork.storage import cursor as cursors
from latchwork.storage.interface import Page
from latchwork.storage.sql import sql
from latchwork.storage.sql.session import Database, Row, Session

T = TypeVar("T")

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_PROBLEMS: Final = msgspec.json.Decoder(tuple[Problem, ...])
_CAPABILITIES: Final = msgspec.json.Decoder(LockCapabilities)


class Aggregate:
    """Queries of one aggregate, on the shared database."""

    def __init__(self, db: Database) -> None:
        self._db = db


async def page(
    session: Session,
    columns: str,
    tables: str,
    where: sql.Where,
    key: tuple[str, str],
    make: Callable[[Row], T],
    *,
    limit: int,
    cursor: str | None,
    as_id: Callable[[str], Any] = str,
    offset: int = 0,
) -> Page[T]:
    """Rows newest first, after where `cursor` ended and `offset` more of them. `key`: the columns
    of creation and id, which must be the first two of `columns`. Raises
    Rejected("page_cursor") for a malformed cursor."""
    created_at, row_id = key
    if cursor is not None:
        instant, text = cursors.decode(cursor)
        try:
            last = as_id(text)
        except ValueError:
            raise Rejected("page_cursor", "The page cursor is not one of this list.") from None
        where.also(f"({created_at}, {row_id}) < (?, ?)", instant, last)
    order = f"ORDER BY {created_at} DESC, {row_id} DESC LIMIT ? OFFSET ?"
    statement = sql.select(columns, "FROM", tables, where.sql, order)
    rows = await session.all(statement, (*where.values, limit + 1, offset))
    shown = rows[:limit]
    more = len(rows) > limit > 0
    next_cursor = cursors.encode(shown[-1][0], str(shown[-1][1])) if more else None
    return Page(tuple(make(row) for row in shown), next_cursor)


def json_text(value: Any) -> str:
    return _ENCODER.encode(value).decode()


def json_or_none(value: Any) -> str | None:
    """NULL for anything empty."""
    return _ENCODER.encode(value).decode() if value else None


def mapping(text: str | None) -> dict[str, Any]:
    if text is None or text == "{}":
        return {}
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


def problems(text: str | None) -> Problems:
    return () if text is None else _PROBLEMS.decode(text)


@lru_cache(maxsize=256)
def capabilities(text: str) -> LockCapabilities:
    """Kept, because a house has many locks of few models."""
    return _CAPABILITIES.decode(text)
