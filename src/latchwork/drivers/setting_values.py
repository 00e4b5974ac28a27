"""Checks of settings that several drivers ask for."""

from typing import Any, Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from latchwork.domain.errors import Rejected

_SECURE: Final = "wss"


def websocket_url(
    name: str, url: Any, *, what: str, example: str, default_port: int, default_path: str = ""
) -> str:
    """The address of a websocket server, normalised; `what` it is, such as "a Z-Wave JS server",
    and an `example` are told to people whose address is wrong. Raises Rejected."""
    form = f"the address of {what}, such as {example}"
    if not isinstance(url, str) or not url.strip():
        raise Rejected(name, f"The setting {name} is missing: {form}.")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise Rejected(name, f"The setting {name} is not an address: {form}.") from None
    if parts.scheme not in ("ws", _SECURE) or not parts.hostname:
        raise Rejected(name, f"The setting {name} must begin with ws:// or wss://: {form}.")
    if parts.username is not None or parts.password is not None:
        raise Rejected(name, f"The setting {name} must not contain a user name or password.")
    if parts.query or parts.fragment:
        raise Rejected(name, f"The setting {name} must not contain ? or #: {form}.")
    return _normal(parts, port or default_port, default_path)


def _normal(parts: SplitResult, port: int, default_path: str) -> str:
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}:{port}{parts.path.rstrip('/') or default_path}"


def time_zone(name: str, zone: Any) -> str:
    """The key of an IANA time zone. Raises Rejected."""
    try:
        return ZoneInfo(zone).key
    except (ValueError, TypeError, OSError, KeyError):
        message = f"The setting {name} must be an IANA name, such as Europe/Amsterdam."
        raise Rejected(name, message) from None
