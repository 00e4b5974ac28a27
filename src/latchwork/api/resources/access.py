"""Sessions, connect webviews and customization profiles."""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from latchwork.api.resources.access_code import AccessCode, UnmanagedAccessCode
from latchwork.api.resources.account import ConnectedAccount, Workspace
from latchwork.api.resources.common import Id, Instant, Metadata, Resource, Url
from latchwork.api.resources.device import Device, UnmanagedDevice
from latchwork.api.resources.event import ActionAttempt, Event


class ClientSession(Resource):
    """What one end user may reach, and the token that opens it. The token is whole where it was
    made just now; elsewhere it is masked, for only a hash of it is kept."""

    client_session_id: Id
    workspace_id: Id
    created_at: Instant
    expires_at: Instant
    token: str
    user_identifier_key: str | None
    connected_account_ids: list[Id]
    connect_webview_ids: list[Id]
    user_identity_ids: list[Id]
    device_count: int
    customer_key: str | UnsetType = UNSET


class ConnectWebview(Resource):
    """A link under which a person connects a provider."""

    connect_webview_id: Id
    workspace_id: Id
    created_at: Instant
    url: Url
    status: Literal["pending", "failed", "authorized"]
    login_successful: bool
    authorized_at: Instant | None
    connected_account_id: Id | None
    selected_provider: str | None
    accepted_providers: list[str]
    accepted_capabilities: list[str]
    accepted_devices: list[str]
    any_provider_allowed: bool
    any_device_allowed: bool
    device_selection_mode: Literal["none", "single", "multiple"]
    automatically_manage_new_devices: bool
    wait_for_device_creation: bool
    custom_metadata: Metadata
    custom_redirect_url: Url | None
    custom_redirect_failure_url: Url | None
    customer_key: str | UnsetType = UNSET


class CustomizationProfile(Resource):
    """Colours, words and a logo."""

    customization_profile_id: Id
    workspace_id: Id
    created_at: Instant
    name: str | None
    primary_color: str | UnsetType = UNSET
    secondary_color: str | UnsetType = UNSET
    customer_portal_theme: dict[str, str] | UnsetType = UNSET
    message_overrides: dict[str, Any] | UnsetType = UNSET
    logo_url: Url | UnsetType = UNSET


class Batch(Resource):
    """What has the id that was searched for."""

    access_codes: list[AccessCode] | UnsetType = UNSET
    action_attempts: list[ActionAttempt] | UnsetType = UNSET
    client_sessions: list[ClientSession] | UnsetType = UNSET
    connect_webviews: list[ConnectWebview] | UnsetType = UNSET
    connected_accounts: list[ConnectedAccount] | UnsetType = UNSET
    customization_profiles: list[CustomizationProfile] | UnsetType = UNSET
    devices: list[Device] | UnsetType = UNSET
    events: list[Event] | UnsetType = UNSET
    unmanaged_access_codes: list[UnmanagedAccessCode] | UnsetType = UNSET
    unmanaged_devices: list[UnmanagedDevice] | UnsetType = UNSET
    workspaces: list[Workspace] | UnsetType = UNSET
