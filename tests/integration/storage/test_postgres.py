"""What is special to PostgreSQL: many processes on one database, a server that restarts."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from random import SystemRandom

import asyncpg
import pytest

from latchwork.domain.errors import NeedsAttention
from latchwork.domain.events import Event
from latchwork.storage.interface import EventFilter, Storage, StorageUnavailable
from latchwork.storage.postgres import PostgresStorage, database, session, writer
from latchwork.storage.postgres.dialect import translated
from latchwork.storage.postgres.migrations import migrate
from latchwork.storage.postgres.transaction import Batch, Shared, is_last
from latchwork.storage.sql import schema, sql
from latchwork.storage.vault import Vault
from support.postgres import KILLED, PostgresServer, until_one_waits
from support.stored import MASTER_KEY, NOW, Stored


def opened(url: str) -> Stored:
    """One process of several: none of its ids is another one's."""
    stored = Stored(lambda vault, now, _entropy: PostgresStorage.open(url, vault, now, os.urandom))
    stored._random = SystemRandom()
    return stored


@pytest.fixture(scope="module")
def one_of_its_own() -> Iterator[PostgresServer]:
    with PostgresServer(*KILLED) as server:
        yield server


@pytest.fixture
def own_server(one_of_its_own: PostgresServer) -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    yield one_of_its_own
    if one_of_its_own.process is None:
        one_of_its_own.start()


def lose_the_first_answer(
    monkeypatch: pytest.MonkeyPatch, lose: Callable[[Callable[[], Awaitable[str]]], Awaitable[None]]
) -> list[str]:
    """To a COMMIT: the connection breaks instead, after `lose`, which is given the commit to be
    done. What was lost so far."""
    execute = asyncpg.Connection.execute
    lost: list[str] = []

    async def losing(self: asyncpg.Connection, query: str, *values: object, **more: object) -> str:
        if query == "COMMIT" and not lost:
            lost.append(query)
            await lose(lambda: execute(self, query))
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")
        answer: str = await execute(self, query, *values, **more)
        return answer

    monkeypatch.setattr(asyncpg.Connection, "execute", losing)
    return lost


async def newest(storage: Storage, since: Event | None = None) -> list[Event]:
    where = EventFilter(since=None if since is None else since.created_at)
    return list((await storage.events("ws", where, limit=1000, cursor=None)).items)


async def test_who_asks_for_what_is_new_misses_no_event_of_concurrent_processes(
    database_url: str,
) -> None:
    """Each poll asks from the newest event that the one before brought, as clients do."""
    processes = [opened(database_url) for _ in range(3)]
    for process in processes:
        await process.open()
    await processes[0].furnish()
    writing = [
        asyncio.create_task(process.storage.add_events("ws", [process.event(f"e{i}-{n}")]))
        for i in range(60)
        for n, process in enumerate(processes)
    ]
    seen: list[Event] = []
    while True:
        done = all(task.done() for task in writing)
        seen = await newest(processes[0].storage, seen[0] if seen else None) + seen
        if done:
            break
    assert len({event.event_id for event in seen}) == len(seen) == 180
    ordered = sorted(seen, key=lambda event: event.sequence, reverse=True)
    assert ordered == seen
    for process in processes:
        await process.storage.aclose()


async def test_two_processes_never_claim_one_lock(database_url: str) -> None:
    one, two = opened(database_url), opened(database_url)
    await one.open()
    await two.open()
    await one.furnish()
    for number in range(40):
        await one.lock(f"d{number}", due=True)
    claims = await asyncio.gather(*(p.claim(5) for _ in range(6) for p in (one, two)))
    ids = [lease.device_id for claimed in claims for lease in claimed]
    assert len(ids) == len(set(ids)) == 40
    await one.storage.aclose()
    await two.storage.aclose()


async def test_of_creates_with_one_pin_in_two_processes_one_wins(database_url: str) -> None:
    one, two = opened(database_url), opened(database_url)
    await one.open()
    await two.open()
    await one.furnish()
    codes = [(p, p.code("4711")) for _ in range(5) for p in (one, two)]
    answers = await asyncio.gather(*(p.try_create(code) for p, code in codes))
    assert answers.count(None) == 1
    await one.storage.aclose()
    await two.storage.aclose()


async def test_an_account_that_is_deleted_takes_along_what_a_visit_is_just_writing(
    database_url: str,
) -> None:
    """As a visit's process writes: holding the lock's row of `visit`."""
    stored = opened(database_url)
    await stored.open()
    await stored.furnish()
    connection = await asyncpg.connect(database_url)
    visit = connection.transaction()
    await visit.start()
    await connection.execute("UPDATE visit SET leased_until = 1 WHERE device_id = 'dev'")
    await connection.execute(
        "INSERT INTO ledger (device_id, position, access_code_id, generation, pins, scheduled,"
        " phase, workspace_id) VALUES ('dev', 1, 'code', 1, '', 0, 'reserved', 'ws')"
    )
    deleting = asyncio.create_task(stored.storage.delete_account("ws", "acc", lambda *_: []))
    await until_one_waits(connection)
    await visit.commit()
    assert await deleting
    assert await connection.fetchval("SELECT count(*) FROM ledger") == 0
    await connection.close()
    await stored.storage.aclose()


async def test_a_wish_in_one_process_wakes_the_engine_of_another(database_url: str) -> None:
    one, two = opened(database_url), opened(database_url)
    await one.open()
    await two.open()
    await one.furnish()
    woken = asyncio.Event()
    two.storage.listen_due(woken.set)
    await asyncio.sleep(0.2)
    woken.clear()
    await one.create()
    async with asyncio.timeout(2):
        await woken.wait()
    await one.storage.aclose()
    await two.storage.aclose()


async def test_a_webhook_of_another_process_gets_the_next_event(database_url: str) -> None:
    one, two = opened(database_url), opened(database_url)
    await one.open()
    await two.open()
    await one.furnish()
    await two.storage.add_events("ws", [two.event()])
    webhook = await one.webhook()
    await two.storage.add_events("ws", [two.event()])
    (message,) = await one.storage.claim_messages(NOW, NOW - NOW, 9)
    assert message.webhook == webhook
    await one.storage.aclose()
    await two.storage.aclose()


async def test_a_restart_of_the_server_loses_and_doubles_nothing(
    own_server: PostgresServer,
) -> None:
    stored = opened(own_server.create("restarted"))
    await stored.open()
    await stored.furnish()
    codes = [stored.code() for _ in range(150)]
    tasks = [asyncio.create_task(stored.try_create(code)) for code in codes[:50]]
    await asyncio.sleep(0.05)
    await asyncio.to_thread(own_server.stop, signal.SIGQUIT)
    tasks += [asyncio.create_task(stored.try_create(code)) for code in codes[50:]]
    await asyncio.to_thread(own_server.start)
    assert await asyncio.gather(*tasks) == [None] * 150
    told = [event.access_code_id for event in await newest(stored.storage)]
    assert sorted(told) == sorted(code.access_code_id for code in codes)
    await stored.storage.healthy()
    await stored.storage.aclose()


async def test_without_a_server_writes_and_reads_fail_by_name(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (session, writer):
        monkeypatch.setattr(module, "PATIENCE", 0.2)
    stored = opened(own_server.create("gone"))
    await stored.open()
    await stored.furnish()
    await asyncio.to_thread(own_server.stop)
    with pytest.raises(StorageUnavailable):
        await stored.create()
    with pytest.raises(StorageUnavailable):
        await stored.storage.workspaces()
    with pytest.raises(StorageUnavailable):
        await stored.storage.healthy()
    # All that ask at a time are told after the patience of one.
    loop = asyncio.get_running_loop()
    begin = loop.time()
    questions = [f"SELECT {number}" for number in range(20)]
    told = await asyncio.gather(
        *map(stored.storage._db.reading.one, questions), return_exceptions=True
    )
    assert {type(answer) for answer in told} == {StorageUnavailable}
    assert loop.time() - begin < 10 * session.PATIENCE
    await stored.storage.aclose()


async def test_a_commit_whose_answer_was_lost_is_not_done_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = opened(database_url)
    await stored.open()
    await stored.furnish()

    async def once_done(commit: Callable[[], Awaitable[str]]) -> None:
        await commit()

    lost = lose_the_first_answer(monkeypatch, once_done)
    code = await stored.create()
    assert lost
    assert [event.access_code_id for event in await newest(stored.storage)] == [code.access_code_id]
    await stored.storage.aclose()


async def test_a_commit_that_a_crash_of_the_server_lost_is_done_again(
    own_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server gives the transactions after the crash the ids of those that it lost."""
    url = own_server.create("crashed")
    stored = opened(url)
    await stored.open()
    await stored.furnish()

    async def with_the_server(_commit: Callable[[], Awaitable[str]]) -> None:
        await asyncio.to_thread(own_server.stop, signal.SIGQUIT)
        await asyncio.to_thread(own_server.start)
        other = await asyncpg.connect(url)
        for _ in range(100):
            await other.fetchval("SELECT pg_current_xact_id()")
        await other.close()

    lost = lose_the_first_answer(monkeypatch, with_the_server)
    code = await stored.create()
    assert lost
    assert [event.access_code_id for event in await newest(stored.storage)] == [code.access_code_id]
    await stored.storage.aclose()


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("how", ["COMMIT", "ROLLBACK"])
async def test_a_transaction_that_the_server_is_still_at_is_waited_for(
    database_url: str, how: str, *, is_first: bool
) -> None:
    stored, lane = opened(database_url), ("process", 0)
    await stored.open()
    ours, other = [await asyncpg.connect(database_url) for _ in range(2)]
    shared = Shared(Vault(MASTER_KEY), lambda: NOW, os.urandom)
    if not is_first:
        before = await Batch(ours, shared).begin([], lane)
        await ours.execute("COMMIT")
        assert await is_last(other, lane, before)
    batch_id = await Batch(ours, shared).begin([], lane)
    asking = asyncio.create_task(is_last(other, lane, batch_id))
    await until_one_waits(ours)
    await ours.execute(how)
    assert await asking == (how == "COMMIT")
    for connection in (ours, other):
        await connection.close()
    await stored.storage.aclose()


async def test_a_database_of_another_master_key_is_refused(database_url: str) -> None:
    with pytest.raises(NeedsAttention, match="another master key"):
        await PostgresStorage.open(database_url, Vault(b"x" * 32), lambda: NOW, os.urandom)


async def test_a_database_that_a_newer_release_needs_for_itself_is_refused(
    own_server: PostgresServer,
) -> None:
    url = own_server.create("newer")
    await (await PostgresStorage.open(url, Vault(MASTER_KEY), lambda: NOW, os.urandom)).aclose()
    own_server.admin("INSERT INTO schema_version VALUES (98, 1)", "newer")
    await (await PostgresStorage.open(url, Vault(MASTER_KEY), lambda: NOW, os.urandom)).aclose()
    own_server.admin("INSERT INTO schema_version VALUES (99, 99)", "newer")
    with pytest.raises(NeedsAttention, match="newer release"):
        await PostgresStorage.open(url, Vault(MASTER_KEY), lambda: NOW, os.urandom)


async def test_a_version_that_contracts_waits_for_the_last_old_process(
    own_server: PostgresServer,
) -> None:
    connection = await asyncpg.connect(own_server.create("upgraded"))
    shipped = [*schema.shipped()]
    newest = shipped[-1].version
    await migrate(connection, shipped)
    alive = "INSERT INTO process VALUES ('old', 1, $1, extract(epoch FROM now()) * 1000000 + 60e6)"
    await connection.execute(alive, newest)
    expands = schema.migration(newest + 1, f"-- oldest: {newest}\nCREATE TABLE wider (x INTEGER);")
    contracts = schema.migration(newest + 2, "DROP TABLE wider;")
    release = [*shipped, expands, contracts]
    assert await migrate(connection, release) == newest + 1
    assert await connection.fetch("SELECT x FROM wider") == []
    assert await migrate(connection, shipped) == newest + 1
    await connection.execute("UPDATE process SET alive_until = 0")
    assert await migrate(connection, release) == newest + 2
    assert await migrate(connection, release) == newest + 2
    with pytest.raises(NeedsAttention, match="newer release"):
        await migrate(connection, shipped)
    await connection.close()


@pytest.mark.parametrize("version", range(1, len(schema.shipped()) + 1))
async def test_each_shipped_version_is_brought_to_the_newest(
    own_server: PostgresServer, version: int
) -> None:
    connection = await asyncpg.connect(own_server.create(f"from_{version}"))
    shipped = schema.shipped()
    assert await migrate(connection, shipped[:version]) == version
    assert await migrate(connection, shipped) == shipped[-1].version
    await connection.close()


async def test_a_write_that_comes_as_the_last_batch_ends_is_not_forgotten(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LANES", 1)
    stored = opened(database_url)
    await stored.open()
    await stored.furnish()
    async with asyncio.timeout(20):
        for _ in range(5):
            await asyncio.gather(*(stored.create() for _ in range(3)))
            await stored.create()
    await stored.storage.aclose()


async def test_what_many_look_up_at_a_time_is_answered_to_each(database_url: str) -> None:
    stored = opened(database_url)
    await stored.open()
    look_up = stored.storage._db.reading.one
    fraction, sum_of = "SELECT 60 / ?::int8", "SELECT ?::int8 + 1 WHERE ?::int8 > 1"
    answers = await asyncio.gather(
        *(look_up(fraction, (number,)) for number in range(4)),
        *(look_up(sum_of, (number, number)) for number in range(4)),
        return_exceptions=True,
    )
    await stored.storage.aclose()
    assert isinstance(answers[0], asyncpg.DivisionByZeroError)
    rows = [None if row is None else tuple(row) for row in answers[1:]]
    assert rows == [(60,), (30,), (20,), None, None, (3,), (4,)]


def test_placeholders_and_phrases_are_put_into_its_words() -> None:
    assert translated("a = ? AND b = ?") == "a = $1 AND b = $2"
    assert translated("a = ?2 AND b = ?1") == "a = $2 AND b = $1"
    listed = translated(f"x {sql.ANY_OF} AND y = ?")
    assert listed == "x = ANY (ARRAY(SELECT json_array_elements_text(($1)::text::json))) AND y = $2"
    assert "jsonb" in translated(sql.has("d.custom_metadata"))
    assert translated("AND +c.workspace_id = ?") == "AND c.workspace_id = $1"
