"""The settings of a connection, checked."""

from collections.abc import Mapping
from typing import Any, Final

from latchwork.domain.provider import FieldKind, SettingField
from latchwork.drivers.clouds.address import check_known, checked_address, checked_text

FIELDS: Final = (
    SettingField(
        name="url",
        label="Address of the lock cloud's API",
        kind=FieldKind.URL,
        help="What stands before /locks in its documentation.",
        example="https://devicecloud.example.com",
    ),
    SettingField(
        name="access_token",
        label="Access token",
        kind=FieldKind.SECRET,
        required=False,
        help="One that does not expire. Leave it empty when you have a refresh token.",
        tells_accounts_apart=True,
    ),
    SettingField(
        name="refresh_token",
        label="Refresh token",
        kind=FieldKind.SECRET,
        required=False,
        help="From the cloud's OAuth 2.0 sign-in; access tokens are then renewed with it.",
        tells_accounts_apart=True,
    ),
    SettingField(
        name="client_id",
        label="Client ID",
        required=False,
        help="Of the OAuth 2.0 client that the refresh token was given to.",
    ),
    SettingField(
        name="client_secret",
        label="Client secret",
        kind=FieldKind.SECRET,
        required=False,
        help="Of the same client.",
    ),
    SettingField(
        name="token_url",
        label="Token address",
        kind=FieldKind.URL,
        required=False,
        help="Where tokens are renewed. Left empty, it is /oauth/token below the API's address.",
        example="https://devicecloud.example.com/oauth/token",
    ),
)
KNOWN: Final = frozenset(f.name for f in FIELDS if f.kind is not FieldKind.SECRET)


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """`url`, and for OAuth `client_id` and `token_url`."""
    check_known(settings, KNOWN)
    checked = {"url": checked_address("url", settings.get("url"), str(FIELDS[0].example))}
    client_id = checked_text(settings, "client_id", "of the OAuth client", required=False)
    if client_id is not None:
        checked["client_id"] = client_id
    if settings.get("token_url"):
        checked["token_url"] = checked_address(
            "token_url", settings["token_url"], str(FIELDS[-1].example)
        )
    return checked
