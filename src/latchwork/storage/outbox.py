"""Webhook endpoints and their messages, as the rest of the house asks for them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Attempt, Disabled, DueMessage, Failing, Webhook


class WebhookStorage(Protocol):
    async def add_webhook(self, webhook: Webhook) -> None: ...
    async def webhook(self, workspace_id: str, webhook_id: str) -> Webhook | None: ...
    async def webhooks(self, workspace_id: str) -> Sequence[Webhook]: ...
    async def update_webhook(
        self, workspace_id: str, webhook_id: str, event_types: tuple[str, ...]
    ) -> bool: ...
    async def delete_webhook(self, workspace_id: str, webhook_id: str) -> bool: ...
    async def rotate_secret(
        self, workspace_id: str, webhook_id: str, secret: Secret, until: datetime
    ) -> Webhook | None:
        """The endpoint with its new secret; the one before it signs too until then. None: there is
        no such endpoint."""

    async def disable_webhook(self, webhook_id: str, reason: Disabled, now: datetime) -> bool:
        """Gives its waiting messages up, and tells the workspace; False when it was disabled
        already, and nothing is told."""

    async def enable_webhook(self, workspace_id: str, webhook_id: str) -> bool:
        """What came to pass while it was disabled is sent by `replay` alone."""

    async def note_failing(self, webhook: Webhook, failing: Failing | None) -> None:
        """None after a success. Nothing is written where the row of failures is not the one that
        `webhook` tells of, unless it ends."""

    async def resend(self, workspace_id: str, webhook_id: str, event_id: str) -> str | None:
        """Makes an event's message due at once, under its id, with all attempts before it; the
        message's id. None: no such endpoint or event."""

    async def replay(
        self, workspace_id: str, webhook_id: str, since: datetime, *, delivered_too: bool
    ) -> int | None:
        """As `resend`, for all events of the types that the endpoint wants, stored since then; how
        many. Without `delivered_too` neither what it has taken nor what waits. None: no such
        endpoint."""

    def listen_messages(self, listener: Callable[[], None]) -> None: ...
    async def claim_messages(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        *,
        busy_webhooks: Sequence[str] = (),
        per_webhook: int | None = None,
    ) -> Sequence[DueMessage]:
        """Claims up to `limit` messages whose time has come, earliest first, none of a busy or
        disabled endpoint, at most `per_webhook` of one endpoint. A message whose lease has run
        out can be claimed again."""

    async def next_message_due(self) -> datetime | None:
        """When the next message can be claimed: the earliest due time, or end of a lease."""

    async def record_attempt(
        self, message: DueMessage, attempt: Attempt, next_due: datetime | None, *, delivered: bool
    ) -> None:
        """`next_due` None with `delivered` False: given up. A stale token writes nothing."""

    async def attempts_of(
        self, workspace_id: str, webhook_id: str, limit: int
    ) -> Sequence[tuple[str, str, Attempt]]:
        """(message_id, event_id, attempt), newest first."""
