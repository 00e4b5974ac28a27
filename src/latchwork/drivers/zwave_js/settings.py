"""The settings of a connection, checked."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind, SettingField

DEFAULT_PORT: Final = 3000
FIELDS: Final = (
    SettingField(
        name="url",
        label="Address of the Z-Wave JS server",
        kind=FieldKind.URL,
        help="In Z-Wave JS UI: Settings, Home Assistant, WS Server.",
        example="ws://192.168.1.10:3000",
    ),
    SettingField(
        name="time_zone",
        label="Time zone of the locks",
        required=False,
        help="Only for locks that keep schedules themselves. Left empty, they are put on UTC.",
        example="Europe/Amsterdam",
    ),
)
KNOWN: Final = frozenset(field.name for field in FIELDS)


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`url`: ws://host:3000 or wss://host, port 3000 unless it is given. `time_zone`: the IANA
    name of the time that the locks keep, for native schedules; without it they are put on UTC."""
    for name in settings:
        if name not in KNOWN:
            raise Rejected(name, f"There is no setting {name!r}; known are: url, time_zone.")
    checked: dict[str, Any] = {"url": _checked_url(settings.get("url"))}
    if (zone := settings.get("time_zone")) is not None:
        checked["time_zone"] = _checked_zone(zone)
    return checked


def _checked_url(url: Any) -> str:
    form = "the address of a Z-Wave JS server, such as ws://192.168.1.10:3000"
    if not isinstance(url, str) or not url.strip():
        raise Rejected("url", f"The setting url is missing: {form}.")
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise Rejected("url", f"The setting url is not an address: {form}.") from None
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise Rejected("url", f"The setting url must begin with ws:// or wss://: {form}.")
    if parts.username is not None or parts.password is not None:
        raise Rejected("url", "The setting url must not contain a user name or password.")
    if parts.query or parts.fragment:
        raise Rejected("url", f"The setting url must not contain ? or #: {form}.")
    return _normal(parts, port or DEFAULT_PORT)


def _normal(parts: SplitResult, port: int) -> str:
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{bracketed}:{port}{parts.path.rstrip('/')}"


def _checked_zone(zone: Any) -> str:
    try:
        return ZoneInfo(zone).key
    except (ValueError, TypeError, OSError, KeyError):
        message = "The setting time_zone must be an IANA name, such as Europe/Amsterdam."
        raise Rejected("time_zone", message) from None
