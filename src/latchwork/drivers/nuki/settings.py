"""The settings of a connection, checked."""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers.clouds.address import check_known, checked_address

NUKI: Final = "https://api.nuki.io"
FIELDS: Final = (
    SettingField(
        name="api_token",
        label="API token",
        kind=FieldKind.SECRET,
        help="From web.nuki.io: API, Generate API token, with all rights on the locks.",
        tells_accounts_apart=True,
    ),
    SettingField(
        name="url",
        label="Address of Nuki's Web API",
        kind=FieldKind.URL,
        required=False,
        help="Leave it as it is.",
        default=NUKI,
    ),
)
KNOWN: Final = frozenset({"url"})


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`url`, Nuki's own unless it is given."""
    check_known(settings, KNOWN)
    return {"url": checked_address("url", settings.get("url") or NUKI, NUKI)}
