"""What is looked up for each request may come from memory: it is what is stored all the same."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.pin import Secret
from latchwork.storage.interface import ApiKey, DeviceView
from latchwork.storage.sqlite import SqliteStorage
from latchwork.storage.sqlite.writer import GroupWriter
from latchwork.storage.vault import Vault
from support.stored import HOUR, MASTER_KEY, NOW, Stored

SECRET = Secret("seam_test_abcdefgh")
KEY = ApiKey(api_key_id="key", workspace_id="ws", name="Demo", hint="efgh", created_at=NOW)


@pytest.fixture
async def on_file(tmp_path: Path) -> AsyncIterator[Stored]:
    """On SQLite, in a file that others may open too."""
    stored = Stored(lambda *given: SqliteStorage.open(tmp_path / "latchwork.db", *given))
    await stored.open()
    await stored.furnish()
    yield stored
    await stored.storage.aclose()


async def device_of(stored: Stored, **fields: Any) -> DeviceView | None:
    return await stored.storage.device("ws", device_id="dev", **fields)


async def twice(stored: Stored) -> DeviceView:
    """As looked up anew, and as looked up again."""
    first, second = await device_of(stored), await device_of(stored)
    assert first is not None
    assert first == second
    return first


async def test_a_change_of_a_lock_is_seen_at_once(stored: Stored) -> None:
    assert (await twice(stored)).device.nickname is None

    def named(device: Device) -> tuple[Device, list[Any], bool]:
        return msgspec.structs.replace(device, nickname="Front"), [], False

    await stored.storage.change_device("dev", named, NOW)
    assert (await twice(stored)).device.nickname == "Front"
    await stored.lock("dev", battery_level=0.5)
    assert (await twice(stored)).device.battery_level == 0.5


async def test_what_a_visit_learns_of_a_lock_is_seen_at_once(stored: Stored) -> None:
    await stored.lock("dev", due=True)
    was = (await twice(stored)).device
    failed = msgspec.structs.replace(was, failures=was.failures + 1)
    await stored.visit(device=failed)
    assert (await twice(stored)).device.failures == was.failures + 1


async def test_a_change_of_an_account_is_seen_with_its_locks(stored: Stored) -> None:
    await twice(stored)

    def named(account: ConnectedAccount) -> tuple[ConnectedAccount, list[Any]]:
        return msgspec.structs.replace(account, display_name="The house"), []

    await stored.storage.change_account("ws", "acc", named)
    assert (await twice(stored)).account.display_name == "The house"


async def test_a_lock_that_is_no_more_is_not_found(stored: Stored) -> None:
    await twice(stored)
    await stored.storage.delete_account("ws", "acc", lambda *_: [])
    assert await device_of(stored) is None


async def test_each_caller_finds_what_it_may_find(stored: Stored) -> None:
    await stored.workspace("other")
    await twice(stored)
    assert await stored.storage.device("other", device_id="dev") is None
    assert await device_of(stored, is_managed=False) is None
    assert await device_of(stored, is_managed=None) == await device_of(stored)
    assert await stored.storage.device("ws", device_id="dev", name="none") is None


async def test_a_lock_that_comes_is_found(stored: Stored) -> None:
    assert await stored.storage.device("ws", device_id="new") is None
    await stored.lock("new")
    assert await stored.storage.device("ws", device_id="new") is not None


async def test_a_key_that_is_revoked_opens_no_more(stored: Stored) -> None:
    await stored.storage.add_api_key(KEY, SECRET)
    for _ in range(2):
        assert await stored.storage.authenticate(SECRET) is not None
    assert await stored.storage.revoke_api_key("key", NOW + HOUR)
    assert await stored.storage.authenticate(SECRET) is None


async def test_a_workspace_that_is_suspended_is_seen_with_its_keys(stored: Stored) -> None:
    await stored.storage.add_api_key(KEY, SECRET)
    for is_suspended in (False, True):
        workspace = await stored.storage.workspace("ws")
        assert workspace is not None
        changed = msgspec.structs.replace(workspace, is_suspended=is_suspended)
        await stored.storage.update_workspace(changed)
        for _ in range(2):
            found = await stored.storage.authenticate(SECRET)
            assert found is not None
            assert found[1].is_suspended == is_suspended


async def test_what_is_looked_up_while_a_change_is_stored_is_not_kept(stored: Stored) -> None:
    """Some look-ups come between the statement and its commit."""

    async def change(level: float) -> None:
        await stored.lock("dev", battery_level=level)

    async def look_up() -> None:
        for _ in range(20):
            await device_of(stored)
            await asyncio.sleep(0)

    for level in (0.1, 0.2, 0.3):
        await asyncio.gather(look_up(), change(level), look_up())
        assert (await twice(stored)).device.battery_level == level


async def test_a_change_that_failed_is_none(stored: Stored) -> None:
    class UnwillingError(Exception):
        pass

    def refuse(_device: Device) -> tuple[Device, list[Any], bool]:
        raise UnwillingError

    before = await twice(stored)
    with pytest.raises(UnwillingError):
        await stored.storage.change_device("dev", refuse, NOW)
    assert await twice(stored) == before


async def test_a_writer_that_cannot_be_asked_keeps_nobody_from_looking_up(
    on_file: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: GroupWriter) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    before = await twice(on_file)
    monkeypatch.setattr(GroupWriter, "_database_version", refuse)
    assert await twice(on_file) == before


async def test_whether_others_wrote_is_asked_once_in_a_turn(
    on_file: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ask = GroupWriter._database_version

    def counted(writer: GroupWriter) -> int:
        asked.append(ask(writer))
        return asked[-1]

    monkeypatch.setattr(GroupWriter, "_database_version", counted)
    for turns in (1, 2, 3):
        await asyncio.sleep(0)
        await twice(on_file)
        assert len(asked) == turns


async def test_what_another_process_wrote_is_seen_at_once(on_file: Stored, tmp_path: Path) -> None:
    """The command line tools write beside a server."""
    stored = on_file
    await stored.storage.add_api_key(KEY, SECRET)
    tool = await SqliteStorage.open(
        tmp_path / "latchwork.db", Vault(MASTER_KEY), lambda: NOW, bytes
    )
    try:
        assert await stored.storage.authenticate(SECRET) is not None
        await tool.revoke_api_key("key", NOW)
        assert await stored.storage.authenticate(SECRET) is None
        await twice(stored)
        account = await tool.account("ws", "acc")
        assert account is not None
        named = msgspec.structs.replace(account, display_name="Renamed")
        await tool.change_account("ws", "acc", lambda _: (named, []))
        assert (await twice(stored)).account.display_name == "Renamed"
    finally:
        await tool.aclose()
