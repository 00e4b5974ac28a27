"""Webhook messages in memory, with the leases and tokens that storage promises."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count

import msgspec

from latchwork.domain.events import SET_ON_DEVICE, Event
from latchwork.domain.pin import Pin
from latchwork.domain.webhook import Attempt, Disabled, DueMessage, Failing, Webhook
from latchwork.webhooks.signing import new_secret

WORKSPACE = "01890000-0000-7000-8000-000000000001"


def a_webhook(name: str, url: str = "https://hooks.example.com/") -> Webhook:
    return Webhook(
        webhook_id=f"webhook-{name}",
        workspace_id=WORKSPACE,
        url=url,
        event_types=("*",),
        secret=new_secret(name.encode().ljust(32)[:32]),
        created_at=datetime.fromisoformat("2026-01-01T00:00:00Z"),
    )


class _Message(msgspec.Struct):
    message_id: str
    webhook_id: str
    event_id: str
    due_at: datetime | None
    attempts: list[Attempt] = []
    leased_until: datetime | None = None
    token: str = ""
    delivered: bool = False


class MemoryWebhooks:
    """What the deliverer asks of storage, and no more. `fail_next` makes the next calls of a
    method raise."""

    def __init__(self) -> None:
        self.hooks: dict[str, Webhook] = {}
        self.events_by_id: dict[str, Event] = {}
        self.messages: dict[str, _Message] = {}
        self.fail_next: Counter[str] = Counter()
        self.claims = 0
        self._listeners: list[Callable[[], None]] = []
        self._numbers = count(1)

    def send(self, webhook: Webhook, at: datetime) -> str:
        """Stores an event with a message of it, due at once; answers the message's id."""
        self.hooks.setdefault(webhook.webhook_id, webhook)
        number = next(self._numbers)
        event = Event(
            event_id=f"event-{number}",
            workspace_id=WORKSPACE,
            sequence=number,
            created_at=at,
            event_type=SET_ON_DEVICE,
            occurred_at=at,
            code=Pin("7391"),
        )
        self.events_by_id[event.event_id] = event
        message = _Message(f"msg-{number}", webhook.webhook_id, event.event_id, at)
        self.messages[message.message_id] = message
        for listener in self._listeners:
            listener()
        return message.message_id

    def listen_messages(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    async def claim_messages(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        *,
        busy_webhooks: Sequence[str] = (),
        per_webhook: int | None = None,
    ) -> Sequence[DueMessage]:
        self._may_fail("claim_messages")
        self.claims += 1
        claimed: list[DueMessage] = []
        per_hook: Counter[str] = Counter()
        for message in sorted(self.messages.values(), key=lambda m: str(m.due_at)):
            hook = self.hooks[message.webhook_id]
            claimable = self._claimable_at(message)
            if claimable is None or claimable > now or hook.webhook_id in busy_webhooks:
                continue
            if len(claimed) == limit or per_hook[hook.webhook_id] == per_webhook:
                continue
            per_hook[hook.webhook_id] += 1
            message.leased_until = now + lease
            message.token = f"token-{next(self._numbers)}"
            claimed.append(
                DueMessage(
                    message_id=message.message_id,
                    webhook=hook,
                    event_id=message.event_id,
                    attempt=len(message.attempts) + 1,
                    token=message.token,
                )
            )
        return claimed

    async def next_message_due(self) -> datetime | None:
        times = [self._claimable_at(message) for message in self.messages.values()]
        return min((at for at in times if at is not None), default=None)

    async def record_attempt(
        self, message: DueMessage, attempt: Attempt, next_due: datetime | None, *, delivered: bool
    ) -> None:
        self._may_fail("record_attempt")
        row = self.messages[message.message_id]
        if row.token != message.token or row.due_at is None:
            return
        row.attempts.append(attempt)
        row.due_at, row.leased_until, row.delivered = next_due, None, delivered

    async def note_failing(self, webhook: Webhook, failing: Failing | None) -> None:
        stands = self.hooks[webhook.webhook_id]
        self.hooks[webhook.webhook_id] = msgspec.structs.replace(stands, failing=failing)

    async def disable_webhook(self, webhook_id: str, reason: Disabled, now: datetime) -> bool:
        """Gives up its waiting messages."""
        stood = not self.hooks[webhook_id].disabled
        self.hooks[webhook_id] = msgspec.structs.replace(
            self.hooks[webhook_id], disabled=True, disabled_at=now, disabled_reason=reason
        )
        for message in self.messages.values():
            if message.webhook_id == webhook_id:
                message.due_at = None
        return stood

    async def event_by_id(self, event_id: str) -> Event | None:
        self._may_fail("event_by_id")
        return self.events_by_id.get(event_id)

    def _claimable_at(self, message: _Message) -> datetime | None:
        if message.due_at is None:
            return None
        return message.leased_until or message.due_at

    def _may_fail(self, method: str) -> None:
        if self.fail_next[method] > 0:
            self.fail_next[method] -= 1
            raise ConnectionError("the database is away")
