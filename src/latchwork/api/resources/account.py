"""Workspaces and connected accounts."""

from typing import Literal

from msgspec import UNSET, UnsetType

from latchwork.api.resources.common import (
    AccountError,
    Caution,
    Id,
    Instant,
    Metadata,
    Resource,
    Url,
)


class ConnectedAccount(Resource):
    """One connection to a provider's locks."""

    connected_account_id: Id
    workspace_id: Id
    account_type: str
    account_type_display_name: str
    display_name: str
    created_at: Instant
    accepted_capabilities: list[Literal["lock"]]
    automatically_manage_new_devices: bool
    custom_metadata: Metadata
    errors: list[AccountError]
    warnings: list[Caution]


class WebviewCustomization(Resource):
    """How the page of connect webviews looks."""

    primary_button_color: str | UnsetType = UNSET
    primary_button_text_color: str | UnsetType = UNSET
    logo_shape: Literal["circle", "square"] | UnsetType = UNSET
    success_message: str | UnsetType = UNSET
    inviter_logo_url: Url | UnsetType = UNSET


class Workspace(Resource):
    """What keys, accounts, devices and codes belong to. A sandbox's locks are simulated."""

    workspace_id: Id
    name: str
    company_name: str
    connect_partner_name: str | None
    is_sandbox: bool
    is_suspended: bool
    is_publishable_key_auth_enabled: bool
    organization_id: Id | None
    connect_webview_customization: WebviewCustomization
    publishable_key: str | UnsetType = UNSET
