"""The settings of a connection, checked."""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.domain.errors import Rejected
from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers.clouds.address import check_known, checked_address, checked_text

EUROPE: Final = "https://euapi.ttlock.com"
POLL_MINUTES: Final = 15
FIELDS: Final = (
    SettingField(
        name="client_id",
        label="Client ID",
        help="Of your application at open.ttlock.com.",
    ),
    SettingField(
        name="client_secret",
        label="Client secret",
        kind=FieldKind.SECRET,
        help="Of the same application.",
    ),
    SettingField(
        name="username",
        label="TTLock account",
        help="What you sign in to the TTLock app with; the account must have added the locks.",
        example="+31612345678",
    ),
    SettingField(
        name="password",
        label="Password",
        kind=FieldKind.SECRET,
        help="Of that account.",
    ),
    SettingField(
        name="url",
        label="Address of the platform",
        kind=FieldKind.URL,
        required=False,
        help="Of your account's region; mainland China has its own.",
        default=EUROPE,
        example="https://cnapi.ttlock.com",
    ),
    SettingField(
        name="poll_minutes",
        label="Minutes between looks",
        kind=FieldKind.NUMBER,
        required=False,
        help="Each look costs one call, and one more a lock, of the platform's monthly quota.",
        default=str(POLL_MINUTES),
    ),
)
KNOWN: Final = frozenset(f.name for f in FIELDS if f.kind is not FieldKind.SECRET)


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`client_id`, `username`, `url`, `poll_minutes` from 1 to 1440."""
    check_known(settings, KNOWN)
    minutes = _number(settings.get("poll_minutes", POLL_MINUTES))
    if not 1 <= minutes <= 1440:
        raise Rejected("poll_minutes", "The setting poll_minutes must be from 1 to 1440.")
    return {
        "client_id": checked_text(settings, "client_id", "of your application", required=True),
        "username": checked_text(settings, "username", "of the TTLock app", required=True),
        "url": checked_address("url", settings.get("url") or EUROPE, EUROPE),
        "poll_minutes": minutes,
    }


def _number(value: Any) -> float:
    """Of a number or its text; 0 for anything else."""
    try:
        return 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return 0.0
