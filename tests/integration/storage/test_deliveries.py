"""Deliveries of providers that reach a process which does not keep the account's connection: the
one that does takes each of them once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from latchwork.domain.errors import LatchworkError, Rejected, RetryLater, Unsupported
from latchwork.engine.deliveries import Deliveries
from support.stored import Stored


class Owner:
    """The connections of one process, and what their drivers were handed."""

    def __init__(self, *live: str) -> None:
        self.accounts = list(live)
        self.taken: list[tuple[str, bytes]] = []
        self.errors: dict[bytes, list[Exception]] = {}
        self.changed: Callable[[], None] = lambda: None
        self.something = asyncio.Event()
        self.hangs: set[str] = set()

    def live(self) -> Sequence[str]:
        return list(self.accounts)

    def driver(self, account_id: str) -> str | None:
        return account_id if account_id in self.accounts else None

    def listen(self, listener: Callable[[], None]) -> None:
        self.changed = listener

    async def deliver(self, account_id: str, headers: Mapping[str, str], body: bytes) -> None:
        self.something.set()
        if account_id in self.hangs:
            await asyncio.Event().wait()
        if self.errors.get(body):
            raise self.errors[body].pop()
        assert headers == {"x-signature": "abc"}
        self.taken.append((account_id, body))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.taken) < count:
                self.something.clear()
                await self.something.wait()


def deliveries(stored: Stored, owner: Owner) -> Deliveries:
    return Deliveries(stored.storage, owner)  # type: ignore[arg-type]


async def give(stored: Stored, *bodies: bytes, account_id: str = "acc") -> None:
    elsewhere = deliveries(stored, Owner())
    for body in bodies:
        await elsewhere.give(account_id, {"x-signature": "abc"}, body)


async def waiting(stored: Stored) -> list[bytes]:
    return [d.body for d in await stored.storage.deliveries(["acc", "other"], 99)]


async def test_the_owner_takes_each_once_and_in_order(stored: Stored) -> None:
    await stored.account("other")
    owner = Owner("acc")
    await give(stored, b"1", b"2")
    running = asyncio.create_task(deliveries(stored, owner).run())
    await owner.until(2)
    await give(stored, b"3")
    await give(stored, b"not ours", account_id="other")
    await owner.until(3)
    assert owner.taken == [("acc", b"1"), ("acc", b"2"), ("acc", b"3")]
    while await waiting(stored) != [b"not ours"]:
        await asyncio.sleep(0)
    owner.accounts.append("other")
    owner.changed()
    await owner.until(4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_delivery_where_the_account_is_connected_goes_straight_to_it(
    stored: Stored,
) -> None:
    owner = Owner("acc")
    await deliveries(stored, owner).give("acc", {"x-signature": "abc"}, b"1")
    assert owner.taken == [("acc", b"1")]
    assert await waiting(stored) == []
    with pytest.raises(Unsupported):
        await give(stored, b"1", account_id="nobody")


@pytest.mark.parametrize("error", [Rejected("signature", "Not signed."), ValueError("a defect")])
async def test_what_cannot_be_taken_is_dropped_and_holds_nothing_up(
    stored: Stored, error: Exception
) -> None:
    owner = Owner("acc")
    owner.errors = {b"bad": [error]}
    await give(stored, b"bad", b"good")
    running = asyncio.create_task(deliveries(stored, owner).run())
    await owner.until(1)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert owner.taken == [("acc", b"good")]
    assert b"bad" not in await waiting(stored)


async def test_what_can_be_taken_later_keeps_its_place(stored: Stored) -> None:
    failures: list[LatchworkError] = [RetryLater("No connection.")]
    owner = Owner("acc")
    owner.errors = {b"first": list(failures)}
    await give(stored, b"first", b"second")
    running = asyncio.create_task(deliveries(stored, owner).run())
    async with asyncio.timeout(10):
        await owner.something.wait()
    assert owner.taken == []
    owner.changed()
    await owner.until(2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert owner.taken == [("acc", b"first"), ("acc", b"second")]


@pytest.mark.parametrize("trouble", ["hangs", "fails"])
async def test_no_account_waits_for_the_deliveries_of_another(
    stored: Stored, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latchwork.engine.deliveries.AT_ONCE", 3)
    await stored.account("other")
    owner, many = Owner("acc", "other"), [b"%d" % number for number in range(5)]
    if trouble == "hangs":
        owner.hangs = {"acc"}
    else:
        owner.errors = {body: [RetryLater("Not now.") for _ in range(99)] for body in many}
    await give(stored, *many)
    await give(stored, b"behind", account_id="other")
    running = asyncio.create_task(deliveries(stored, owner).run())
    await owner.until(1)
    await give(stored, b"later", account_id="other")
    await owner.until(2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert owner.taken == [("other", b"behind"), ("other", b"later")]
