"""Answers every request below /console: who may come in, and which page it is."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from latchwork.api.desk import Desk
from latchwork.api.errors import ApiError, from_domain
from latchwork.api.parsing import bounded_body
from latchwork.console import times
from latchwork.console.pages import (
    accounts,
    audit,
    codes,
    events,
    keys,
    locks,
    overview,
    timeline,
    webhooks,
)
from latchwork.console.rendering import HEADERS, asset, bare, page
from latchwork.console.routing import ROOT, Route, Router
from latchwork.console.sessions import FORM_TOKEN, Sessions, carries, form_token, is_own
from latchwork.console.visit import ConsoleDeps, Visit
from latchwork.domain.errors import LatchworkError
from latchwork.domain.pin import Secret

log = structlog.get_logger(__name__)

ASSETS: Final = f"{ROOT}/assets/"
SIGN_IN: Final = f"{ROOT}/sign-in"
ENTER: Final = f"{ROOT}/enter"
SIGN_OUT: Final = f"{ROOT}/sign-out"
LIVE: Final = f"{ROOT}/live"
ZONE: Final = "latchwork_zone"
"""A cookie that the page's script sets: the time zone of the browser."""

ROUTES: Final[Sequence[Route]] = (
    *overview.ROUTES,
    *timeline.ROUTES,
    *locks.ROUTES,
    *codes.ROUTES,
    *events.ROUTES,
    *webhooks.ROUTES,
    *accounts.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
)


class Console:
    def __init__(self, desk: Desk, deps: ConsoleDeps) -> None:
        self._desk = desk
        self._deps = deps
        storage = desk.deps.storage
        self._sessions = Sessions(storage, desk.new_id, is_secure=deps.is_secure)
        self._router = Router(ROUTES)
        self._live = deps.live

    async def answer(self, request: Request) -> Response | None:
        """None for a path that is none of ours."""
        path = request.scope["path"]
        if path != ROOT and not path.startswith(f"{ROOT}/"):
            return None
        if path.startswith(ASSETS):
            return asset(path.removeprefix(ASSETS), request) or _missing()
        if request.method not in {"GET", "HEAD", "POST"}:
            return Response(status_code=405, headers={**HEADERS, "allow": "GET, HEAD, POST"})
        if request.method == "POST" and not is_own(request, self._desk.deps.public_url):
            return _notice(403, "That came from another site", "Nothing was done.")
        if path in {SIGN_IN, ENTER}:
            return await self._come_in(request, path)
        return await self._inside(request, path)

    async def _come_in(self, request: Request, path: str) -> Response:
        link = request.query_params.get("link", "") if path == ENTER else ""
        if request.method != "POST":
            return bare("sign_in.html", link=link, problem="")
        typed = await _typed(request)
        now = self._desk.deps.now()
        address = "" if request.client is None else request.client.host
        if not self._sessions.may_try(address, now):
            wait = "Too many attempts. Wait a minute, then try again."
            return bare("sign_in.html", 429, link="", problem=wait)
        if path == ENTER:
            begun = await self._sessions.by_link(Secret(typed.get("link", "")), now)
            problem = "This link was used already, or has expired."
        else:
            begun = await self._sessions.by_key(Secret(typed.get("key", "").strip()), now)
            problem = "This is not an API key of this server, or it was revoked."
        if begun is None:
            self._sessions.failed(address, now)
            return bare("sign_in.html", 422, link="", problem=problem)
        session, token = begun
        caller = await self._sessions.caller(session)
        if caller is not None:
            entry = self._desk.entry(caller, "sign_in", {"session_id": session.session_id})
            await self._desk.deps.storage.add_audit_entry(entry)
        response = RedirectResponse(ROOT, 303, HEADERS)
        self._sessions.remember(response, token)
        return response

    async def _inside(self, request: Request, path: str) -> Response:
        token = self._sessions.token_of(request)
        visit = None if token is None else await self._visit(request, token)
        if token is None or visit is None:
            return self._outside(request)
        if request.method == "POST" and not carries(
            request, visit.typed.get(FORM_TOKEN, ""), visit.form_token
        ):
            return _notice(403, "This form has grown old", "Open the page anew and try again.")
        if path == SIGN_OUT and request.method == "POST":
            return await self._sign_out(visit, token)
        if path == LIVE:
            return self._stream(request, visit, token)
        return await self._page(visit, path)

    async def _visit(self, request: Request, token: Secret) -> Visit | None:
        """None for a token that is not, or no longer, of anybody."""
        now = self._desk.deps.now()
        session = await self._desk.deps.storage.console_session(token, now)
        caller = None if session is None else await self._sessions.caller(session)
        if session is None or caller is None:
            return None
        return Visit(
            request=request,
            desk=self._desk,
            deps=self._deps,
            session=session,
            caller=caller,
            form_token=form_token(token),
            now=now,
            zone=times.zone_of(request.cookies.get(ZONE)),
            names={},
            typed=await _typed(request) if request.method == "POST" else {},
        )

    def _outside(self, request: Request) -> Response:
        """To the door. A page that another site links to comes without the cookie, which is the
        same site's alone: the page is asked for once more from here."""
        if "hx-request" in request.headers:
            return Response(status_code=401, headers={**HEADERS, "hx-redirect": SIGN_IN})
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            return bare("again.html")
        return RedirectResponse(SIGN_IN, 303, HEADERS)

    async def _sign_out(self, visit: Visit, token: Secret) -> Response:
        await self._desk.deps.storage.end_console_session(token)
        await visit.note("sign_out", session_id=visit.session.session_id)
        response = RedirectResponse(SIGN_IN, 303, HEADERS)
        self._sessions.forget(response)
        return response

    def _stream(self, request: Request, visit: Visit, token: Secret) -> Response:
        storage, now = self._desk.deps.storage, self._desk.deps.now

        async def still_allowed() -> bool:
            try:
                return await storage.console_session(token, now()) is not None
            except LatchworkError:
                return True  # Whether it may is not known; nothing but "changed" is told.

        # Since the page was made, or since the stream broke off.
        seen = request.headers.get("last-event-id", request.query_params.get("seen"))
        lines = self._live.stream(visit.workspace_id, seen, still_allowed)
        headers = {**HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(lines, 200, headers, media_type="text/event-stream")

    async def _page(self, visit: Visit, path: str) -> Response:
        found = self._router.find(visit.request.method, path.rstrip("/") or ROOT)
        if not (found and isinstance(found[0], Route)):
            methods = ", ".join(str(name) for name in found)
            if methods:
                return Response(status_code=405, headers={**HEADERS, "allow": methods})
            return page(visit, "notice.html", 404, heading="There is no such page", message="")
        route, names = found
        assert isinstance(names, Mapping)  # noqa: S101 - told to the type checker
        try:
            newest = await visit.storage.newest_event(visit.workspace_id)
            visit = msgspec.structs.replace(visit, names=names, newest=newest or "")
            return await route.handler(visit)
        except (ApiError, LatchworkError) as error:
            known = error if isinstance(error, ApiError) else from_domain(error)
            heading = "It is not there" if known.status == 404 else "That did not work"
            return page(visit, "notice.html", known.status, heading=heading, message=known.message)
        except Exception:
            log.exception("console.failed", path=route.path)
            wrong = "Something went wrong on the server. Its log says more."
            return page(visit, "notice.html", 500, heading="That did not work", message=wrong)


async def _typed(request: Request) -> dict[str, str]:
    """A form's fields. Raises 413 for one that is too large."""
    raw = await bounded_body(request)
    try:
        return dict(parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=200))
    except ValueError:
        return {}


def _missing() -> Response:
    return Response(status_code=404, headers=HEADERS)


def _notice(status: int, heading: str, message: str) -> Response:
    return bare("turned_away.html", status, heading=heading, message=message)
