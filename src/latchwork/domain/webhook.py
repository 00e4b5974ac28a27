"""Webhook endpoints and the messages on their way to them."""

from datetime import datetime

import msgspec

from latchwork.domain.pin import Secret


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workspace's events are sent. `event_types` may hold `*` for all."""

    webhook_id: str
    workspace_id: str
    url: str
    event_types: tuple[str, ...]
    secret: Secret
    """`whsec_` and base64 of 32 bytes."""
    created_at: datetime
    disabled: bool = False


class DueMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message claimed for one delivery attempt. The token fences the record of its outcome."""

    message_id: str
    webhook: Webhook
    event_id: str
    attempt: int
    """1 for the first."""
    token: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery attempt as it went. `response` holds at most 2 KiB."""

    attempt: int
    attempted_at: datetime
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str
