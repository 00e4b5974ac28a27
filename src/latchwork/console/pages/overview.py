"""The overview: how things stand, what to look at first, what today brings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from starlette.responses import Response

from latchwork.console import words
from latchwork.console.rendering import page
from latchwork.console.routing import Route
from latchwork.console.visit import Visit
from latchwork.console.words import Look, look_of, look_of_lock
from latchwork.domain.access_code import CodeStatus
from latchwork.storage.console import COUNTED, Census, CodeGlance

LOCKS: Final = 18
TROUBLED: Final = 12
TURNS: Final = 24


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A code that starts or ends."""

    at: datetime
    starts: bool
    code: CodeGlance
    look: Look


async def overview(visit: Visit) -> Response:
    storage, workspace_id = visit.storage, visit.workspace_id
    census = await storage.census(workspace_id)
    found = await storage.locks_at_a_glance(workspace_id, limit=LOCKS)
    troubled = await storage.codes_in_trouble(workspace_id, TROUBLED)
    turns = [] if census.is_partial else await _turns(visit)
    locks = [(lock, look_of_lock(lock)) for lock in found.items]
    return page(
        visit,
        "overview.html",
        census=census,
        mood=_mood(census),
        counts=_counts(census),
        troubled=[(code, look_of(code)) for code in troubled],
        more_troubled=max(0, census.troubled - len(troubled)),
        ailing=[
            (lock, look) for lock, look in locks if look is not words.WELL and not lock.troubled
        ],
        turns=turns[:TURNS],
        more_turns=len(turns) > TURNS,
        locks=locks,
        more_locks=found.next_cursor is not None,
    )


def _mood(census: Census) -> Look:
    """The one sentence that somebody in a hurry reads."""
    if not census.locks:
        return Look("waiting", "No locks yet", "Connect an account, and its locks appear here.")
    parts = []
    if census.unreachable:
        parts.append(_many(census.unreachable, "lock is out of reach", "locks are out of reach"))
    if census.ailing:
        parts.append(_many(census.ailing, "lock has a warning", "locks have warnings"))
    if census.troubled:
        parts.append(_many(census.troubled, "code needs a look", "codes need a look"))
    set_codes = census.codes.get(CodeStatus.SET, 0)
    proven = f"{_many(set_codes, 'code is', 'codes are')} proven on their locks."
    if census.is_partial:
        proven = f"There are more than {COUNTED:,} codes; these many of them are counted here."
    if parts:
        key = "failed" if census.unreachable or census.troubled else "late"
        return Look(key, "Something needs you", f"{'; '.join(parts)}. {proven}")
    reach = _many(census.locks, "lock answers", "locks answer")
    return Look("set", "All is well", f"{reach}. {proven}")


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"


def _counts(census: Census) -> Sequence[tuple[Look, int]]:
    looks = (
        (words.SET, CodeStatus.SET),
        (words.SETTING, CodeStatus.SETTING),
        (Look("waiting", "Waiting for their time"), CodeStatus.UNSET),
        (words.REMOVING, CodeStatus.REMOVING),
    )
    return [(look, census.codes.get(status, 0)) for look, status in looks]


async def _turns(visit: Visit) -> list[Turn]:
    """What starts and ends on this day of the person's, in order."""
    local = visit.now.astimezone(visit.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    next_day = (midnight + timedelta(days=1)).replace(fold=0)
    codes = await visit.storage.codes_turning(visit.workspace_id, midnight, next_day, TURNS * 2 + 1)
    turns = [
        Turn(at=at, starts=starts, code=code, look=look_of(code))
        for code in codes
        for at, starts in ((code.starts_at, True), (code.ends_at, False))
        if at is not None and midnight <= at < next_day
    ]
    return sorted(turns, key=lambda turn: (turn.at, turn.starts))


ROUTES: Final = (Route("GET", "", overview),)
