"""Connected accounts, their settings and secrets, and their drivers' own store."""

from datetime import timedelta

import msgspec

from latchwork.domain.pin import Secret
from latchwork.domain.problem import Problem
from support.stored import HOUR, NOW, Stored, all_pages, an_account


async def test_an_account_comes_back_as_it_was_stored(stored: Stored) -> None:
    account = msgspec.structs.replace(
        an_account("second"),
        lead_time=timedelta(minutes=20),
        custom_metadata={"floor": "2", "vip": True},
        errors=(Problem("bridge_disconnected", "Gone.", NOW, {"retries": 3}),),
        warnings=(Problem("slow", "Slow.", NOW),),
        connected=False,
    )
    answered = await stored.storage.add_account(account, {"url": "ws://second"}, {})
    assert answered == account
    assert await stored.storage.account("ws", "second") == account
    assert await stored.storage.account("other", "second") is None
    assert await stored.storage.account_by_id("second") == account
    assert await stored.storage.account_by_id("third") is None
    assert await stored.storage.all_accounts() == [an_account("acc"), account]


async def test_an_account_with_the_same_settings_is_not_added_twice(stored: Stored) -> None:
    settings = {"url": "ws://hub", "port": 3000}
    first = await stored.storage.add_account(an_account("first"), settings, {})
    again = await stored.storage.add_account(
        an_account("second"), {"port": 3000, "url": "ws://hub"}, {}
    )
    assert again == first
    other = await stored.storage.add_account(an_account("third"), {"url": "ws://hub2"}, {})
    assert other.connected_account_id == "third"
    assert len(await stored.storage.all_accounts()) == 3


async def test_settings_and_secrets_come_back(stored: Stored) -> None:
    settings = {"url": "ws://hub", "nested": {"a": [1, 2]}}
    secrets = {"token": Secret("t0ken"), "password": Secret("pässword")}
    await stored.storage.add_account(an_account("second"), settings, secrets)
    assert await stored.storage.account_settings("second") == (settings, secrets)
    assert await stored.storage.account_settings("acc") == ({"url": "ws://acc"}, {})


async def test_the_state_of_an_account_is_written_with_its_events(stored: Stored) -> None:
    problem = Problem("bridge_disconnected", "Gone.", NOW)
    lost = msgspec.structs.replace(
        an_account("acc"), connected=False, errors=(problem,), display_name="not written"
    )
    event = stored.event("connected_account.disconnected")
    await stored.storage.set_account_state(lost, [event], NOW)
    account = await stored.storage.account("ws", "acc")
    assert account is not None
    assert (account.connected, account.errors, account.display_name) == (
        False,
        (problem,),
        "Account acc",
    )
    told = await stored.storage.event("ws", event_type="connected_account.disconnected")
    assert told is not None
    assert told.connected_account_id == "acc"
    assert await stored.claim() == ()


async def test_all_locks_of_an_account_are_due_when_it_connects(stored: Stored) -> None:
    await stored.account("other", connected=False)
    await stored.lock("mine", connected_account_id="other")
    woken: list[int] = []
    stored.storage.listen_due(lambda: woken.append(1))
    connected = an_account("other")
    await stored.storage.set_account_state(connected, [], NOW)
    assert woken == [1]
    assert [lease.device_id for lease in await stored.claim()] == ["mine"]


async def test_an_account_that_stays_connected_makes_nothing_due(stored: Stored) -> None:
    await stored.storage.set_account_state(an_account("acc"), [], NOW)
    assert await stored.storage.next_due() is None


async def test_accounts_are_listed_newest_first_and_searched(stored: Stored) -> None:
    for number in range(5):
        stored.clock.go(HOUR)
        await stored.account(f"a{number}", created_at=stored.now, display_name=f"Häus {number}%")
    listed = await all_pages(lambda cursor: stored.storage.accounts("ws", limit=2, cursor=cursor))
    ids = [account.connected_account_id for account in listed]
    assert ids == ["a4", "a3", "a2", "a1", "a0", "acc"]
    page = await stored.storage.accounts("ws", limit=9, cursor=None, search="HÄUS 3%")
    assert [account.connected_account_id for account in page.items] == ["a3"]
    page = await stored.storage.accounts("other", limit=9, cursor=None)
    assert page.items == ()


async def test_a_driver_finds_in_its_store_what_it_saved(stored: Stored) -> None:
    assert await stored.storage.driver_store_load("acc") == {}
    await stored.storage.driver_store_save("acc", "a", b"\x00one")
    await stored.storage.driver_store_save("acc", "b", b"two")
    await stored.storage.driver_store_save("acc", "a", b"")
    assert await stored.storage.driver_store_load("acc") == {"a": b"", "b": b"two"}
    assert await stored.storage.driver_store_value("acc", "b") == b"two"
    assert await stored.storage.driver_store_value("acc", "c") is None
    assert await stored.storage.driver_store_value("other", "a") is None
    await stored.account("other")
    assert await stored.storage.driver_store_load("other") == {}
