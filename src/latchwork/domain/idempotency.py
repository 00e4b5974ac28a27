"""Requests that may be sent again without being carried out again."""

from datetime import timedelta
from enum import Enum
from typing import Final

import msgspec

KEPT: Final = timedelta(hours=24)
"""How long an answer is given again."""
CLAIM: Final = timedelta(minutes=2)
"""How long a process that is alive is believed to carry a request out, unless it says so anew."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to carry a request out, once. `token` fences its writes; `ids` gathers the ids
    that it makes, so that what a crashed request did can be found again."""

    scope: bytes
    token: str
    ids: list[str] = []


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The first answer. `body` may hold PINs."""

    status: int
    body: bytes

    def __repr__(self) -> str:
        return f"Answered({self.status})"


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """Carried out, but the server stopped before it had answered."""

    ids: tuple[str, ...]


class Held(Enum):
    """Why a request cannot be begun."""

    UNDER_WAY = "under way"
    OTHER_PARAMETERS = "other parameters"
