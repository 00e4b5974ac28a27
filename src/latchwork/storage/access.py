"""The part of storage's interface about who may call, and how people and requests come in. The
rules of `interface` hold here too."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.connect_webview import ConnectWebview
from latchwork.domain.credentials import ApiKey, ClientSession, PersonalToken
from latchwork.domain.customization import CustomizationProfile
from latchwork.domain.device import ConnectedAccount, Device, Workspace
from latchwork.domain.events import NewEvent
from latchwork.domain.idempotency import Answered, Claim, Held, Unanswered
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings
from latchwork.storage.page import Page


class SessionFilter(msgspec.Struct, frozen=True, kw_only=True):
    client_session_id: str | None = None
    user_identifier_key: str | None = None
    without_user_identifier_key: bool = False
    connect_webview_id: str | None = None


class WebviewFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`ids` None: all."""

    ids: tuple[str, ...] | None = None
    customer_key: str | None = None
    custom_metadata_has: Mapping[str, Any] | None = None
    search: str | None = None


class KeyStorage(Protocol):
    """Workspaces and API keys."""

    async def add_workspace(self, workspace: Workspace) -> None: ...
    async def first_workspace(self, workspace: Workspace) -> Workspace:
        """The oldest workspace of the same kind (sandbox or not); else this one, stored."""

    async def workspaces(self) -> Sequence[Workspace]: ...
    async def workspace(self, workspace_id: str) -> Workspace | None: ...
    async def add_api_key(self, key: ApiKey, secret: Secret) -> None:
        """Stores a keyed hash of `secret`; an equal key of the workspace is left as it is."""

    async def api_keys(self) -> Sequence[ApiKey]: ...
    async def revoke_api_key(self, api_key_id: str, now: datetime) -> bool: ...
    async def authenticate(self, secret: Secret) -> tuple[ApiKey, Workspace] | None:
        """The live key with this secret, compared in constant time, and the workspace that it
        opens; None for any other."""


AccountDeletion = Callable[
    [ConnectedAccount, Sequence[tuple[Device, Sequence[AccessCode]]]], Sequence[NewEvent]
]
"""The events that tell of a deletion; the codes are those that were not deleted before."""
AccountRenewal = Callable[[ConnectedAccount], ConnectedAccount | None]
"""The account that takes the place of one that is deleted; None: none does."""


class WorkspaceStorage(Protocol):
    """Workspaces, and the personal tokens that open several."""

    async def update_workspace(self, workspace: Workspace) -> None:
        """Writes all of it but `is_sandbox` and `created_at`."""

    async def workspace_of_publishable_key(self, key: str) -> Workspace | None: ...
    async def reset_workspace(
        self,
        workspace_id: str,
        told: AccountDeletion,
        anew: AccountRenewal,
        attempt: ActionAttempt,
    ) -> None:
        """Forgets every account with its locks and codes, as `delete_account` does, stores those
        that `anew` makes of them with the settings that they had, and the attempt that asked for
        it: all or nothing."""

    async def add_personal_token(self, token: PersonalToken, secret: Secret) -> None: ...
    async def personal_tokens(self) -> Sequence[PersonalToken]: ...
    async def revoke_personal_token(self, personal_token_id: str, now: datetime) -> bool: ...
    async def authenticate_person(self, secret: Secret) -> PersonalToken | None:
        """The live token with this secret, compared in constant time; None for any other."""

    async def open_workspace_to(self, personal_token_id: str, workspace_id: str) -> None:
        """Adds a workspace to those of a token that is not for every workspace."""


class SessionStorage(Protocol):
    """Client sessions. Their tokens are kept as keyed hashes alone."""

    async def add_session(self, session: ClientSession, token: Secret) -> None: ...
    async def add_session_token(self, session: ClientSession, token: Secret, now: datetime) -> None:
        """A further token of a session; the oldest beyond TOKENS_OF_SESSION end."""

    async def session(self, workspace_id: str, session_id: str) -> ClientSession | None: ...
    async def sessions(
        self, workspace_id: str, where: SessionFilter, limit: int
    ) -> Sequence[ClientSession]:
        """Newest first, ended ones too."""

    async def grant_session(
        self,
        workspace_id: str,
        session_id: str,
        account_ids: tuple[str, ...],
        webview_ids: tuple[str, ...],
    ) -> ClientSession | None:
        """Adds access; the session after it, None for one that is not there."""

    async def end_session(self, workspace_id: str, session_id: str, now: datetime) -> bool:
        """Ends all its tokens, and it."""

    async def delete_session(self, workspace_id: str, session_id: str, now: datetime) -> bool:
        """Forgets it, with the event client_session.deleted."""

    async def authenticate_session(
        self, token: Secret, now: datetime
    ) -> tuple[ClientSession, tuple[str, ...]] | None:
        """The session of a live token, with the ids of all accounts that it may reach: its own
        and those that its webviews brought."""

    async def count_devices(self, account_ids: Sequence[str]) -> int:
        """How many locks these accounts have now."""


class WebviewStorage(Protocol):
    """Connect webviews. Their tokens are encrypted at rest."""

    async def add_webview(self, webview: ConnectWebview) -> None:
        """Also adds it to the session that made it."""

    async def webview(self, workspace_id: str, webview_id: str) -> ConnectWebview | None: ...
    async def webview_by_id(self, webview_id: str) -> ConnectWebview | None:
        """For its page, across workspaces."""

    async def webviews(
        self, workspace_id: str, where: WebviewFilter, *, limit: int, cursor: str | None
    ) -> Page[ConnectWebview]: ...
    async def delete_webview(self, workspace_id: str, webview_id: str) -> bool: ...
    async def fail_webview(self, webview: ConnectWebview, now: datetime) -> None:
        """Writes its state, with the event connect_webview.login_failed."""

    async def authorize_webview(
        self,
        webview: ConnectWebview,
        account: ConnectedAccount,
        checked: CheckedSettings,
        now: datetime,
    ) -> tuple[ConnectWebview, ConnectedAccount]:
        """Stores the account, or renews the secrets of the one that stands, marks the webview
        authorized and adds their events: all or nothing. Both as they are after it."""


class ProfileStorage(Protocol):
    """Customization profiles."""

    async def add_profile(self, profile: CustomizationProfile) -> None: ...
    async def profile(self, workspace_id: str, profile_id: str) -> CustomizationProfile | None: ...
    async def profiles(self, workspace_id: str) -> Sequence[CustomizationProfile]: ...
    async def update_profile(self, profile: CustomizationProfile) -> bool:
        """Writes all of it but its logo."""

    async def set_logo(
        self, workspace_id: str, profile_id: str, content: bytes, kind: str
    ) -> bool: ...
    async def logo(self, profile_id: str) -> tuple[bytes, str] | None:
        """Bytes and media type; for browsers, across workspaces."""


class IdempotencyStorage(Protocol):
    """Idempotency keys of requests. Answers are encrypted at rest."""

    async def claim_request(
        self, scope: str, parameters: bytes, token: str, now: datetime
    ) -> Claim | Answered | Unanswered | Held:
        """The right to carry a request out; or what became of the one that was first. A claim is
        held for as long as its process lives and has not ended it."""

    async def answer_request(self, claim: Claim, answer: Answered) -> None:
        """Keeps the answer for those who ask again."""

    async def release_request(self, claim: Claim, now: datetime) -> None:
        """Nobody knows what was done: whoever asks next finds out."""

    def end_request(self, claim: Claim) -> None:
        """This process is not carrying it out any more, answered or not."""

    async def forget_request(self, claim: Claim) -> None:
        """Nothing was done: the key can be used anew."""

    async def prune_requests(self, now: datetime, limit: int = 1000) -> int:
        """Forgets what is older than a day; how many."""
