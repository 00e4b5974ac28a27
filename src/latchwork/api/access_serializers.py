"""Workspaces, sessions, webviews and profiles in Seam's shapes."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from latchwork.api.device_serializers import iso
from latchwork.domain.connect_webview import ConnectWebview, offered
from latchwork.domain.credentials import SESSION_TOKEN, ClientSession
from latchwork.domain.customization import CustomizationProfile
from latchwork.domain.device import Workspace
from latchwork.domain.pin import MASK, Secret
from latchwork.domain.provider import Provider

VIEW = "/connect_webviews/view"
LOGOS = "/connect_webviews/logos/"


def workspace(found: Workspace) -> dict[str, Any]:
    shown = {
        "workspace_id": found.workspace_id,
        "name": found.name,
        "company_name": found.connect_partner_name or found.name,
        "connect_partner_name": found.connect_partner_name,
        "is_sandbox": found.is_sandbox,
        "is_suspended": found.is_suspended,
        "is_publishable_key_auth_enabled": found.is_publishable_key_auth_enabled,
        "organization_id": found.organization_id,
        "connect_webview_customization": msgspec.to_builtins(found.webview_customization),
    }
    if found.publishable_key is not None:
        shown["publishable_key"] = found.publishable_key
    return shown


def client_session(
    session: ClientSession, device_count: int, token: Secret | None = None
) -> dict[str, Any]:
    """`token`: the one that was made just now, shown this once."""
    shown = {
        "client_session_id": session.client_session_id,
        "workspace_id": session.workspace_id,
        "created_at": iso(session.created_at),
        "expires_at": iso(session.expires_at),
        "token": f"{SESSION_TOKEN}{MASK}" if token is None else token.reveal(),
        "user_identifier_key": session.user_identifier_key,
        "connected_account_ids": list(session.connected_account_ids),
        "connect_webview_ids": list(session.connect_webview_ids),
        "user_identity_ids": list(session.user_identity_ids),
        "device_count": device_count,
    }
    if session.customer_key is not None:
        shown["customer_key"] = session.customer_key
    return shown


def connect_webview(
    webview: ConnectWebview, owner: Workspace, installed: Sequence[Provider], public_url: str
) -> dict[str, Any]:
    wish = webview.wish
    link = urlencode(
        {
            "connect_webview_id": webview.connect_webview_id,
            "auth_token": webview.token.reveal(),
        }
    )
    choice = offered(wish, installed, is_sandbox=owner.is_sandbox)
    narrowed = wish.accepted_providers or wish.excluded_providers or wish.provider_category
    shown = {
        "connect_webview_id": webview.connect_webview_id,
        "workspace_id": webview.workspace_id,
        "created_at": iso(webview.created_at),
        "url": f"{public_url}{VIEW}?{link}",
        "status": webview.status.value,
        "login_successful": webview.login_successful,
        "authorized_at": iso(webview.authorized_at),
        "connected_account_id": webview.connected_account_id,
        "selected_provider": webview.selected_provider,
        "accepted_providers": [provider.name for provider in choice],
        "accepted_capabilities": list(wish.accepted_capabilities),
        "accepted_devices": [],
        "any_provider_allowed": not narrowed,
        "any_device_allowed": True,
        "device_selection_mode": wish.device_selection_mode,
        "automatically_manage_new_devices": wish.automatically_manage_new_devices,
        "wait_for_device_creation": wish.wait_for_device_creation,
        "custom_metadata": webview.custom_metadata,
        "custom_redirect_url": wish.custom_redirect_url,
        "custom_redirect_failure_url": wish.custom_redirect_failure_url,
    }
    if webview.customer_key is not None:
        shown["customer_key"] = webview.customer_key
    return shown


def customization_profile(profile: CustomizationProfile, public_url: str) -> dict[str, Any]:
    profile_id = profile.customization_profile_id
    told = {
        "primary_color": profile.primary_color,
        "secondary_color": profile.secondary_color,
        "customer_portal_theme": profile.customer_portal_theme,
        "message_overrides": profile.message_overrides,
        "logo_url": f"{public_url}{LOGOS}{profile_id}" if profile.has_logo else None,
    }
    return {
        "customization_profile_id": profile_id,
        "workspace_id": profile.workspace_id,
        "created_at": iso(profile.created_at),
        "name": profile.name,
        **{key: value for key, value in told.items() if value is not None},
    }
