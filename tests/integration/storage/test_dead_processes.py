"""Processes on one PostgreSQL database: which are dead, and what becomes of what they held."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import SystemRandom

import asyncpg
import pytest

from latchwork.domain.idempotency import CLAIM, Answered, Claim, Held, Unanswered
from latchwork.engine.ownership import BEAT, TERM
from latchwork.storage.claimed import CLAIMED
from latchwork.storage.postgres import PostgresStorage, listener
from support.postgres import KILLED, PostgresServer, until_one_waits
from support.stored import NOW, SECOND, Clock, Stored

SCOPE, PARAMETERS = "POST /x key", b'{"a":1}'
SILENCE = TERM.without_session


class Fleet:
    """Processes on one clock."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self.clock = Clock()

    async def process(self) -> Stored:
        """One that lives."""
        process = Stored(
            lambda vault, now, _: PostgresStorage.open(self._url, vault, now, os.urandom)
        )
        process._random = SystemRandom()
        process.clock = self.clock
        await process.open()
        self._stack.push_async_callback(process.storage.aclose)
        await self.beat(process)
        return process

    async def beat(self, process: Stored) -> None:
        await process.storage.beat(process.storage.process_id, self.clock.now(), TERM)

    async def kill(self, process: Stored) -> None:
        """Its connections end, and it has told nobody."""
        await process.storage.aclose()

    async def shares(self, process: Stored) -> set[str]:
        storage = process.storage
        return set(await storage.share_accounts(storage.process_id, self.clock.now(), TERM))


@pytest.fixture
async def fleet(database_url: str) -> AsyncIterator[Fleet]:
    async with AsyncExitStack() as stack:
        yield Fleet(database_url, stack)


async def ask(process: Stored, token: str = "again") -> Claim | Answered | Unanswered | Held:
    return await process.storage.claim_request(SCOPE, PARAMETERS, token, process.now)


async def claimed(process: Stored) -> Claim:
    claim = await ask(process, "first")
    assert isinstance(claim, Claim)
    return claim


async def test_a_claim_of_a_killed_process_is_free_when_it_has_missed_a_beat(fleet: Fleet) -> None:
    killed, other = await fleet.process(), await fleet.process()
    await claimed(killed)
    assert await ask(other) is Held.UNDER_WAY
    await fleet.kill(killed)
    fleet.clock.go(SILENCE - SECOND)
    assert await ask(other) is Held.UNDER_WAY
    fleet.clock.go(SECOND)
    assert isinstance(await ask(other), Claim)


async def test_what_a_killed_process_had_carried_out_is_known_then(fleet: Fleet) -> None:
    killed, other = await fleet.process(), await fleet.process()
    await killed.furnish()
    mine = CLAIMED.set(await claimed(killed))
    try:
        await killed.create()
    finally:
        CLAIMED.reset(mine)
    await fleet.kill(killed)
    fleet.clock.go(SILENCE)
    assert isinstance(await ask(other), Unanswered)


async def test_what_a_killed_process_had_sent_off_last_is_waited_for(
    fleet: Fleet, database_url: str
) -> None:
    """The database works off what it has received, although the one who asked is dead."""
    killed, other = await fleet.process(), await fleet.process()
    await claimed(killed)
    await fleet.kill(killed)
    fleet.clock.go(SILENCE)
    connection = await asyncpg.connect(database_url)
    sent_off = connection.transaction()
    await sent_off.start()
    await connection.execute("UPDATE idempotency_key SET performed = 1, ids = '[\"made\"]'")
    asking = asyncio.create_task(ask(other))
    await until_one_waits(connection)
    await sent_off.commit()
    await connection.close()
    assert await asking == Unanswered(ids=("made",))


async def test_a_silent_process_holds_its_claim_while_its_session_lasts(fleet: Fleet) -> None:
    slow, other = await fleet.process(), await fleet.process()
    claim = await claimed(slow)
    fleet.clock.go(TERM.at_most - SECOND)
    await fleet.beat(other)
    assert await ask(other) is Held.UNDER_WAY
    await slow.storage.answer_request(claim, Answered(status=200, body=b"{}"))
    assert isinstance(await ask(other), Answered)


async def test_a_slow_request_of_a_living_process_is_held_for_as_long_as_it_takes(
    fleet: Fleet,
) -> None:
    slow, other = await fleet.process(), await fleet.process()
    await claimed(slow)
    while fleet.clock.now() < NOW + 3 * CLAIM:
        fleet.clock.go(BEAT)
        await fleet.beat(slow)
    assert await ask(other) is Held.UNDER_WAY
    assert await ask(slow) is Held.UNDER_WAY


async def test_a_claim_that_a_living_process_could_not_end_is_free_in_the_end(
    fleet: Fleet,
) -> None:
    """The database did not take its word for it."""
    living, other = await fleet.process(), await fleet.process()
    living.storage.end_request(await claimed(living))
    fleet.clock.go(CLAIM - SECOND)
    await fleet.beat(living)
    assert await ask(other) is Held.UNDER_WAY
    fleet.clock.go(SECOND)
    assert isinstance(await ask(other), Claim)


async def test_a_claim_of_an_older_release_has_its_two_minutes(fleet: Fleet) -> None:
    older, other = await fleet.process(), await fleet.process()
    await claimed(older)
    await older.storage._db.write(
        lambda tx: tx.run("UPDATE idempotency_key SET token = ?", ("0123456789abcdef",))
    )
    fleet.clock.go(CLAIM - SECOND)
    assert await ask(other) is Held.UNDER_WAY
    fleet.clock.go(SECOND)
    assert isinstance(await ask(other), Claim)


async def test_accounts_of_a_killed_process_are_taken_over_when_it_has_missed_a_beat(
    fleet: Fleet,
) -> None:
    killed, other = await fleet.process(), await fleet.process()
    await killed.furnish()
    assert await fleet.shares(killed) == {"acc"}
    await fleet.kill(killed)
    fleet.clock.go(SILENCE - SECOND)
    assert await fleet.shares(other) == set()
    fleet.clock.go(SECOND)
    assert await fleet.shares(other) == {"acc"}


async def test_a_process_that_cannot_speak_keeps_its_accounts_while_its_session_lasts(
    fleet: Fleet,
) -> None:
    slow, other = await fleet.process(), await fleet.process()
    await slow.furnish()
    await fleet.shares(slow)
    fleet.clock.go(TERM.at_most - SECOND)
    assert await fleet.shares(other) == set()
    fleet.clock.go(SECOND)
    assert await fleet.shares(other) == {"acc"}


async def test_a_restart_of_the_server_ends_every_session_and_nobodys_term() -> None:
    with PostgresServer(*KILLED) as server:
        async with AsyncExitStack() as stack:
            fleet = Fleet(server.create("restarted"), stack)
            one, other = await fleet.process(), await fleet.process()
            await one.furnish()
            await fleet.shares(one)
            await fleet.kill(one)
            server.stop(signal.SIGQUIT)
            server.start()
            fleet.clock.go(TERM.at_most - SECOND)
            assert await fleet.shares(other) == set()
            fleet.clock.go(SECOND)
            assert await fleet.shares(other) == {"acc"}


async def test_a_session_that_broke_is_begun_anew(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "LOOK_UNHEARD", 0.01)
    one, other = await fleet.process(), await fleet.process()
    await one.furnish()
    await fleet.shares(one)
    db = one.storage._db
    server = db.seen_at(one.storage.process_id)
    assert server is not None
    await other.storage._db.reading.one(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_locks "
        "WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objid = "
        "(hashtextextended(?, 0) & 4294967295)::oid",
        (one.storage.process_id,),
    )
    async with asyncio.timeout(10):
        for name in (None, server):
            while db.seen_at(one.storage.process_id) != name:
                await asyncio.sleep(0)
    fleet.clock.go(TERM.at_most - SECOND)
    assert await fleet.shares(other) == set()
