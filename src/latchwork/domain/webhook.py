"""Webhook endpoints and the messages on their way to them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from latchwork.domain.pin import Secret

DISABLED_AFTER: Final = timedelta(days=5)
"""Of nothing but failures."""
STARTS_WITHIN: Final = timedelta(hours=24)
STARTS_AFTER: Final = timedelta(hours=12)
"""Failures count as a state of the endpoint when two within a day lie so far apart."""
NOTED_EVERY: Final = timedelta(hours=1)
"""So much finer no failure of a row of them is noted."""


class Disabled(StrEnum):
    """Why nothing is sent to an endpoint any more."""

    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Nothing but failures for days."""


class Failing(msgspec.Struct, frozen=True):
    """A row of failures without a success between them."""

    since: datetime
    last: datetime

    @property
    def is_lasting(self) -> bool:
        return self.last - self.since >= STARTS_AFTER


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where a workspace's events are sent. `event_types` may hold `*` for all."""

    webhook_id: str
    workspace_id: str
    url: str
    event_types: tuple[str, ...]
    secret: Secret
    """`whsec_` and base64 of 32 bytes."""
    created_at: datetime
    previous_secret: Secret | None = None
    """Signs beside `secret` until `previous_secret_until`."""
    previous_secret_until: datetime | None = None
    failing: Failing | None = None
    disabled: bool = False
    disabled_at: datetime | None = None
    disabled_reason: Disabled | None = None

    def wants(self, event_type: str) -> bool:
        """Whether an event of this type is for it."""
        return "*" in self.event_types or event_type in self.event_types

    def secrets_at(self, now: datetime) -> tuple[Secret, ...]:
        """Those that sign now, the newest first."""
        until = self.previous_secret_until
        if self.previous_secret is None or until is None or until <= now:
            return (self.secret,)
        return self.secret, self.previous_secret


def failed(failing: Failing | None, now: datetime) -> Failing:
    """The row of failures with one more at `now`."""
    if failing is None or now - failing.last >= DISABLED_AFTER:
        return Failing(now, now)
    if not failing.is_lasting and now - failing.since > STARTS_WITHIN:
        return Failing(now, now)
    if now - failing.last < NOTED_EVERY:
        return failing
    return Failing(failing.since, now)


def is_given_up(failing: Failing, now: datetime) -> bool:
    """Whether an endpoint has failed for so long that it is disabled."""
    return failing.is_lasting and now - failing.since >= DISABLED_AFTER


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
