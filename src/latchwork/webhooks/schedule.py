"""When a message is tried again."""

from datetime import datetime, timedelta
from typing import Final

DELAYS: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""Before each attempt, from the end of the one before it: 8 attempts over 27 h 35 min 5 s."""

JITTER: Final = 0.1
"""A delay is lengthened by up to this share, so that a burst does not come back as a burst."""

LONGEST_RETRY_AFTER: Final = timedelta(hours=10)


def next_attempt(
    attempt: int, now: datetime, jitter: float, retry_after: timedelta | None = None
) -> datetime | None:
    """When to try again after failed attempt number `attempt` (1 for the first); None: never.

    `jitter`: 0.0 to 1.0, random. `retry_after`: what the receiver asked for; it can put the
    attempt off, by LONGEST_RETRY_AFTER at most, and never brings it forward.
    """
    if attempt >= len(DELAYS):
        return None
    delay = DELAYS[attempt] * (1 + JITTER * jitter)
    if retry_after is not None:
        delay = max(delay, min(retry_after, LONGEST_RETRY_AFTER))
    return now + delay
