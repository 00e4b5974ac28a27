"""Events: one for every change of state, append-only, ordered per workspace."""

from datetime import datetime
from typing import Any, Final

import msgspec

from latchwork.domain.pin import Pin

CREATED: Final = "access_code.created"
CHANGED: Final = "access_code.changed"
CODE_CHANGED: Final = "access_code.code_changed"
NAME_CHANGED: Final = "access_code.name_changed"
TIME_FRAME_CHANGED: Final = "access_code.time_frame_changed"
MUTATIONS_REQUESTED: Final = "access_code.mutations_requested"
SCHEDULED_ON_DEVICE: Final = "access_code.scheduled_on_device"
SET_ON_DEVICE: Final = "access_code.set_on_device"
REMOVED_FROM_DEVICE: Final = "access_code.removed_from_device"
DELAY_IN_SETTING: Final = "access_code.delay_in_setting_on_device"
FAILED_TO_SET: Final = "access_code.failed_to_set_on_device"
DELAY_IN_REMOVING: Final = "access_code.delay_in_removing_from_device"
FAILED_TO_REMOVE: Final = "access_code.failed_to_remove_from_device"
FAILED_TO_UPDATE: Final = "access_code.failed_to_update"
ISSUED: Final = "access_code.issued"
DELAY_IN_ISSUING: Final = "access_code.delay_in_issuing"
FAILED_TO_ISSUE: Final = "access_code.failed_to_issue"
BACKUP_PULLED: Final = "access_code.backup_access_code_pulled"
DELETED: Final = "access_code.deleted"
MODIFIED_EXTERNALLY: Final = "access_code.modified_external_to_seam"
DELETED_EXTERNALLY: Final = "access_code.deleted_external_to_seam"
UNMANAGED_CREATED: Final = "access_code.unmanaged.created"
UNMANAGED_REMOVED: Final = "access_code.unmanaged.removed"
UNMANAGED_CONVERTED: Final = "access_code.unmanaged.converted_to_managed"
UNMANAGED_NOT_CONVERTED: Final = "access_code.unmanaged.failed_to_convert_to_managed"

DEVICE_ADDED: Final = "device.added"
DEVICE_REMOVED: Final = "device.removed"
DEVICE_DELETED: Final = "device.deleted"
DEVICE_NAME_CHANGED: Final = "device.name_changed"
DEVICE_CONVERTED_TO_UNMANAGED: Final = "device.converted_to_unmanaged"
DEVICE_UNMANAGED_CONVERTED: Final = "device.unmanaged.converted_to_managed"
DEVICE_UNMANAGED_CONNECTED: Final = "device.unmanaged.connected"
DEVICE_UNMANAGED_DISCONNECTED: Final = "device.unmanaged.disconnected"
DEVICE_KEYPAD_CONNECTED: Final = "device.accessory_keypad_connected"
DEVICE_KEYPAD_DISCONNECTED: Final = "device.accessory_keypad_disconnected"
DEVICE_SUBSCRIPTION_REQUIRED: Final = "device.error.subscription_required"
DEVICE_SUBSCRIPTION_RESOLVED: Final = "device.error.subscription_required.resolved"
DEVICE_INTEGRATION_DETECTED: Final = "device.third_party_integration_detected"
DEVICE_INTEGRATION_GONE: Final = "device.third_party_integration_no_longer_detected"
DEVICE_CONNECTED: Final = "device.connected"
DEVICE_DISCONNECTED: Final = "device.disconnected"
DEVICE_LOW_BATTERY: Final = "device.low_battery"
DEVICE_BATTERY_STATUS_CHANGED: Final = "device.battery_status_changed"
DEVICE_TAMPERED: Final = "device.tampered"
DEVICE_CONNECTION_BECAME_FLAKY: Final = "device.connection_became_flaky"
DEVICE_CONNECTION_STABILIZED: Final = "device.connection_stabilized"
LOCK_LOCKED: Final = "lock.locked"
LOCK_UNLOCKED: Final = "lock.unlocked"
LOCK_ACCESS_DENIED: Final = "lock.access_denied"
ACCOUNT_CREATED: Final = "connected_account.created"
ACCOUNT_LOGGED_IN: Final = "connected_account.successful_login"
WEBVIEW_SUCCEEDED: Final = "connect_webview.login_succeeded"
WEBVIEW_FAILED: Final = "connect_webview.login_failed"
SESSION_DELETED: Final = "client_session.deleted"
ACCOUNT_CONNECTED: Final = "connected_account.connected"
ACCOUNT_DISCONNECTED: Final = "connected_account.disconnected"
ACCOUNT_COMPLETED_FIRST_SYNC: Final = "connected_account.completed_first_sync"
ACCOUNT_COMPLETED_RESYNC: Final = "connected_account.completed_first_sync_after_reconnection"
ACCOUNT_DELETED: Final = "connected_account.deleted"
ACCOUNT_REAUTHORIZATION: Final = "connected_account.reauthorization_requested"
WEBHOOK_DISABLED: Final = "latchwork.webhook_disabled"

WITH_PROBLEMS: Final = frozenset(
    {
        DELAY_IN_SETTING,
        FAILED_TO_SET,
        FAILED_TO_UPDATE,
        DELAY_IN_REMOVING,
        FAILED_TO_REMOVE,
        DELAY_IN_ISSUING,
        FAILED_TO_ISSUE,
    }
)
"""Events of a code that carry the errors and warnings of code, device and account."""


DEVICE_WITH_PROBLEMS: Final = frozenset(
    {
        DEVICE_DISCONNECTED,
        DEVICE_UNMANAGED_DISCONNECTED,
        DEVICE_CONNECTION_BECAME_FLAKY,
        DEVICE_KEYPAD_DISCONNECTED,
        DEVICE_SUBSCRIPTION_REQUIRED,
    }
)
"""Events of a lock that carry the errors and warnings of lock and account."""


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to be appended. Ids of workspace, event and account are added by storage.

    `payload` holds the event's further fields and never a PIN; a PIN that belongs to the event
    (`code` of access_code.set_on_device) goes into `code`, which is stored encrypted; the pair
    of access_code.code_changed goes into `code_from` and `code`.
    """

    event_type: str
    occurred_at: datetime
    device_id: str | None = None
    access_code_id: str | None = None
    connected_account_id: str | None = None
    action_attempt_id: str | None = None
    code: Pin | None = None
    code_from: Pin | None = None
    payload: dict[str, Any] = {}
    """With `device_custom_metadata` and `connected_account_custom_metadata` of what is deleted with
    the event; those of what stands are added by storage."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event as stored. `sequence` orders the events of a workspace."""

    event_id: str
    workspace_id: str
    sequence: int
    created_at: datetime
    event_type: str
    occurred_at: datetime
    device_id: str | None = None
    access_code_id: str | None = None
    connected_account_id: str | None = None
    action_attempt_id: str | None = None
    code: Pin | None = None
    code_from: Pin | None = None
    payload: dict[str, Any] = {}
    device_metadata: dict[str, Any] = {}
    account_metadata: dict[str, Any] = {}
    """Custom metadata as it was when the event was stored."""
