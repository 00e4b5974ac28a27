"""What is due and waits is counted, and what is not due, or at work, is not."""

from datetime import timedelta

from latchwork.domain.webhook import Attempt
from latchwork.storage.backlog import Backlog
from support.stored import HOUR, LEASE, Stored

SENT = {"attempt": 1, "duration_ms": 5, "status_code": 500, "error": None, "response": ""}
NOTHING = Backlog(visits=0, visits_since=None, messages=0, messages_since=None)


async def test_locks_and_messages_that_wait_are_counted(stored: Stored) -> None:
    storage = stored.storage
    assert await storage.backlog(stored.now) == NOTHING
    await stored.lock("due", due=True)
    await stored.webhook("a")
    await storage.add_events("ws", [stored.event("a"), stored.event("a")])
    since = stored.now
    stored.clock.go(HOUR)
    assert await storage.backlog(stored.now) == Backlog(
        visits=1, visits_since=since, messages=2, messages_since=since
    )
    assert await storage.backlog(since - timedelta(seconds=1)) == NOTHING


async def test_what_is_being_worked_on_does_not_wait(stored: Stored) -> None:
    storage = stored.storage
    await stored.lock("due", due=True)
    await stored.webhook("a")
    await storage.add_events("ws", [stored.event("a")])
    assert len(await stored.claim()) == 1
    [message] = await storage.claim_messages(stored.now, LEASE, 9)
    assert await storage.backlog(stored.now) == NOTHING
    attempt = Attempt(attempted_at=stored.now, **SENT)
    await storage.record_attempt(message, attempt, stored.now + HOUR, delivered=False)
    assert (await storage.backlog(stored.now)).messages == 0
    assert (await storage.backlog(stored.now + HOUR)).messages == 1
