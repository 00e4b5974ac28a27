"""Signing in and out: the cookie, the link that opens the console once, and what keeps other
sites from acting in somebody's name."""

import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from latchwork.api.endpoint import Caller
from latchwork.console.routing import ROOT
from latchwork.domain import audit
from latchwork.domain.console_session import SESSION_LASTS, ConsoleLink, ConsoleSession
from latchwork.domain.pin import Secret
from latchwork.storage.interface import Storage

COOKIE: Final = "latchwork_console"
SECURE_COOKIE: Final = "__Host-latchwork_console"
"""A name that browsers take over https alone, from this very host alone."""
FORM_TOKEN: Final = "form_token"  # noqa: S105 - a field's name
FORM_HEADER: Final = "x-form-token"
OWN: Final = frozenset(("same-origin", "none"))
ATTEMPTS: Final = 20
"""Wrong keys and links in a minute from one address, before it has to wait."""


def new_token() -> Secret:
    """256 random bits."""
    return Secret(secrets.token_urlsafe(32))


async def new_link(storage: Storage, workspace_id: str, now: datetime, lasts: timedelta) -> str:
    """The path and query of a link that opens the console once."""
    token = new_token()
    link = ConsoleLink(workspace_id=workspace_id, created_at=now, expires_at=now + lasts)
    await storage.add_console_link(link, token)
    return f"{ROOT}/enter?link={token.reveal()}"


class Sessions:
    """Who is signed in."""

    def __init__(self, storage: Storage, new_id: Callable[[], str], *, is_secure: bool) -> None:
        self._storage = storage
        self._new_id = new_id
        self._is_secure = is_secure
        self._cookie = SECURE_COOKIE if is_secure else COOKIE
        self._failed: dict[str, list[datetime]] = {}

    def token_of(self, request: Request) -> Secret | None:
        value = request.cookies.get(self._cookie)
        return Secret(value) if value else None

    async def caller(self, session: ConsoleSession) -> Caller | None:
        """What the API is to know of the person."""
        workspace = await self._storage.workspace(session.workspace_id)
        if workspace is None:
            return None
        if session.api_key_id is None:
            return Caller(credential_id=session.session_id, workspace=workspace, kind=audit.LINK)
        return Caller(credential_id=session.api_key_id, workspace=workspace)

    def may_try(self, address: str, now: datetime) -> bool:
        minute = timedelta(minutes=1)
        self._failed = {
            name: recent
            for name, instants in self._failed.items()
            if (recent := [at for at in instants if timedelta(0) <= now - at < minute])
        }
        return len(self._failed.get(address, ())) < ATTEMPTS

    def failed(self, address: str, now: datetime) -> None:
        self._failed.setdefault(address, []).append(now)

    async def by_key(self, secret: Secret, now: datetime) -> tuple[ConsoleSession, Secret] | None:
        """A session for who has an API key."""
        found = await self._storage.authenticate(secret)
        if found is None:
            return None
        key, _workspace = found
        return await self._begun(key.workspace_id, key.api_key_id, now)

    async def by_link(self, token: Secret, now: datetime) -> tuple[ConsoleSession, Secret] | None:
        """A session for who has a link, which then opens nothing any more."""
        link = await self._storage.take_console_link(token, now)
        if link is None:
            return None
        return await self._begun(link.workspace_id, None, now)

    async def _begun(
        self, workspace_id: str, api_key_id: str | None, now: datetime
    ) -> tuple[ConsoleSession, Secret]:
        session = ConsoleSession(
            session_id=self._new_id(),
            workspace_id=workspace_id,
            created_at=now,
            expires_at=now + SESSION_LASTS,
            api_key_id=api_key_id,
        )
        token = new_token()
        await self._storage.add_console_session(session, token)
        return session, token

    def remember(self, response: Response, token: Secret) -> None:
        response.set_cookie(
            self._cookie,
            token.reveal(),
            max_age=int(SESSION_LASTS.total_seconds()),
            path="/" if self._is_secure else ROOT,
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )

    def forget(self, response: Response) -> None:
        response.delete_cookie(
            self._cookie,
            path="/" if self._is_secure else ROOT,
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )


def form_token(token: Secret) -> str:
    """What each form of a session carries; nobody can make it without the session's token."""
    return hmac.digest(token.reveal().encode(), b"form", "sha256").hex()


def is_own(request: Request, public_url: str) -> bool:
    """Whether a browser sent this from one of our own pages. Without either header it is no
    browser of these years, and is refused. `public_url`: a proxy may ask us by another name than
    the browser asked it by."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in OWN:
        return False
    if origin is not None:
        ours = (request.headers.get("host", ""), urlsplit(public_url).netloc)
        asked = urlsplit(origin).netloc
        return asked != "" and asked in ours
    return site is not None


def carries(request: Request, typed: str, expected: str) -> bool:
    """Whether the form, or htmx's header, carries the session's own token."""
    given = typed or request.headers.get(FORM_HEADER, "")
    return hmac.compare_digest(given.encode(), expected.encode())
