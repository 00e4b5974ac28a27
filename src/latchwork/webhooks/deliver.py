"""The deliverer: takes due messages from storage, POSTs them, records what came of it.

At least once: a message whose outcome could not be recorded (a crash, a lost database) is sent
again under the same id, once its lease has run out.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec
import structlog

from latchwork.domain.events import Event
from latchwork.domain.webhook import (
    Attempt,
    Disabled,
    DueMessage,
    Webhook,
    failed,
    is_given_up,
)
from latchwork.engine.clock import Clock
from latchwork.engine.ending import end
from latchwork.storage.interface import EventStorage, WebhookStorage
from latchwork.webhooks.post import Answer, Sender, retry_after
from latchwork.webhooks.schedule import next_attempt
from latchwork.webhooks.signing import signed_headers

T = TypeVar("T")

_log = structlog.get_logger(__name__)

GONE = 410
ASKS_FOR_TIME = frozenset({429, 502, 503, 504})


class DeliveryStorage(WebhookStorage, EventStorage, Protocol):
    """What the deliverer needs of storage."""


class DeliveryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The deliverer's numbers."""

    concurrency: int = 128
    """Requests under way at once."""
    per_endpoint: int = 16
    """Of these, to one endpoint: so many slow answers of one leave the rest to the others."""
    lease: timedelta = timedelta(seconds=30)
    """Longer than a request and the record of its outcome together may take."""
    longest_pause: timedelta = timedelta(seconds=30)
    """Storage is asked at least this often, for messages that another process has stored."""
    shortest_pause: timedelta = timedelta(seconds=1)
    """What is due but cannot be claimed, since its endpoint is busy, is asked for no sooner."""
    storage_backoff: timedelta = timedelta(seconds=1)
    """Wait after storage failed; doubles up to `longest_pause`."""
    record_tries: int = 4


class Deliverer:
    """Delivers until stopped. Several may work on one database.

    `render` makes the body of an event for an endpoint; `jitter` answers random numbers of
    0.0 to 1.0.
    """

    def __init__(
        self,
        storage: DeliveryStorage,
        clock: Clock,
        render: Callable[[Event, Webhook], bytes],
        sender: Sender,
        *,
        policy: DeliveryPolicy | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._render = render
        self._sender = sender
        self._policy = policy or DeliveryPolicy()
        self._jitter = jitter
        self._wake = asyncio.Event()
        self._stopping = False
        self._under_way: dict[asyncio.Task[None], str] = {}
        storage.listen_messages(self._wake.set)

    async def run(self) -> None:
        """Delivers until `stop`, then waits for the requests under way. When cancelled it breaks
        them off; their messages are sent again."""
        failures = 0
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    pause = await self._claim()
                    failures = 0
                except Exception as error:  # noqa: BLE001 - storage may fail in any way, and heals
                    failures += 1
                    pause = self._backoff(failures)
                    _log.warning("webhook.storage_failed", error=type(error).__name__)
                await self._pause(pause)
            if self._under_way:
                await asyncio.wait(self._under_way)
        finally:
            await self._break_off()

    def stop(self) -> None:
        """Ends `run` gracefully; callable from the event loop at any time."""
        self._stopping = True
        self._wake.set()

    async def _claim(self) -> timedelta:
        """Starts what can be started; answers how long nothing more is due."""
        policy = self._policy
        free = policy.concurrency - len(self._under_way)
        if free <= 0:
            return policy.longest_pause
        share = max(policy.per_endpoint // 2, 1)
        now = self._clock.now()
        messages = await self._storage.claim_messages(
            now,
            policy.lease,
            free,
            busy_webhooks=[
                webhook_id
                for webhook_id, count in Counter(self._under_way.values()).items()
                if count > policy.per_endpoint - share
            ],
            per_webhook=share,
        )
        for message in messages:
            task = asyncio.create_task(self._deliver(message))
            self._under_way[task] = message.webhook.webhook_id
            task.add_done_callback(self._finished)
        if messages:
            return timedelta(0)
        due = await self._storage.next_message_due()
        if due is None:
            return policy.longest_pause
        return min(max(due - now, policy.shortest_pause), policy.longest_pause)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._wake.set()

    async def _pause(self, pause: timedelta) -> None:
        """Until `pause` is over or something wakes the deliverer."""
        if pause <= timedelta(0) or self._wake.is_set():
            return
        timer = asyncio.ensure_future(self._clock.sleep(pause))
        waker = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((timer, waker), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            waker.cancel()

    def _backoff(self, failures: int) -> timedelta:
        doubled = self._policy.storage_backoff * (1 << min(failures - 1, 10))
        return min(doubled, self._policy.longest_pause)

    async def _break_off(self) -> None:
        await end(self._under_way)

    async def _deliver(self, message: DueMessage) -> None:
        log = _log.bind(
            message_id=message.message_id,
            webhook_id=message.webhook.webhook_id,
            attempt=message.attempt,
        )
        try:
            started = self._clock.now()
            answer = await self._send(message, started)
            await self._record(message, answer, started)
        except Exception as error:  # noqa: BLE001 - when its lease ends the message is sent again
            # No traceback: its frames hold the body.
            log.warning("webhook.attempt_lost", error=type(error).__name__)
        else:
            tell = log.debug if answer.accepted else log.info
            tell("webhook.attempt", status=answer.status_code, error=answer.error)

    async def _send(self, message: DueMessage, at: datetime) -> Answer:
        webhook = message.webhook
        event = await self._storage.event_by_id(message.event_id)
        if event is None:
            return Answer(error="Not sent: the event is no longer stored.")
        try:
            body = self._render(event, webhook)
            headers = signed_headers(webhook.secrets_at(at), message.message_id, at, body)
        except Exception as error:  # noqa: BLE001 - one event must not hold up the others
            _log.error("webhook.rendering_failed", error=type(error).__name__)
            return Answer(error="Not sent: the message could not be made.")
        return await self._sender.post(webhook.url, headers, body)

    async def _record(self, message: DueMessage, answer: Answer, started: datetime) -> None:
        ended = self._clock.now()
        attempt = Attempt(
            attempt=message.attempt,
            attempted_at=started,
            duration_ms=max(round((ended - started) / timedelta(milliseconds=1)), 0),
            status_code=answer.status_code,
            error=answer.error,
            response=answer.response,
        )
        gone = answer.status_code == GONE
        next_due = None if answer.accepted or gone else self._next_due(message, answer, ended)
        await self._insist(
            lambda: self._storage.record_attempt(
                message, attempt, next_due, delivered=answer.accepted
            )
        )
        # Last, since disabling gives up every message that still waits, this one included.
        if gone:
            await self._disable(message.webhook, Disabled.GONE, ended)
        else:
            await self._note_health(message.webhook, ended, accepted=answer.accepted)

    async def _note_health(self, webhook: Webhook, now: datetime, *, accepted: bool) -> None:
        failing = None if accepted else failed(webhook.failing, now)
        if failing != webhook.failing:
            await self._insist(lambda: self._storage.note_failing(webhook, failing))
        if failing is not None and is_given_up(failing, now):
            await self._disable(webhook, Disabled.FAILING, now)

    async def _disable(self, webhook: Webhook, reason: Disabled, now: datetime) -> None:
        stood = await self._insist(
            lambda: self._storage.disable_webhook(webhook.webhook_id, reason, now)
        )
        if stood:
            _log.warning("webhook.disabled", webhook_id=webhook.webhook_id, reason=reason.value)

    def _next_due(self, message: DueMessage, answer: Answer, now: datetime) -> datetime | None:
        asked = (
            retry_after(answer.retry_after, now) if answer.status_code in ASKS_FOR_TIME else None
        )
        return next_attempt(message.attempt, now, self._jitter(), asked)

    async def _insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Writes, again and again while the lease lasts: an outcome lost is a message repeated."""
        for failures in range(1, self._policy.record_tries):
            try:
                return await write()
            except Exception as error:  # noqa: BLE001 - storage may fail in any way, and heals
                _log.warning("webhook.storage_failed", error=type(error).__name__)
            await self._clock.sleep(self._backoff(failures))
        return await write()
