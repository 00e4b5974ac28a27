"""Workspaces and connected accounts."""

from typing import Any, Literal

from latchwork.api.resources.common import (
    AccountError,
    Caution,
    Id,
    Instant,
    Metadata,
    Resource,
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
    connect_webview_customization: dict[str, Any]
