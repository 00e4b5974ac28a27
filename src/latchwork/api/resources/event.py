"""What happened, how commands ended, and where events are sent."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api.resources.access_code import AccessCodeCaution, AccessCodeError, Mutated
from latchwork.api.resources.common import Caution, Id, Instant, Metadata, Resource, Url
from latchwork.api.resources.device import DeviceCaution


class ChangedProperty(Resource):
    """A property of a code that the owner changed."""

    property: str
    from_: str | None = msgspec.field(name="from")
    to: str | None


class AccessDenied(Resource):
    """Why a lock stayed shut."""

    reason_code: str
    message: str


class ToldError(Resource):
    """An error that stood on a device or account when an event happened."""

    error_code: str
    message: str
    created_at: Instant


class Event(Resource):
    """One change of state. Which of the further fields it has follows from `event_type`."""

    event_id: Id
    event_type: str
    workspace_id: Id
    created_at: Instant
    occurred_at: Instant
    device_id: Id | UnsetType = UNSET
    access_code_id: Id | UnsetType = UNSET
    connected_account_id: Id | UnsetType = UNSET
    action_attempt_id: Id | UnsetType = UNSET
    description: str | UnsetType = UNSET
    change_reason: str | UnsetType = UNSET
    changed_properties: list[ChangedProperty] | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    from_: Mutated | UnsetType = msgspec.field(name="from", default=UNSET)
    to: Mutated | UnsetType = UNSET
    requested_mutations: list[dict[str, Any]] | UnsetType = UNSET
    access_code_errors: list[AccessCodeError] | UnsetType = UNSET
    access_code_warnings: list[AccessCodeCaution] | UnsetType = UNSET
    device_errors: list[ToldError] | UnsetType = UNSET
    device_warnings: list[DeviceCaution] | UnsetType = UNSET
    connected_account_errors: list[ToldError] | UnsetType = UNSET
    connected_account_warnings: list[Caution] | UnsetType = UNSET
    webhook_id: Id | UnsetType = UNSET
    disabled_reason: Literal["gone", "failing"] | UnsetType = UNSET
    action_type: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    error_code: str | UnsetType = UNSET
    battery_level: float | UnsetType = UNSET
    battery_status: Literal["critical", "low", "good", "full"] | UnsetType = UNSET
    method: str | UnsetType = UNSET
    access_code_is_managed: bool | UnsetType = UNSET
    reason: AccessDenied | UnsetType = UNSET
    battery_source: Literal["lock", "accessory_keypad"] | UnsetType = UNSET
    backup_access_code_id: Id | UnsetType = UNSET
    connect_webview_id: Id | UnsetType = UNSET
    client_session_id: Id | UnsetType = UNSET
    connected_account_type: str | UnsetType = UNSET
    device_name: str | UnsetType | None = UNSET
    customer_key: str | UnsetType = UNSET
    device_custom_metadata: Metadata | UnsetType = UNSET
    connected_account_custom_metadata: Metadata | UnsetType = UNSET


class AttemptError(Resource):
    """Why a command failed."""

    type: str
    message: str


class ActionAttempt(Resource):
    """A command on its way to a lock: `result` with success, `error` with error."""

    action_attempt_id: Id
    action_type: str
    status: Literal["pending", "success", "error"]
    result: dict[str, Any] | None
    error: AttemptError | None


class Actor(Resource):
    """Who did it: a caller, the server, or another hand at the lock."""

    type: Literal["api_key", "system", "external"]


class RelatedIds(Resource):
    """What it happened to, and where it is told in full."""

    event_id: Id
    device_id: Id | UnsetType = UNSET
    connected_account_id: Id | UnsetType = UNSET
    action_attempt_id: Id | UnsetType = UNSET


class TimelineEvent(Resource):
    """One thing that happened to a code."""

    timeline_event_id: Id
    event_type: str
    occurred_at: Instant
    description: str
    actor: Actor
    related_resource_ids: RelatedIds


class TimelinePagination(Resource):
    """`next_cursor` goes on as `before`, `prev_cursor` as `after`."""

    has_more: bool
    next_cursor: str | None
    prev_cursor: str | None


class WebhookDelivery(Resource):
    """How deliveries to a webhook go. `failing_since`: of failures without a success."""

    is_disabled: bool
    disabled_at: Instant | None
    disabled_reason: Literal["gone", "failing"] | None
    failing_since: Instant | None
    previous_secret_valid_until: Instant | None


class Webhook(Resource):
    """Where events are sent. The secret signs each message."""

    webhook_id: Id
    url: Url
    event_types: list[str]
    secret: str
    latchwork_delivery: WebhookDelivery


class WebhookAttempt(Resource):
    """One attempt to deliver an event to a webhook, and what came of it."""

    message_id: Id
    event_id: Id
    attempt: int
    attempted_at: Instant
    duration_ms: int
    status_code: int | None
    error: str | None
    response: str
