"""Who may call: keys of a workspace, personal tokens across workspaces, sessions of end users."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret

API_KEY: Final = "seam_"
SESSION_TOKEN: Final = "seam_cst1"  # noqa: S105 - a prefix
PERSONAL_TOKEN: Final = "seam_at1"  # noqa: S105 - a prefix
PUBLISHABLE_KEY: Final = "seam_pk1"
OLD_API: Final = "2023-09"
API_VERSIONS: Final = (OLD_API, "2024-11")
"""2023-09 spells the type of an access code `timebound`."""
SESSION_LIVES: Final = timedelta(days=30)
LONGEST_SESSION: Final = timedelta(days=366)
TOKENS_OF_SESSION: Final = 10
"""How many tokens of one session work at once; a further one ends the oldest."""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret: only a hash is stored. `hint` is its last four characters."""

    api_key_id: str
    workspace_id: str
    name: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None = None
    api_version: str | None = None
    """One of API_VERSIONS; None: the newest."""


class PersonalToken(msgspec.Struct, frozen=True, kw_only=True):
    """A person's token, without its secret. `workspace_ids` None: every workspace."""

    personal_token_id: str
    name: str
    hint: str
    created_at: datetime
    workspace_ids: tuple[str, ...] | None = None
    revoked_at: datetime | None = None

    def opens(self, workspace_id: str) -> bool:
        return self.workspace_ids is None or workspace_id in self.workspace_ids


class ClientSession(msgspec.Struct, frozen=True, kw_only=True):
    """What one end user may reach: these accounts, and those that these webviews bring."""

    client_session_id: str
    workspace_id: str
    created_at: datetime
    expires_at: datetime
    user_identifier_key: str | None = None
    connected_account_ids: tuple[str, ...] = ()
    connect_webview_ids: tuple[str, ...] = ()
    user_identity_ids: tuple[str, ...] = ()
    customer_key: str | None = None


def granted(
    session: ClientSession, account_ids: tuple[str, ...], webview_ids: tuple[str, ...]
) -> ClientSession:
    """The session with access to these as well."""
    return msgspec.structs.replace(
        session,
        connected_account_ids=tuple(dict.fromkeys((*session.connected_account_ids, *account_ids))),
        connect_webview_ids=tuple(dict.fromkeys((*session.connect_webview_ids, *webview_ids))),
    )


def session_end(asked: datetime | None, now: datetime) -> datetime:
    """When a new session ends. Raises Rejected for an end in the past or too far off."""
    if asked is None:
        return now + SESSION_LIVES
    if not now < asked <= now + LONGEST_SESSION:
        raise Rejected(
            "expires_at",
            f"expires_at must lie in the future, at most {LONGEST_SESSION.days} days ahead.",
        )
    return asked


def made_secret(prefix: str, random: bytes) -> Secret:
    """A key or token of this kind."""
    return Secret(prefix + random.hex())
