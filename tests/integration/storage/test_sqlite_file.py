"""What is special to a SQLite file: who may open it, what stands in it, what a crash leaves."""

import asyncio
import itertools
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from latchwork.domain.connect_webview import ConnectWebview
from latchwork.domain.credentials import ClientSession, PersonalToken
from latchwork.domain.errors import NeedsAttention
from latchwork.domain.idempotency import Answered, Claim
from latchwork.domain.pin import Pin, Secret
from latchwork.storage.interface import ApiKey, CodeFilter, EventFilter, Storage, StorageUnavailable
from latchwork.storage.sql.schema import migration, shipped
from latchwork.storage.sqlite import SqliteStorage, acquire_process_lock, migrations, writer
from latchwork.storage.vault import Vault
from support.stored import HOUR, MASTER_KEY, NOW, Stored, a_foreign_code, an_account, an_entry

TESTS = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "latchwork.db"


def opener(path: Path) -> Callable[..., Awaitable[Storage]]:
    async def open_storage(
        vault: Vault, now: Callable[[], datetime], entropy: Callable[[int], bytes]
    ) -> Storage:
        return await SqliteStorage.open(path, vault, now, entropy)

    return open_storage


@pytest.fixture
async def stored(path: Path) -> AsyncIterator[Stored]:
    stored = Stored(opener(path))
    await stored.open()
    await stored.furnish()
    yield stored
    await stored.storage.aclose()


def raw(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


async def open_at(path: Path, key: bytes = MASTER_KEY) -> Storage:
    return await SqliteStorage.open(path, Vault(key), lambda: NOW, os.urandom)


# Opening


async def test_everything_is_there_after_reopening(stored: Stored) -> None:
    code = await stored.create()
    webhook = await stored.webhook()
    await stored.reopen()
    assert await stored.stored_code(code) == code
    await stored.create()
    (message,) = await stored.storage.claim_messages(NOW, NOW - NOW, 9)
    assert message.webhook == webhook


async def test_only_the_owner_can_read_the_files(stored: Stored, path: Path) -> None:
    await stored.create()
    names = {file.name for file in path.parent.iterdir()}
    assert {"latchwork.db", "latchwork.db-wal"} <= names
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_the_file_survives_power_loss_by_its_settings(stored: Stored, path: Path) -> None:
    await stored.create()
    assert raw(path).execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert isinstance(stored.storage, SqliteStorage)
    full = 2
    assert await stored.storage._db.writing.one("PRAGMA synchronous") == (full,)


async def test_a_database_of_a_newer_release_is_refused_untouched(path: Path) -> None:
    await (await open_at(path)).aclose()
    newest = shipped()[-1].version
    raw(path).execute(f"PRAGMA user_version = {newest + 1}")
    before = path.read_bytes()
    with pytest.raises(NeedsAttention, match="newer release"):
        await open_at(path)
    assert path.read_bytes() == before


async def test_a_database_of_another_program_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    raw(path).execute("CREATE TABLE other (x)")
    before = path.read_bytes()
    with pytest.raises(NeedsAttention, match="another program"):
        await open_at(path)
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("A shopping list, long enough to be looked at as a header." * 20)
    before = path.read_bytes()
    with pytest.raises(NeedsAttention, match="cannot be read"):
        await open_at(path)
    assert path.read_bytes() == before


async def test_a_database_of_another_master_key_is_refused(path: Path) -> None:
    await (await open_at(path)).aclose()
    with pytest.raises(NeedsAttention, match="another master key"):
        await open_at(path, b"x" * 32)


# Migrations

STEPS = [
    migration(1, "CREATE TABLE one (x);"),
    migration(2, "CREATE TABLE two (x); -- more\nINSERT INTO two VALUES (';');"),
]


def tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_schema ORDER BY name").fetchall()
    return [name for (name,) in found]


@pytest.fixture
def empty() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    numbers = [step.version for step in shipped()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_migrations_run_once_and_in_order(empty: sqlite3.Connection) -> None:
    assert migrations.migrate(empty, STEPS[:1]) == 1
    assert migrations.migrate(empty, STEPS) == 2
    assert migrations.migrate(empty, STEPS) == 2
    assert tables(empty) == ["one", "two"]
    assert empty.execute("SELECT * FROM two").fetchall() == [(";",)]


def test_a_migration_that_fails_leaves_the_old_schema(empty: sqlite3.Connection) -> None:
    migrations.migrate(empty, STEPS[:1])
    broken = [*STEPS, migration(3, "CREATE TABLE three (x);\nCREATE TABLE one (x);")]
    with pytest.raises(sqlite3.OperationalError):
        migrations.migrate(empty, broken)
    assert tables(empty) == ["one"]
    assert migrations.check(empty, broken) == 1


# Group commit


async def test_writers_that_come_within_a_few_turns_share_a_transaction(stored: Stored) -> None:
    async def write_after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await stored.create()

    statements: list[str] = []
    assert isinstance(stored.storage, SqliteStorage)
    stored.storage._db._writer._connection.set_trace_callback(statements.append)
    await asyncio.gather(*(write_after(turns) for turns in range(writer.TURNS)))
    assert statements.count("COMMIT") == 1


# Who else is there


def test_one_server_per_database(path: Path) -> None:
    lock = acquire_process_lock(path)
    with pytest.raises(NeedsAttention, match="Another Latchwork server"):
        acquire_process_lock(path)
    lock.release()
    lock.release()
    with acquire_process_lock(path):
        pass
    with acquire_process_lock(path):
        pass


async def test_a_command_line_tool_writes_beside_a_server(stored: Stored, path: Path) -> None:
    tool = await open_at(path)
    await stored.create()
    await tool.add_account(an_account("added"), {"url": "ws://added"}, {})
    await stored.create()
    assert await stored.storage.account("ws", "added") is not None
    page = await tool.codes("ws", CodeFilter(), limit=9, cursor=None)
    assert len(page.items) == 2
    await tool.aclose()


async def test_a_webhook_that_another_process_added_gets_events(stored: Stored, path: Path) -> None:
    other = Stored(opener(path))
    await other.open()
    await stored.create()
    webhook = await other.webhook()
    await stored.create()
    (message,) = await stored.storage.claim_messages(NOW, NOW - NOW, 9)
    assert message.webhook == webhook
    await other.storage.aclose()


async def test_a_write_waits_for_another_process_without_stopping_the_loop(
    stored: Stored, path: Path
) -> None:
    other = raw(path)
    other.execute("BEGIN IMMEDIATE")
    creating = asyncio.create_task(stored.create())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not creating.done()
    other.execute("ROLLBACK")
    assert await stored.stored_code(await creating) is not None


async def test_a_write_that_waits_too_long_fails_whole_and_the_next_succeeds(
    stored: Stored, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PATIENCE_MS", 20)
    other = raw(path)
    other.execute("BEGIN IMMEDIATE")
    codes = [stored.code() for _ in range(3)]
    answers = await asyncio.gather(
        *(stored.try_create(code) for code in codes), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 3
    with pytest.raises(StorageUnavailable):
        await stored.storage.healthy()
    other.execute("ROLLBACK")
    assert await stored.try_create(codes[0]) is None
    await stored.storage.healthy()
    page = await stored.storage.codes("ws", CodeFilter(), limit=9, cursor=None)
    assert [view.code for view in page.items] == [codes[0]]


async def test_a_full_disk_fails_every_writer_and_leaves_nothing_half(stored: Stored) -> None:
    assert isinstance(stored.storage, SqliteStorage)
    session = stored.storage._db.writing
    await stored.create()
    before = (await stored.storage.events("ws", EventFilter(), limit=500, cursor=None)).items
    await session.run("PRAGMA max_page_count = 1")  # Cut to the present size: it cannot grow.
    codes = [stored.code(name="x" * 3000) for _ in range(60)]
    answers = await asyncio.gather(
        *(stored.try_create(code) for code in codes), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {StorageUnavailable}
    assert "full" in str(answers[0])
    page = await stored.storage.codes("ws", CodeFilter(), limit=500, cursor=None)
    assert len(page.items) == 1
    after = (await stored.storage.events("ws", EventFilter(), limit=500, cursor=None)).items
    assert after == before
    await session.run("PRAGMA max_page_count = 100000")
    assert [await stored.try_create(code) for code in codes[:2]] == [None, None]


async def test_after_closing_every_write_is_refused(stored: Stored) -> None:
    await stored.storage.aclose()
    with pytest.raises(StorageUnavailable):
        await stored.create()


# Secrets

PINS = ["90817263", "90817264", "90817265", "90817266", "90817267", "90817268", "90817269"]
CANARIES = [*PINS, "seam_canarykey1234", "whsec_Y2FuYXJ5", "canary-token", "canary-setting"]
CANARIES += ["canary-stored"]


async def test_no_secret_stands_in_the_files(stored: Stored, path: Path) -> None:
    storage = stored.storage
    code = await stored.create(PINS[0])
    entry = an_entry(
        code, pin=Pin(PINS[1]), earlier_pins=(Pin(PINS[2]),), confirmed_pin=Pin(PINS[3])
    )
    changed = stored.event("x", code=Pin(PINS[5]), code_from=Pin(PINS[6]))
    await stored.visit(ledger=(entry,), foreign=(a_foreign_code(9, PINS[4]),), events=(changed,))
    await stored.update(code, pin=Pin(PINS[1]))
    typed = msgspec.structs.replace(stored.attempt(code), code=Pin(PINS[2]))
    await storage.add_attempt(typed)
    key = ApiKey(api_key_id="k", workspace_id="ws", name="Key", hint="1234", created_at=NOW)
    await storage.add_api_key(key, Secret("seam_canarykey1234"))
    await storage.add_account(
        an_account("second"), {"url": "canary-setting"}, {"token": Secret("canary-token")}
    )
    await storage.driver_store_save("acc", "key", b"canary-stored")
    await stored.webhook(secret=Secret("whsec_Y2FuYXJ5"))
    in_log = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"whsec_" not in in_log
    await storage.aclose()
    at_rest = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert code.access_code_id.encode() in at_rest
    for canary, content in itertools.product(CANARIES, (in_log, at_rest)):
        assert canary.encode() not in content, canary
        assert canary.encode().hex().encode() not in content, canary


async def test_no_token_or_answer_stands_in_the_files(stored: Stored, path: Path) -> None:
    storage = stored.storage
    secrets = ["seam_at1canary", "seam_cst1canary", "canary-webview", "canary-answer", "canary-key"]
    person, session, link = (Secret(text) for text in secrets[:3])
    token = PersonalToken(personal_token_id="t", name="Ana", hint="nary", created_at=NOW)
    await storage.add_personal_token(token, person)
    await storage.add_session(
        ClientSession(
            client_session_id="s", workspace_id="ws", created_at=NOW, expires_at=NOW + HOUR
        ),
        session,
    )
    await storage.add_webview(
        ConnectWebview(connect_webview_id="w", workspace_id="ws", created_at=NOW, token=link)
    )
    claim = await storage.claim_request(secrets[4], b'{"code":"90817263"}', "token", NOW)
    assert isinstance(claim, Claim)
    await storage.answer_request(claim, Answered(status=200, body=secrets[3].encode()))
    files = b"".join(file.read_bytes() for file in path.parent.iterdir())
    for secret in (*secrets, PINS[0]):
        assert secret.encode() not in files, secret


async def test_a_secret_moved_to_another_row_does_not_open(stored: Stored, path: Path) -> None:
    one, two = await stored.create("1111"), await stored.create("2222")
    await stored.visit(ledger=(an_entry(one, 1), an_entry(two, 2)))
    ids = (one.access_code_id, two.access_code_id)
    copied = "SELECT {0} FROM {1} WHERE access_code_id = ?"
    connection = raw(path)
    for table, column in (("access_code", "pin"), ("ledger", "pins")):
        copy = copied.format(column, table)
        connection.execute(f"UPDATE {table} SET {column} = ({copy}) WHERE access_code_id = ?", ids)
    with pytest.raises(NeedsAttention, match=r"access_code\.pin"):
        await stored.storage.code("ws", access_code_id=ids[1])
    connection.execute("UPDATE access_code SET deleted_at = 0")
    with pytest.raises(NeedsAttention, match=r"ledger\.pins"):
        await stored.storage.pins_on("dev")


# Speed, as far as plans and counts tell


async def test_concurrent_writes_share_commits(stored: Stored) -> None:
    assert isinstance(stored.storage, SqliteStorage)
    seen: list[str] = []
    stored.storage._db._connections[1].set_trace_callback(seen.append)
    await asyncio.gather(*(stored.create() for _ in range(200)))
    assert seen.count("COMMIT") == seen.count("BEGIN IMMEDIATE") == 1


async def test_a_create_takes_few_statements(stored: Stored) -> None:
    assert isinstance(stored.storage, SqliteStorage)
    await stored.create()
    seen: list[str] = []
    stored.storage._db._connections[1].set_trace_callback(seen.append)
    await stored.create()
    # begin, version of the data, duplicates, code, attempt, event, due, commit
    assert len(seen) == 8, seen


BIG = ("access_code", "action_attempt", "event", "ledger", "visit", "webhook_message")
ALIASES = {"c", "t", "e", "s", "v", "m"}


async def test_no_hot_statement_scans_a_big_table(stored: Stored, path: Path) -> None:
    assert isinstance(stored.storage, SqliteStorage)
    seen: set[str] = set()
    for connection in stored.storage._db._connections:
        connection.set_trace_callback(seen.add)
    await _everyday(stored)
    connection = raw(path)
    connection.create_function("folded", 1, str)
    scanned = {}
    for statement in seen:
        if statement.startswith(("SELECT", "UPDATE", "INSERT", "DELETE")):
            plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            for *_, detail in plan:
                words = detail.split()
                if words[0] == "SCAN" and words[1] in {*BIG, *ALIASES}:
                    scanned[statement] = detail
    assert scanned == {}
    assert len(seen) > 40


async def _everyday(stored: Stored) -> None:
    storage = stored.storage
    await stored.webhook()
    code = await stored.create("4711")
    await stored.update(code, name="New")
    view = await storage.load_visit(lease := await stored.claim_one())
    lease = await stored.write(lease, ledger=(an_entry(code),), foreign=(a_foreign_code(),))
    await stored.write(lease, codes=view.codes, ledger_removed=(1,), foreign_removed=(9,))
    await stored.release(
        lease, codes=view.codes, converged=((code.access_code_id, 2),), events=(stored.event(),)
    )
    await storage.next_due()
    await storage.rescan_device("dev", NOW, positions=True)
    await storage.code("ws", access_code_id=code.access_code_id)
    await storage.code("ws", device_id="dev", pin=Pin("4711"))
    await storage.pins_on("dev")
    for where in (CodeFilter(), CodeFilter(device_id="dev")):
        first = await storage.codes("ws", where, limit=1, cursor=None)
        assert len(first.items) == 1
    for device_id in (None, "dev"):
        await storage.attempts("ws", ids=None, device_id=device_id, limit=1, cursor=None)
    await storage.events("ws", EventFilter(), limit=1, cursor=None)
    await storage.events("ws", EventFilter(device_ids=("dev",)), limit=1, cursor=None)
    await storage.event("ws", event_type="access_code.created", device_id="dev")
    await storage.event_by_id("none")
    await storage.claim_messages(NOW, NOW - NOW, 9)
    await storage.next_message_due()


# A crash


async def test_what_was_acknowledged_before_a_kill_is_there_whole(path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "support" / "crash_writer.py"), str(path)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    acknowledged = list(itertools.islice(process.stdout, 700))
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    ids = {line.strip() for line in acknowledged if line.endswith("\n")}
    storage = await open_at(path)
    connection = raw(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

    def ids_in(table: str) -> list[str]:
        return [i for (i,) in connection.execute(f"SELECT access_code_id FROM {table}")]

    codes = ids_in("access_code")
    assert ids <= set(codes)
    assert sorted(ids_in("event")) == sorted(codes)
    assert sorted(ids_in("action_attempt")) == sorted(codes)
    connection.close()
    await storage.aclose()
