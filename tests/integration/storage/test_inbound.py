"""Deliveries of providers on their way to the process that keeps the account's connection."""

import asyncio
from datetime import timedelta

import pytest

from latchwork.domain.errors import RetryLater
from support.stored import HOUR, Stored

HEADERS = {"x-signature": "abc"}
BODY = b'{"code": "471199"}'


async def keep(stored: Stored, account_id: str = "acc", body: bytes = BODY) -> bool:
    return await stored.storage.keep_delivery(account_id, HEADERS, body, at_most=3)


async def test_they_come_back_whole_and_in_order_until_they_are_dropped(stored: Stored) -> None:
    storage = stored.storage
    await stored.account("other")
    for body in (b"1", b"2"):
        assert await keep(stored, body=body)
        stored.clock.go(timedelta(seconds=1))
    await keep(stored, "other")
    first, second = await storage.deliveries(["acc"], 10)
    assert (first.headers, first.body, second.body) == (HEADERS, b"1", b"2")
    assert first.connected_account_id == "acc"
    assert [d.body for d in await storage.deliveries(["acc", "other"], 1)] == [b"1"]
    await storage.drop_delivery(first.delivery_id)
    await storage.drop_delivery(first.delivery_id)
    assert [d.body for d in await storage.deliveries(["acc"], 10)] == [b"2"]
    assert await storage.deliveries([], 10) == []
    assert "471199" not in repr(await storage.deliveries(["other"], 10))


async def test_the_owner_is_told_and_nobody_else_gets_in_the_way(stored: Stored) -> None:
    told = asyncio.Event()
    stored.storage.listen_accounts(told.set)
    assert await keep(stored)
    async with asyncio.timeout(5):
        await told.wait()
    assert not await keep(stored, "nobody")


async def test_too_many_are_refused_and_old_ones_forgotten(stored: Stored) -> None:
    for _ in range(3):
        await keep(stored)
    with pytest.raises(RetryLater):
        await keep(stored)
    assert len(await stored.storage.deliveries(["acc"], 10)) == 3
    assert await stored.storage.prune_inbound(stored.now - HOUR, 10) == 0
    stored.clock.go(2 * HOUR)
    assert await stored.storage.prune_inbound(stored.now - HOUR, 2) == 2
    assert await stored.storage.prune_inbound(stored.now - HOUR, 2) == 1
    assert await keep(stored)


async def test_they_go_with_their_account(stored: Stored) -> None:
    await keep(stored)
    assert await stored.storage.delete_account("ws", "acc", lambda *_: [])
    assert await stored.storage.deliveries(["acc"], 10) == []
