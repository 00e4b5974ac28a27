"""Many writers at once: each gets its own answer, whatever becomes of the others."""

import asyncio

import msgspec
import pytest

from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.errors import Rejected
from latchwork.storage.interface import CodeFilter, Duplicate, EventFilter
from support.stored import NOW, Stored


async def names_of_events(stored: Stored) -> set[str]:
    page = await stored.storage.events("ws", EventFilter(), limit=500, cursor=None)
    return {event.event_type for event in page.items}


async def test_concurrent_creates_are_all_stored(stored: Stored) -> None:
    codes = [stored.code() for _ in range(300)]
    answers = await asyncio.gather(*(stored.try_create(code) for code in codes))
    assert answers == [None] * 300
    page = await stored.storage.codes("ws", CodeFilter(), limit=500, cursor=None)
    assert {view.code.access_code_id for view in page.items} == {c.access_code_id for c in codes}


async def test_of_concurrent_creates_with_one_pin_one_wins(stored: Stored) -> None:
    codes = [stored.code("4711") for _ in range(8)]
    answers = await asyncio.gather(*(stored.try_create(code) for code in codes))
    (winner,) = [code for code, answer in zip(codes, answers, strict=True) if answer is None]
    duplicates = [answer for answer in answers if answer is not None]
    assert duplicates == [Duplicate(winner.access_code_id)] * 7


async def test_of_concurrent_updates_of_one_code_one_wins(stored: Stored) -> None:
    code = await stored.create()
    answers = await asyncio.gather(
        *(stored.update(code, name=f"n{number}") for number in range(5)), return_exceptions=True
    )
    assert [answer for answer in answers if answer is None] == [None]
    found = await stored.stored_code(code)
    assert found is not None
    assert found.generation == 2


async def test_one_failing_write_fails_alone_and_leaves_nothing(stored: Stored) -> None:
    """The attempt's id is taken, which shows only after the code itself was written."""
    taken = await _stored_attempt(stored)
    woken: list[int] = []
    stored.storage.listen_due(lambda: woken.append(1))
    codes = [stored.code(due) for due in ("1001", "1002", "1003", "1004")]
    writes = []
    for number, code in enumerate(codes):
        attempt = stored.attempt(code)
        if number == 2:
            attempt = msgspec.structs.replace(attempt, action_attempt_id=taken.action_attempt_id)
        event = stored.event(f"event-{number}")
        writes.append(stored.storage.create_code(code, attempt, [event], NOW))
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(answer, Exception) for answer in answers] == [False, False, True, False]
    page = await stored.storage.codes("ws", CodeFilter(), limit=9, cursor=None)
    assert {view.code.pin.reveal() for view in page.items} == {"1001", "1002", "1004"}
    assert await names_of_events(stored) >= {"event-0", "event-1", "event-3"}
    assert "event-2" not in await names_of_events(stored)
    assert await stored.storage.attempt("ws", taken.action_attempt_id) == taken
    assert woken == [1]


async def test_a_failing_write_tells_nobody(stored: Stored) -> None:
    taken = await _stored_attempt(stored)
    woken: list[int] = []
    stored.storage.listen_due(lambda: woken.append(1))
    stored.storage.listen_messages(lambda: woken.append(2))
    await stored.webhook()
    code = stored.code()
    attempt = msgspec.structs.replace(
        stored.attempt(code), action_attempt_id=taken.action_attempt_id
    )
    with pytest.raises(Exception, match="action_attempt"):
        await stored.storage.create_code(code, attempt, [stored.event()], NOW)
    assert woken == []
    assert await stored.storage.next_due() is None


async def test_a_webhook_undone_with_its_batch_gets_no_events(stored: Stored) -> None:
    webhook = await stored.webhook("other")
    again = msgspec.structs.replace(webhook, url="https://second.example.com")
    answers = await asyncio.gather(
        stored.storage.add_webhook(again),
        stored.storage.add_events("ws", [stored.event("other")]),
        return_exceptions=True,
    )
    assert [isinstance(answer, Exception) for answer in answers] == [True, False]
    assert await stored.storage.webhooks("ws") == [webhook]


async def test_an_expected_refusal_does_not_disturb_its_batch(stored: Stored) -> None:
    codes = [stored.code() for _ in range(3)]
    await stored.create("4711")
    refused = stored.code("4711")
    with pytest.raises(Rejected):
        await stored.storage.codes("ws", CodeFilter(), limit=1, cursor="%%")
    answers = await asyncio.gather(*(stored.try_create(c) for c in [*codes, refused]))
    assert [answer is None for answer in answers] == [True, True, True, False]


async def test_cancelled_callers_do_not_disturb_the_others(stored: Stored) -> None:
    codes = [stored.code() for _ in range(20)]
    tasks = [asyncio.create_task(stored.try_create(code)) for code in codes]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers[1::2] == [None] * 10
    page = await stored.storage.codes("ws", CodeFilter(), limit=50, cursor=None)
    found = {view.code.access_code_id for view in page.items}
    assert {code.access_code_id for code in codes[1::2]} <= found
    await stored.create()


async def test_what_was_queued_is_stored_before_closing(stored: Stored) -> None:
    tasks = [asyncio.create_task(stored.create()) for _ in range(5)]
    await asyncio.sleep(0)
    await stored.storage.aclose()
    assert len(await asyncio.gather(*tasks)) == 5
    await stored.storage.aclose()


async def _stored_attempt(stored: Stored) -> ActionAttempt:
    """Of a code of another lock, so that nothing becomes due here."""
    code = stored.code()
    attempt = stored.attempt(code, device_id=None)
    await stored.storage.add_attempt(attempt)
    return attempt
