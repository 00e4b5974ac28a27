"""A deliverer on virtual time, with storage in memory and a receiver that answers as told."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, ParamSpec

from latchwork.domain.events import Event
from latchwork.domain.webhook import Webhook
from latchwork.webhooks.deliver import Deliverer, DeliveryPolicy
from latchwork.webhooks.post import Answer
from support.virtual_time import VirtualClock
from support.virtual_time import run as run_virtual
from support.webhook_memory import MemoryWebhooks

P = ParamSpec("P")
OK = Answer(status_code=200, response="thanks")


class Request:
    def __init__(self, at: datetime, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.at = at
        self.url = url
        self.headers = headers
        self.body = body

    @property
    def message_id(self) -> str:
        return self.headers["svix-id"]


class Receiver:
    """Answers every request by `respond`, after `delay`, and remembers it."""

    def __init__(self, clock: VirtualClock, answer: Answer = OK) -> None:
        self.clock = clock
        self.requests: list[Request] = []
        self.at_once = 0
        self.most_at_once = 0
        self.respond: Callable[[Request], Answer] = lambda request: answer
        self.delay: Callable[[Request], timedelta] = lambda request: timedelta(milliseconds=40)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        request = Request(self.clock.now(), url, headers, body)
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.clock.sleep(self.delay(request))
            return self.respond(request)
        finally:
            self.at_once -= 1


def render(event: Event, webhook: Webhook) -> bytes:
    assert event.code is not None
    return f'{{"event_id":"{event.event_id}","code":"{event.code.reveal()}"}}'.encode()


class House:
    """A deliverer with its surroundings."""

    def __init__(self, answer: Answer = OK, **policy: Any) -> None:
        self.clock = VirtualClock()
        self.storage = MemoryWebhooks()
        self.receiver = Receiver(self.clock, answer)
        self.jitter = 0.0
        self.render = render
        self.policy = DeliveryPolicy(**policy)

    def deliverer(self) -> Deliverer:
        return Deliverer(
            self.storage,
            self.clock,
            self.render,
            self.receiver,
            policy=self.policy,
            jitter=lambda: self.jitter,
        )

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[Deliverer]:
        """A deliverer at work, stopped gracefully at the end."""
        deliverer = self.deliverer()
        task = asyncio.create_task(deliverer.run())
        yield deliverer
        deliverer.stop()
        await task

    async def sleep(self, delay: timedelta) -> None:
        await self.clock.sleep(delay)


def on_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Makes a plain test of one that needs virtual time."""

    def wrapped(*args: P.args, **fixtures: P.kwargs) -> None:
        run_virtual(test(*args, **fixtures))

    return functools.update_wrapper(wrapped, test)
