"""What is old enough is deleted, a few rows at a time; what still waits is not."""

from datetime import timedelta

import msgspec

from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import AttemptStatus
from latchwork.domain.webhook import Attempt
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, LEASE, Stored

DAY = timedelta(days=1)
SENT = {"attempt": 1, "duration_ms": 5, "status_code": 204, "error": None, "response": ""}


async def types(stored: Stored) -> list[str]:
    page = await stored.storage.events("ws", EventFilter(), limit=100, cursor=None)
    return [event.event_type for event in page.items]


async def test_old_events_go_and_new_ones_stay(stored: Stored) -> None:
    storage = stored.storage
    await storage.add_events("ws", [stored.event(f"old-{number}") for number in range(3)])
    stored.clock.go(DAY)
    await storage.add_events("ws", [stored.event("new")])
    assert await storage.prune_events(stored.now - HOUR, 2) == 2
    assert await storage.prune_events(stored.now - HOUR, 2) == 1
    assert await storage.prune_events(stored.now - HOUR, 2) == 0
    assert await types(stored) == ["new"]


async def test_deliveries_go_but_for_messages_that_wait(stored: Stored) -> None:
    storage = stored.storage
    webhook = await stored.webhook("a")
    await storage.add_events("ws", [stored.event("a"), stored.event("a")])
    done, _waiting = await storage.claim_messages(stored.now, LEASE, 9)
    attempt = Attempt(attempted_at=stored.now, **SENT)
    await storage.record_attempt(done, attempt, None, delivered=True)
    stored.clock.go(DAY)
    assert await storage.prune_deliveries(stored.now - HOUR, 10) == 1
    assert await storage.attempts_of("ws", webhook.webhook_id, 9) == []
    (again,) = await storage.claim_messages(stored.now, LEASE, 9)
    assert again.message_id != done.message_id


async def test_attempts_go_when_they_have_ended(stored: Stored) -> None:
    storage, code = stored.storage, stored.code()
    ended = stored.attempt(code)
    pending = stored.attempt(code, status=AttemptStatus.PENDING)
    for attempt in (ended, pending):
        await storage.add_attempt(msgspec.structs.replace(attempt, device_id=None))
    stored.clock.go(DAY)
    assert await storage.prune_attempts(stored.now - 2 * DAY, 10) == 0
    assert await storage.prune_attempts(stored.now - HOUR, 10) == 1
    assert await storage.attempt("ws", ended.action_attempt_id) is None
    assert await storage.attempt("ws", pending.action_attempt_id) is not None


async def gone(stored: Stored, pin: str) -> AccessCode:
    """A code that was removed from its lock now."""
    code = await stored.create(pin)
    ended = msgspec.structs.replace(code, deleted_at=stored.now)
    told = stored.event("gone", device_id="dev", access_code_id=code.access_code_id)
    await stored.visit(codes=(ended,), events=(told,))
    return code


async def test_codes_go_a_while_after_they_are_gone_with_all_that_is_theirs(stored: Stored) -> None:
    storage = stored.storage
    stays = await stored.create("1111")
    first, second = await gone(stored, "2222"), await gone(stored, "3333")
    stored.clock.go(DAY)
    third = await gone(stored, "4444")
    assert await storage.prune_codes(stored.now - 2 * DAY, 10) == 0
    assert await storage.prune_codes(stored.now - HOUR, 1) == 1
    assert await storage.prune_codes(stored.now - HOUR, 10) == 1
    assert await storage.prune_codes(stored.now - HOUR, 10) == 0
    page = await storage.events("ws", EventFilter(), limit=100, cursor=None)
    told_of = {event.access_code_id for event in page.items}
    assert told_of == {stays.access_code_id, third.access_code_id}
    assert await stored.stored_code(stays) == stays
    attempts = await storage.attempts("ws", ids=None, device_id="dev", limit=99, cursor=None)
    assert {one.access_code_id for one in attempts.items} == told_of
    assert {first.access_code_id, second.access_code_id}.isdisjoint(told_of)
