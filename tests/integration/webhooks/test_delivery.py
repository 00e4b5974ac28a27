"""The deliverer and its HTTP sender together, to a real receiver, on a clock of the test's own."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from svix.webhooks import Webhook as SvixWebhook

from latchwork.engine.clock import SystemClock
from latchwork.webhooks.deliver import Deliverer
from latchwork.webhooks.guard import AddressGuard
from latchwork.webhooks.post import HttpSender
from support.delivery import render
from support.http_receiver import HttpReceiver, receiving
from support.webhook_memory import MemoryWebhooks, a_webhook


@pytest.fixture
async def receiver() -> AsyncIterator[HttpReceiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
def storage() -> MemoryWebhooks:
    return MemoryWebhooks()


@pytest.fixture
async def deliverer(storage: MemoryWebhooks) -> AsyncIterator[Deliverer]:
    sender = HttpSender(AddressGuard(["127.0.0.0/8"]))
    one = Deliverer(storage, SystemClock(), render, sender)
    task = asyncio.create_task(one.run())
    yield one
    one.stop()
    await task
    await sender.aclose()


async def recorded(storage: MemoryWebhooks, message_id: str) -> None:
    async with asyncio.timeout(5):
        while not storage.messages[message_id].attempts:
            await asyncio.sleep(0.005)


async def test_a_stored_message_reaches_the_receiver_verified(
    receiver: HttpReceiver, storage: MemoryWebhooks, deliverer: Deliverer
) -> None:
    hook = a_webhook("a", receiver.url("/hook"))
    message_id = storage.send(hook, SystemClock().now())
    await receiver.wait_for(1)
    await recorded(storage, message_id)
    got = receiver.received[0]
    assert SvixWebhook(hook.secret.reveal()).verify(got.body, got.headers) == json.loads(got.body)
    assert got.headers["svix-id"] == message_id
    assert storage.messages[message_id].delivered


async def test_a_redirecting_endpoint_fails_and_is_tried_again_later(
    receiver: HttpReceiver, storage: MemoryWebhooks, deliverer: Deliverer
) -> None:
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": receiver.url("/second")})

    receiver.paths["/hook"] = away
    message_id = storage.send(a_webhook("a", receiver.url("/hook")), SystemClock().now())
    await recorded(storage, message_id)
    row = storage.messages[message_id]
    assert row.attempts[0].status_code == 302
    assert row.due_at is not None
    assert [one.path for one in receiver.received] == ["/hook"]


async def test_private_endpoints_beyond_the_allow_list_get_nothing_and_are_recorded(
    receiver: HttpReceiver, storage: MemoryWebhooks, deliverer: Deliverer
) -> None:
    hook = a_webhook("a", "http://169.254.169.254/latest/meta-data/")
    message_id = storage.send(hook, SystemClock().now())
    await recorded(storage, message_id)
    (attempt,) = storage.messages[message_id].attempts
    assert attempt.error == "Not sent: the endpoint's address is refused (link-local)."
    assert receiver.received == []
