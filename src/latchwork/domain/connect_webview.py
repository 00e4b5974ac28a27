"""A link under which a person connects a provider of locks. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from latchwork.domain import events
from latchwork.domain.errors import Rejected
from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Secret
from latchwork.domain.provider import SIMULATOR, Provider

LINK_LIVES: Final = timedelta(hours=24)
LOCK_CATEGORIES: Final = frozenset(("stable", "consumer_smartlocks", "beta", "internal_beta"))
"""Seam's categories that providers of locks are in."""
BARRED_SCHEMES: Final = frozenset(
    ("javascript", "data", "vbscript", "file", "blob", "about", "view-source", "ws", "wss")
)


class WebviewStatus(StrEnum):
    PENDING = "pending"
    FAILED = "failed"
    AUTHORIZED = "authorized"


class WebviewWish(msgspec.Struct, frozen=True, kw_only=True):
    """What the webview was made with. `accepted_providers` empty: all that are installed."""

    accepted_providers: tuple[str, ...] = ()
    excluded_providers: tuple[str, ...] = ()
    provider_category: str | None = None
    accepted_capabilities: tuple[str, ...] = ("lock",)
    device_selection_mode: str = "none"
    automatically_manage_new_devices: bool = True
    wait_for_device_creation: bool = False
    custom_redirect_url: str | None = None
    custom_redirect_failure_url: str | None = None


class ConnectWebview(msgspec.Struct, frozen=True, kw_only=True):
    """The link, and how far the person has come."""

    connect_webview_id: str
    workspace_id: str
    created_at: datetime
    token: Secret
    """Whoever has it may use the page until `expires_at`."""
    wish: WebviewWish = WebviewWish()
    custom_metadata: dict[str, Any] = {}
    """Copied to the account."""
    customer_key: str | None = None
    client_session_id: str | None = None
    """The session that made it, which is granted the account."""
    status: WebviewStatus = WebviewStatus.PENDING
    selected_provider: str | None = None
    connected_account_id: str | None = None
    authorized_at: datetime | None = None

    @property
    def expires_at(self) -> datetime:
        return self.created_at + LINK_LIVES

    @property
    def login_successful(self) -> bool:
        return self.status is WebviewStatus.AUTHORIZED


def offered(
    wish: WebviewWish, installed: Sequence[Provider], *, is_sandbox: bool
) -> tuple[Provider, ...]:
    """The providers that a person may choose from: simulated locks in sandboxes alone."""
    if wish.provider_category is not None and wish.provider_category not in LOCK_CATEGORIES:
        return ()
    wanted = frozenset(map(_named, wish.accepted_providers))
    barred = frozenset(map(_named, wish.excluded_providers))
    return tuple(
        provider
        for provider in installed
        if (not wanted or provider.name in wanted)
        and provider.name not in barred
        and (is_sandbox or provider.name != SIMULATOR)
    )


def _named(name: str) -> str:
    return name.strip().lower().replace("-", "_")


def authorized(
    webview: ConnectWebview, provider: str, account_id: str, now: datetime
) -> ConnectWebview:
    return msgspec.structs.replace(
        webview,
        status=WebviewStatus.AUTHORIZED,
        selected_provider=provider,
        connected_account_id=account_id,
        authorized_at=now,
    )


def failed(webview: ConnectWebview, provider: str) -> ConnectWebview:
    """One attempt came to nothing; another may follow."""
    return msgspec.structs.replace(webview, status=WebviewStatus.FAILED, selected_provider=provider)


def events_of_success(
    webview: ConnectWebview, now: datetime, *, is_new: bool
) -> tuple[NewEvent, ...]:
    """What an authorized webview tells; `is_new`: whether it brought an account that was not
    there before."""
    types = [events.ACCOUNT_LOGGED_IN, events.WEBVIEW_SUCCEEDED]
    if is_new:
        types.insert(0, events.ACCOUNT_CREATED)
    key = {} if webview.customer_key is None else {"customer_key": webview.customer_key}
    return tuple(
        NewEvent(
            event_type=event_type,
            occurred_at=now,
            connected_account_id=webview.connected_account_id,
            payload={
                "connect_webview_id": webview.connect_webview_id,
                **(key if event_type == events.WEBVIEW_SUCCEEDED else {}),
            },
        )
        for event_type in types
    )


def check_redirect(name: str, url: str) -> None:
    """Raises Rejected for what is no absolute URL, or one that would run or open something in
    the browser itself. Schemes of apps are welcome."""
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
    except ValueError:
        scheme = ""
    wrong = not scheme or scheme in BARRED_SCHEMES or not url.isprintable() or " " in url
    if wrong or (scheme in {"http", "https"} and not parts.hostname):
        raise Rejected(name, f"{name} must be an absolute URL, such as https://example.com/done.")


def redirect_target(url: str, **parameters: str | None) -> str:
    """The URL with these parameters added to its query; None is left out."""
    parts = urlsplit(url)
    given = {name: value for name, value in parameters.items() if value is not None}
    kept = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if k not in given]
    return urlunsplit(parts._replace(query=urlencode([*kept, *given.items()])))


def redirect_source(url: str) -> str:
    """The URL's origin as a Content-Security-Policy names it; an app's scheme for other URLs."""
    parts = urlsplit(url)
    if parts.scheme.lower() not in {"http", "https"}:
        return f"{parts.scheme.lower()}:"
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{bracketed}{'' if parts.port is None else f':{parts.port}'}"
