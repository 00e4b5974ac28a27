"""Idempotency keys: one claim, one answer, and the truth after a crash."""

import asyncio
from datetime import timedelta

import pytest

from latchwork.domain.errors import Conflict
from latchwork.domain.idempotency import CLAIM, KEPT, Answered, Claim, Held, Unanswered
from latchwork.storage.claimed import CLAIMED
from latchwork.storage.interface import CodeFilter
from latchwork.storage.sql.idempotency import IdempotencyQueries
from latchwork.storage.sql.session import Transaction
from support.stored import HOUR, NOW, Stored

SCOPE, PARAMETERS = "POST /x key", b'{"a":1}'
ANSWER = Answered(status=200, body=b'{"code":"4711"}')


async def claimed(stored: Stored, token: str = "one", after: timedelta = timedelta(0)) -> Claim:
    claim = await stored.storage.claim_request(SCOPE, PARAMETERS, token, NOW + after)
    assert isinstance(claim, Claim)
    return claim


async def test_the_first_answer_is_given_again(stored: Stored) -> None:
    claim = await claimed(stored)
    await stored.storage.answer_request(claim, ANSWER)
    ask = stored.storage.claim_request
    assert await ask(SCOPE, PARAMETERS, "two", NOW + 23 * HOUR) == ANSWER
    assert await ask(SCOPE, b"{}", "two", NOW + HOUR) is Held.OTHER_PARAMETERS
    assert isinstance(await ask("POST /y key", PARAMETERS, "two", NOW), Claim)
    assert "4711" not in repr(ANSWER)


async def test_one_of_many_is_first(stored: Stored) -> None:
    asked = await asyncio.gather(
        *(stored.storage.claim_request(SCOPE, PARAMETERS, f"t{n}", NOW) for n in range(20))
    )
    assert sum(isinstance(found, Claim) for found in asked) == 1
    assert asked.count(Held.UNDER_WAY) == 19


async def test_what_was_forgotten_can_be_begun_anew(stored: Stored) -> None:
    await stored.storage.forget_request(await claimed(stored))
    await claimed(stored, "two")


async def test_what_is_under_way_is_held_however_long_it_takes(stored: Stored) -> None:
    claim = await claimed(stored)
    ask = stored.storage.claim_request
    assert await ask(SCOPE, PARAMETERS, "two", NOW + 10 * CLAIM) is Held.UNDER_WAY
    await stored.storage.answer_request(claim, ANSWER)
    assert await ask(SCOPE, PARAMETERS, "two", NOW + 10 * CLAIM) == ANSWER


async def test_what_ended_and_had_written_nothing_is_begun_anew(stored: Stored) -> None:
    first = await claimed(stored)
    stored.storage.end_request(first)
    ask = stored.storage.claim_request
    second = await claimed(stored, "two")
    await stored.storage.answer_request(first, Answered(status=500, body=b"late"))
    await stored.storage.forget_request(first)
    assert await ask(SCOPE, PARAMETERS, "three", NOW) is Held.UNDER_WAY
    await stored.storage.answer_request(second, ANSWER)
    assert await ask(SCOPE, PARAMETERS, "three", NOW) == ANSWER


async def test_what_is_carried_out_in_the_moment_of_a_takeover_is_not_taken_over(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a process on PostgreSQL that was taken for dead."""
    await claimed(stored)
    ask = stored.storage.claim_request

    async def dead(_: object, tx: Transaction, *_row: object) -> bool:
        await tx.run("UPDATE idempotency_key SET performed = 1")
        return False

    with monkeypatch.context() as patch:
        patch.setattr(IdempotencyQueries, "_is_held", dead)
        assert await ask(SCOPE, PARAMETERS, "two", NOW) is Held.UNDER_WAY


async def test_a_write_marks_its_claim_and_a_lost_claim_writes_nothing(stored: Stored) -> None:
    first = await claimed(stored)
    stored.storage.end_request(first)
    await claimed(stored, "two")
    mine = CLAIMED.set(first)
    try:
        with pytest.raises(Conflict):
            await stored.create()
    finally:
        CLAIMED.reset(mine)
    page = await stored.storage.codes("ws", CodeFilter(), limit=10, cursor=None)
    assert page.items == ()


async def test_after_a_crash_it_is_known_what_was_written(stored: Stored) -> None:
    claim = await claimed(stored)
    mine = CLAIMED.set(claim)
    try:
        claim.ids.append("some-id")
        await stored.create()
    finally:
        CLAIMED.reset(mine)
    ask = stored.storage.claim_request
    assert await ask(SCOPE, PARAMETERS, "two", NOW) is Held.UNDER_WAY
    stored.storage.end_request(claim)
    assert await ask(SCOPE, PARAMETERS, "two", NOW) == Unanswered(ids=("some-id",))


async def test_a_duplicate_that_was_met_marks_nothing(stored: Stored) -> None:
    """After a crash right then the request is carried out yet, not taken for done."""
    await stored.create(pin="4711")
    claim = await claimed(stored)
    mine = CLAIMED.set(claim)
    try:
        assert await stored.try_create(stored.code("4711")) is not None
    finally:
        CLAIMED.reset(mine)
    stored.storage.end_request(claim)
    await claimed(stored, "two")


async def test_after_a_day_all_is_forgotten(stored: Stored) -> None:
    claim = await claimed(stored)
    await stored.storage.answer_request(claim, ANSWER)
    assert await stored.storage.prune_requests(NOW + KEPT - timedelta(seconds=1)) == 0
    await claimed(stored, "two", KEPT)
    assert await stored.storage.prune_requests(NOW + 2 * KEPT) == 1
    assert await stored.storage.prune_requests(NOW + 2 * KEPT) == 0
