"""The page behind a connect webview's link: a person picks a provider, says where it is, and the
connection is tried before anything is stored.

The link's token is the only authority. There are no cookies, so nothing can be done in somebody's
name from another site, and the page can be embedded where browsers keep third-party cookies out.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from latchwork.domain.connect_webview import (
    ConnectWebview,
    failed,
    offered,
    redirect_source,
    redirect_target,
)
from latchwork.domain.device import ConnectedAccount, Workspace
from latchwork.domain.errors import LatchworkError, Rejected
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings, FieldKind, Provider, from_form
from latchwork.pages.look import LOGOS, Look, look_of
from latchwork.pages.rendering import asset, image, page
from latchwork.storage.interface import Storage

log = structlog.get_logger(__name__)

VIEW: Final = "/connect_webviews/view"
ASSETS: Final = "/connect_webviews/assets/"
LARGEST_FORM: Final = 64 * 1024
SETTING: Final = "setting."
ATTEMPTS: Final = 10
"""How often a connection may be tried through one link each minute."""
SETTLE: Final = timedelta(seconds=10)
"""How long the account that was made is waited for at most."""
STEP: Final = 0.1


class ConnectDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition gives to the page."""

    storage: Storage
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    new_id: Callable[[], str]
    providers: tuple[Provider, ...]
    check_settings: Callable[[str, dict[str, Any]], CheckedSettings]
    """Raises Rejected."""
    try_connection: Callable[[CheckedSettings], Awaitable[None]]
    """Returns when the provider has answered; raises what keeps it from that."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One request with a link that holds."""

    webview: ConnectWebview
    workspace: Workspace
    look: Look
    providers: tuple[Provider, ...]
    token: str
    chosen: Provider | None

    def link(self, **more: str) -> str:
        """This page's address, with further parameters."""
        named = {"connect_webview_id": self.webview.connect_webview_id, "auth_token": self.token}
        return f"{VIEW}?{urlencode({**named, **more})}"

    @property
    def form_token(self) -> str:
        """What a form of this link carries; without the link's token nobody can make it."""
        message = f"form {self.webview.connect_webview_id}".encode()
        return hmac.digest(self.token.encode(), message, "sha256").hex()

    @property
    def leave(self) -> str | None:
        """Where a person goes who does not connect."""
        wish = self.webview.wish
        url = wish.custom_redirect_failure_url or wish.custom_redirect_url
        if url is None:
            return None
        return redirect_target(url, connect_webview_id=self.webview.connect_webview_id)

    @property
    def target(self) -> str | None:
        """Where a person goes who has connected."""
        url = self.webview.wish.custom_redirect_url
        if url is None:
            return None
        return redirect_target(
            url,
            connect_webview_id=self.webview.connect_webview_id,
            connected_account_id=self.webview.connected_account_id,
        )


class ConnectPages:
    """Answers every request below /connect_webviews that is not the API's."""

    def __init__(self, deps: ConnectDeps) -> None:
        self._deps = deps
        self._tried: dict[str, list[datetime]] = {}

    async def answer(self, request: Request) -> Response | None:
        """None for a path that is none of ours."""
        path = request.scope["path"]
        if path.startswith(ASSETS):
            return asset(path.removeprefix(ASSETS))
        if path.startswith(LOGOS):
            found = await self._deps.storage.logo(path.removeprefix(LOGOS))
            return None if found is None else image(*found)
        return await self._view(request) if path == VIEW else None

    async def _view(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD", "POST"}:
            return Response(status_code=405, headers={"allow": "GET, HEAD, POST"})
        visit = await self._visit(request)
        if isinstance(visit, Response):
            return visit
        if visit.webview.login_successful:
            return _done(visit)
        if request.method == "POST":
            return await self._post(request, visit)
        return _choose(visit) if visit.chosen is None else _form(visit, visit.chosen)

    async def _visit(self, request: Request) -> Visit | Response:
        """What the link opens, or the page that says why it does not."""
        query = request.query_params
        token = query.get("auth_token", "")
        webview = await self._deps.storage.webview_by_id(query.get("connect_webview_id", ""))
        if webview is None or Secret(token) != webview.token:
            return _notice(
                404,
                "This link does not work",
                "Check that it was copied whole, or ask for a new one.",
            )
        workspace = await self._deps.storage.workspace(webview.workspace_id)
        if workspace is None or self._deps.now() >= webview.expires_at:
            return _notice(410, "This link has expired", "Ask for a new one.")
        if workspace.is_suspended:
            return _notice(403, "Nothing can be connected now", "Try again another time.")
        installed = self._deps.providers
        providers = offered(webview.wish, installed, is_sandbox=workspace.is_sandbox)
        chosen = {provider.name: provider for provider in providers}.get(query.get("provider", ""))
        if len(providers) == 1:
            chosen = providers[0]
        return Visit(
            webview=webview,
            workspace=workspace,
            look=look_of(workspace, await self._deps.storage.profiles(workspace.workspace_id)),
            providers=providers,
            token=token,
            chosen=chosen,
        )

    async def _post(self, request: Request, visit: Visit) -> Response:
        typed = await _typed(request)
        if typed is None:
            return _notice(413, "That is too much", "Go back and try again.", visit)
        if not hmac.compare_digest(typed.get("form_token", "").encode(), visit.form_token.encode()):
            return _notice(403, "This form does not work", "Open the link anew.", visit)
        if visit.chosen is None:
            return _choose(visit)
        if not self._may_try(visit.webview.connect_webview_id):
            return _form(
                visit, visit.chosen, typed, 429, "Too many attempts. Wait a minute, then try again."
            )
        return await self._connect(visit, visit.chosen, typed)

    def _may_try(self, webview_id: str) -> bool:
        now = self._deps.now()
        minute = timedelta(minutes=1)
        self._tried = {
            name: recent
            for name, at in self._tried.items()
            if (recent := [t for t in at if timedelta(0) <= now - t < minute])
        }
        tried = self._tried.setdefault(webview_id, [])
        if len(tried) >= ATTEMPTS:
            return False
        tried.append(now)
        return True

    async def _connect(
        self, visit: Visit, provider: Provider, typed: Mapping[str, str]
    ) -> Response:
        """Tries the connection, then makes the account of it."""
        values = {
            name.removeprefix(SETTING): value
            for name, value in typed.items()
            if name.startswith(SETTING)
        }
        try:
            checked = self._deps.check_settings(provider.name, from_form(provider.fields, values))
        except Rejected as error:
            return _form(visit, provider, typed, 422, str(error), rule=error.rule)
        try:
            await self._deps.try_connection(checked)
        except LatchworkError as error:
            return await self._refused(visit, provider, typed, str(error))
        except Exception as error:  # noqa: BLE001 - a driver's defect is told, not passed on
            # Its message may hold what was typed.
            failure = type(error).__name__
            log.error("connect_webview.trial_failed", provider=provider.name, error=failure)  # noqa: TRY400
            return await self._refused(visit, provider, typed, "Something went wrong on our side.")
        return await self._succeeded(visit, checked)

    async def _refused(
        self, visit: Visit, provider: Provider, typed: Mapping[str, str], reason: str
    ) -> Response:
        log.info("connect_webview.login_failed", provider=provider.name, reason=reason)
        await self._deps.storage.fail_webview(
            failed(visit.webview, provider.name), self._deps.now()
        )
        return _form(visit, provider, typed, 422, reason)

    async def _succeeded(self, visit: Visit, checked: CheckedSettings) -> Response:
        webview = visit.webview
        account = ConnectedAccount(
            connected_account_id=self._deps.new_id(),
            workspace_id=webview.workspace_id,
            provider=checked.provider.name,
            display_name=checked.provider.display_name,
            created_at=self._deps.now(),
            custom_metadata=webview.custom_metadata,
            accepted_capabilities=webview.wish.accepted_capabilities,
            automatically_manage_new_devices=webview.wish.automatically_manage_new_devices,
        )
        webview, account = await self._deps.storage.authorize_webview(
            webview, account, checked, self._deps.now()
        )
        log.info("connect_webview.login_succeeded", provider=account.provider)
        await self._until_up(account, with_devices=webview.wish.wait_for_device_creation)
        visit = msgspec.structs.replace(visit, webview=webview)
        if visit.target is not None:
            # 303: the answer to a form is fetched with GET, so that going back posts nothing.
            return RedirectResponse(visit.target, 303, {"referrer-policy": "no-referrer"})
        return RedirectResponse(visit.link(), 303, {"referrer-policy": "no-referrer"})

    async def _until_up(self, account: ConnectedAccount, *, with_devices: bool) -> None:
        """Until the account's own connection is up (with its locks), or patience ends: what was
        tried just now will come up, and the person is not to be kept."""
        storage, account_id = self._deps.storage, account.connected_account_id
        for _ in range(int(SETTLE.total_seconds() / STEP)):
            found = await storage.account(account.workspace_id, account_id)
            if found is None:
                return
            if found.connected and (
                not with_devices or await storage.devices_of_account(account_id)
            ):
                return
            await self._deps.sleep(STEP)


async def _typed(request: Request) -> dict[str, str] | None:
    """The form's fields; None when they are too many."""
    raw = b""
    try:
        async for part in request.stream():
            raw += part
            if len(raw) > LARGEST_FORM:
                return None
    except ClientDisconnect:
        return None
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return {}
    return dict(pairs)


def _choose(visit: Visit) -> Response:
    if not visit.providers:
        return _notice(
            200, "Nothing to connect", "None of the providers asked for is installed here.", visit
        )
    return page(
        "choose.html",
        frame_ancestors="*",
        look=visit.look,
        providers=visit.providers,
        links={provider.name: visit.link(provider=provider.name) for provider in visit.providers},
        leave=visit.leave,
    )


def _form(
    visit: Visit,
    provider: Provider,
    typed: Mapping[str, str] | None = None,
    status: int = 200,
    problem: str = "",
    *,
    rule: str = "",
) -> Response:
    """The form, with what is wrong. Secrets are never filled in again."""
    kept = {
        field.name: (typed or {}).get(SETTING + field.name, field.default)
        for field in provider.fields
        if field.kind is not FieldKind.SECRET
    }
    wish = visit.webview.wish
    urls = (wish.custom_redirect_url, wish.custom_redirect_failure_url)
    return page(
        "form.html",
        status,
        form_targets=tuple(redirect_source(url) for url in urls if url is not None),
        frame_ancestors="*",
        look=visit.look,
        provider=provider,
        typed=kept,
        heading="That is not right yet" if rule else f"{provider.display_name} is not connected",
        problem=problem,
        rule=rule,
        action=visit.link(provider=provider.name),
        form_token=visit.form_token,
        back=visit.link() if len(visit.providers) > 1 else None,
        leave=visit.leave,
    )


def _done(visit: Visit) -> Response:
    return page(
        "done.html",
        frame_ancestors="*",
        look=visit.look,
        message=visit.look.success_message,
        target=visit.target,
    )


def _notice(status: int, heading: str, message: str, visit: Visit | None = None) -> Response:
    return page(
        "notice.html",
        status,
        frame_ancestors="*",
        look=Look() if visit is None else visit.look,
        heading=heading,
        message=message,
        leave=None if visit is None else visit.leave,
    )
