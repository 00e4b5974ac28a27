"""What the serializers write, described: one struct per resource, named as Seam names it.

Answers are not built from these; the OpenAPI document is, and the tests hold every answer to them.
"""

from latchwork.api.resources.access import (
    Batch,
    ClientSession,
    ConnectWebview,
    CustomizationProfile,
)
from latchwork.api.resources.access_code import AccessCode, GeneratedCode, UnmanagedAccessCode
from latchwork.api.resources.account import ConnectedAccount, Workspace
from latchwork.api.resources.common import Error, Pagination
from latchwork.api.resources.device import Device, DeviceProvider, UnmanagedDevice
from latchwork.api.resources.event import (
    ActionAttempt,
    Event,
    TimelineEvent,
    TimelinePagination,
    Webhook,
    WebhookAttempt,
)

__all__ = [
    "AccessCode",
    "ActionAttempt",
    "Batch",
    "ClientSession",
    "ConnectWebview",
    "ConnectedAccount",
    "CustomizationProfile",
    "Device",
    "DeviceProvider",
    "Error",
    "Event",
    "GeneratedCode",
    "Pagination",
    "TimelineEvent",
    "TimelinePagination",
    "UnmanagedAccessCode",
    "UnmanagedDevice",
    "Webhook",
    "WebhookAttempt",
    "Workspace",
]
