"""The timeline of every lock: codes as bars over days."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Final

from starlette.responses import Response

from latchwork.console.bars import Chart
from latchwork.console.rendering import page
from latchwork.console.routing import Route
from latchwork.console.visit import Visit
from latchwork.console.words import look_of_lock
from latchwork.storage.console import CodeGlance

SPANS: Final = {"7": 7, "14": 14, "28": 28}
LOCKS: Final = 20
CODES: Final = 600


async def timeline(visit: Visit) -> Response:
    days = SPANS.get(visit.asked("days"), 7)
    first = _day(visit.asked("from"), visit) or visit.now - timedelta(days=1)
    chart = Chart.of(first, days, visit.now, visit.zone)
    offset = int(visit.asked("after")) if visit.asked("after").isdecimal() else 0
    search = visit.asked("q")[:100]
    found = await visit.storage.locks_at_a_glance(
        visit.workspace_id, limit=LOCKS, offset=min(offset, 1_000_000), search=search or None
    )
    codes = await visit.storage.codes_during(
        [lock.device_id for lock in found.items],
        chart.since.astimezone(UTC),
        chart.until.astimezone(UTC),
        CODES,
    )
    of_lock: dict[str, list[CodeGlance]] = defaultdict(list)
    for code in codes:
        of_lock[code.device_id].append(code)
    return page(
        visit,
        "timeline.html",
        chart=chart,
        days=days,
        spans=SPANS,
        search=search,
        after=offset,
        lanes=[
            (lock, look_of_lock(lock), chart.lane(of_lock[lock.device_id])) for lock in found.items
        ],
        next_after=found.next_cursor,
        is_cut=len(codes) == CODES,
        earlier=f"{chart.since - timedelta(days=days):%Y-%m-%d}",
        later=f"{chart.until:%Y-%m-%d}",
    )


def _day(text: str, visit: Visit) -> datetime | None:
    """Noon of a day as addresses name it; None for anything else."""
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(hour=12, tzinfo=visit.zone)
    except ValueError:
        return None
    return found if 1970 < found.year < 2200 else None


ROUTES: Final = (Route("GET", "/timeline", timeline),)
