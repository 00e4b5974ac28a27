"""The lock_cloud driver and the reference server, each a process of its own where it counts."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from latchwork.domain.errors import Conflict, NeedsAttention, Rejected, RetryLater
from latchwork.domain.observation import Empty, Holds, NotRead
from latchwork.domain.pin import Pin
from latchwork.drivers.clouds.driver import CloudDriver
from latchwork.drivers.lock_cloud.driver import factory
from support.driver_context import KeptStore, context_for
from support.live_driver import live
from support.lock_cloud_bench import REFRESH_TOKEN, TOKEN, LockCloudServer
from support.server import LatchworkProcess, wait_for

pytestmark = [pytest.mark.acceptance]

KEY = "lock_front"
GUEST = Pin("4711")


@pytest.fixture(scope="module")
def process() -> Iterator[LockCloudServer]:
    with LockCloudServer() as server:
        yield server


@pytest.fixture
def server(process: LockCloudServer) -> LockCloudServer:
    for lock in ("lock_front", "lock_back"):
        process.test("POST", f"/locks/{lock}/reset", {})
    return process


def driver_on(
    server: LockCloudServer, secrets: dict[str, str] | None = None, store: KeptStore | None = None
) -> CloudDriver:
    made = factory(
        context_for(factory, {"url": server.url}, secrets or {"access_token": TOKEN}, store=store)
    )
    assert isinstance(made, CloudDriver)
    return made


def fault(server: LockCloudServer, **faults: Any) -> None:
    server.test("POST", f"/locks/{KEY}/faults", faults)


async def test_a_refresh_token_is_all_that_is_needed(server: LockCloudServer) -> None:
    store = KeptStore()
    async with live(driver_on(server, {"refresh_token": REFRESH_TOKEN}, store)) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        server.test("POST", "/tokens/expire", {})
        assert (await connection.driver.observe(KEY, [1]))[1] == Holds(GUEST, None, "Ada")
    kept = store.values["token"]
    async with live(driver_on(server, {"refresh_token": REFRESH_TOKEN}, store)) as connection:
        await connection.driver.clear(KEY, 1)
    assert store.values["token"] == kept


@pytest.mark.parametrize("secrets", [{"access_token": "wrong"}, {"refresh_token": "wrong"}])
async def test_wrong_credentials_need_a_person(
    server: LockCloudServer, secrets: dict[str, str]
) -> None:
    with pytest.raises(NeedsAttention):
        async with live(driver_on(server, secrets)):
            pass


async def test_pending_proves_nothing(server: LockCloudServer) -> None:
    fault(server, held=True)
    async with live(driver_on(server)) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert isinstance((await connection.driver.observe(KEY, [1]))[1], NotRead)
        fault(server, held=False)
        await asyncio.sleep(1.1)
        assert isinstance((await connection.driver.observe(KEY, [1]))[1], Holds)
        fault(server, held=True)
        await connection.driver.write(KEY, 1, Pin("2580"), "Ada", None)
        assert isinstance((await connection.driver.observe(KEY, [1]))[1], NotRead)


async def test_what_the_lock_refuses_later_is_told_at_the_next_try(
    server: LockCloudServer,
) -> None:
    fault(server, reject_late="PIN_CONFLICT")
    async with live(driver_on(server)) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}
        with pytest.raises(Conflict):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert isinstance((await connection.driver.observe(KEY, [1]))[1], Holds)


async def test_refusals_say_what_to_do(server: LockCloudServer) -> None:
    async with live(driver_on(server)) as connection:
        with pytest.raises(Rejected, match="INVALID_PIN_FORMAT"):
            await connection.driver.write(KEY, 1, Pin("12"), "Ada", None)
        fault(server, offline=True)
        with pytest.raises(RetryLater):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert not await connection.driver.probe(KEY)
        fault(server, offline=False)
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}
        for n in range(12):
            server.test("POST", f"/locks/{KEY}/codes", {"code": f"{5000 + n}", "name": "x"})
        with pytest.raises(NeedsAttention, match="full"):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)


async def test_a_masked_duplicate_is_found_by_the_lock(server: LockCloudServer) -> None:
    server.test("POST", f"/locks/{KEY}/codes", {"code": "4711", "name": "Anna"})
    fault(server, masked=True)
    async with live(driver_on(server)) as connection:
        with pytest.raises(Conflict):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)


def test_a_whole_server_is_told_what_happens_at_the_door(
    server: LockCloudServer, tmp_path: Path
) -> None:
    latchwork = LatchworkProcess(tmp_path)
    latchwork.environment["LATCHWORK_PUBLIC_URL"] = latchwork.url
    with latchwork:
        account = latchwork.call(
            "/latchwork/connected_accounts/connect",
            provider="lock-cloud",
            settings={"url": server.url, "access_token": TOKEN},
        )["connected_account"]["connected_account_id"]
        locks = wait_for("locks", lambda: latchwork.call("/devices/list")["devices"])
        [front] = [lock for lock in locks if lock["properties"]["name"] == "Front Door"]
        code = latchwork.call(
            "/access_codes/create", device_id=front["device_id"], name="Ada", code="4711"
        )["access_code"]

        def events(event_type: str, **members: Any) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = latchwork.call(
                "/events/list", event_types=[event_type], since="2020-01-01T00:00:00Z"
            )["events"]
            return [e for e in found if all(e.get(k) == v for k, v in members.items())]

        wait_for("set", lambda: events("access_code.set_on_device"))
        assert server.test("POST", f"/locks/{KEY}/keypad", {"pin": "4711"})["opened"]
        [unlocked] = wait_for("unlock", lambda: events("lock.unlocked", method="keycode"))
        assert unlocked["access_code_id"] == code["access_code_id"]
        assert not server.test("POST", f"/locks/{KEY}/keypad", {"pin": "9999"})["opened"]
        wait_for("denial", lambda: events("lock.access_denied"))
        server.test("POST", f"/locks/{KEY}/battery", {"level": 9})
        wait_for("battery", lambda: events("device.low_battery"))

        url = latchwork.call(
            "/latchwork/connected_accounts/inbound_url", connected_account_id=account
        )["inbound_url"]
        forged = {"event_type": "access_code.used", "device_id": KEY, "access_code_id": "x"}
        assert requests.post(url, json=forged, timeout=10).status_code == 401
        assert len(events("lock.unlocked")) == 1
    log = latchwork.log.read_text()
    assert url.rpartition(".")[2] not in log
    assert not re.search(r"\b(4711|9999)\b", log)
    assert TOKEN not in log
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("latchwork.sqlite3*"))
    assert TOKEN.encode() not in stored
    assert b"whsec_" not in stored
