"""The deliverer on SQLite: over HTTP to a real receiver, and through the whole schedule."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from svix.webhooks import Webhook as SvixWebhook

from latchwork.domain.device import Workspace
from latchwork.domain.events import SET_ON_DEVICE, NewEvent
from latchwork.domain.pin import Pin
from latchwork.domain.webhook import Attempt, Webhook
from latchwork.engine.clock import Clock, SystemClock
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault
from latchwork.webhooks.deliver import Deliverer
from latchwork.webhooks.guard import AddressGuard
from latchwork.webhooks.post import Answer, HttpSender, Sender
from support.delivery import Receiver, on_virtual_time, render
from support.http_receiver import HttpReceiver, receiving
from support.virtual_time import VirtualClock
from support.webhook_memory import WORKSPACE, a_webhook


async def sqlite(path: str | Path, now: Callable[[], datetime]) -> SqliteStorage:
    return await SqliteStorage.open(path, Vault(b"k" * 32), now, os.urandom, inline=True)


async def prepared(storage: SqliteStorage, webhook: Webhook, now: datetime) -> None:
    await storage.add_workspace(
        Workspace(workspace_id=WORKSPACE, name="A house", is_sandbox=False, created_at=now)
    )
    await storage.add_webhook(webhook)


async def something_happens(storage: SqliteStorage, now: datetime) -> None:
    event = NewEvent(event_type=SET_ON_DEVICE, occurred_at=now, code=Pin("7391"))
    await storage.add_events(WORKSPACE, [event])


async def attempts(storage: SqliteStorage, webhook: Webhook) -> list[Attempt]:
    """Oldest first."""
    found = await storage.attempts_of(WORKSPACE, webhook.webhook_id, 100)
    return [attempt for _, _, attempt in reversed(found)]


@asynccontextmanager
async def delivering(
    storage: SqliteStorage, clock: Clock, sender: Sender
) -> AsyncIterator[Deliverer]:
    deliverer = Deliverer(storage, clock, render, sender, jitter=lambda: 0.0)
    task = asyncio.create_task(deliverer.run())
    try:
        yield deliverer
    finally:
        deliverer.stop()
        await task


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def storage() -> AsyncIterator[SqliteStorage]:
    one = await sqlite(":memory:", SystemClock().now)
    yield one
    await one.aclose()


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    one = HttpSender(AddressGuard(["127.0.0.0/8"]))
    yield one
    await one.aclose()


async def deliver_one(storage: SqliteStorage, webhook: Webhook, sender: Sender) -> Attempt:
    """Stores an event, and waits until the first attempt to deliver it is recorded."""
    clock = SystemClock()
    await prepared(storage, webhook, clock.now())
    async with delivering(storage, clock, sender), asyncio.timeout(5):
        await something_happens(storage, clock.now())
        while not (found := await attempts(storage, webhook)):
            await asyncio.sleep(0.005)
    return found[0]


async def test_an_event_reaches_the_receiver_and_verifies(
    receiver: HttpReceiver, storage: SqliteStorage, sender: HttpSender
) -> None:
    webhook = a_webhook("a", receiver.url("/hook"))
    attempt = await deliver_one(storage, webhook, sender)
    assert attempt.status_code == 204
    (got,) = receiver.received
    payload = SvixWebhook(webhook.secret.reveal()).verify(got.body, got.headers)
    assert payload == json.loads(got.body)
    assert payload["code"] == "7391"
    assert await storage.next_message_due() is None


async def test_a_redirect_fails_and_is_tried_again_later(
    receiver: HttpReceiver, storage: SqliteStorage, sender: HttpSender
) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": receiver.url("/second")})

    receiver.paths["/hook"] = away
    attempt = await deliver_one(storage, a_webhook("a", receiver.url("/hook")), sender)
    assert attempt.status_code == 302
    assert [one.path for one in receiver.received] == ["/hook"]
    assert await storage.next_message_due() is not None


async def test_an_address_beyond_the_allow_list_gets_nothing_and_is_recorded(
    storage: SqliteStorage, sender: HttpSender
) -> None:
    webhook = a_webhook("a", "http://169.254.169.254/latest/meta-data/")
    attempt = await deliver_one(storage, webhook, sender)
    assert attempt.error == "Not sent: the endpoint's address is refused (link-local)."


@on_virtual_time
async def test_the_whole_schedule() -> None:
    clock = VirtualClock()
    storage = await sqlite(":memory:", clock.now)
    webhook = a_webhook("a")
    await prepared(storage, webhook, clock.now())
    receiver = Receiver(clock, Answer(status_code=500, response="a\x00b"))
    receiver.delay = lambda request: timedelta(0)
    async with delivering(storage, clock, receiver):
        started = clock.now()
        await something_happens(storage, started)
        await clock.sleep(timedelta(days=3))
    found = await attempts(storage, webhook)
    assert [attempt.attempt for attempt in found] == list(range(1, 9))
    whole = found[-1].attempted_at - started
    assert round(whole.total_seconds()) == 27 * 3600 + 35 * 60 + 5
    assert "b" in found[0].response
    assert len({request.message_id for request in receiver.requests}) == 1
    assert await storage.next_message_due() is None
    await storage.aclose()


@on_virtual_time
async def test_410_is_recorded_and_disables_the_endpoint() -> None:
    clock = VirtualClock()
    storage = await sqlite(":memory:", clock.now)
    webhook = a_webhook("a")
    await prepared(storage, webhook, clock.now())
    receiver = Receiver(clock, Answer(status_code=410))
    async with delivering(storage, clock, receiver):
        await something_happens(storage, clock.now())
        await clock.sleep(timedelta(days=2))
        await something_happens(storage, clock.now())
        await clock.sleep(timedelta(days=2))
    assert [attempt.status_code for attempt in await attempts(storage, webhook)] == [410]
    stored = await storage.webhook(WORKSPACE, webhook.webhook_id)
    assert stored is not None
    assert stored.disabled
    assert len(receiver.requests) == 1
    await storage.aclose()


def test_a_message_outlives_a_crash_between_its_sending_and_its_record(tmp_path: Path) -> None:
    @on_virtual_time
    async def test() -> None:
        clock = VirtualClock()
        webhook = a_webhook("a")
        receiver = Receiver(clock)
        receiver.delay = lambda request: timedelta(seconds=5)
        storage = await sqlite(tmp_path / "latchwork.db", clock.now)
        await prepared(storage, webhook, clock.now())
        await something_happens(storage, clock.now())
        crashing = asyncio.create_task(Deliverer(storage, clock, render, receiver).run())
        await clock.sleep(timedelta(seconds=2))
        crashing.cancel()
        await asyncio.wait([crashing])
        await storage.aclose()
        storage = await sqlite(tmp_path / "latchwork.db", clock.now)
        async with delivering(storage, clock, receiver):
            await clock.sleep(timedelta(minutes=5))
        assert len(receiver.requests) == 2
        assert len({request.message_id for request in receiver.requests}) == 1
        assert [attempt.status_code for attempt in await attempts(storage, webhook)] == [200]
        await storage.aclose()

    test()


@on_virtual_time
async def test_one_slow_endpoint_among_many_events() -> None:
    clock = VirtualClock()
    storage = await sqlite(":memory:", clock.now)
    slow, quick = a_webhook("slow", "https://slow.example"), a_webhook("quick")
    await prepared(storage, slow, clock.now())
    await storage.add_webhook(quick)
    receiver = Receiver(clock)
    receiver.delay = lambda request: timedelta(seconds=15 if request.url == slow.url else 0.01)
    async with delivering(storage, clock, receiver):
        started = clock.now()
        for _ in range(300):
            await something_happens(storage, started)
        await clock.sleep(timedelta(seconds=10))
        urls = [request.url for request in receiver.requests]
        assert urls.count(quick.url) == 300
        assert urls.count(slow.url) <= 16
    await storage.aclose()
