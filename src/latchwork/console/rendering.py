"""Templates to answers, with the headers that every page of the console carries."""

import hashlib
import secrets
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import jinja2
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from latchwork.console import times, words
from latchwork.console.routing import ROOT
from latchwork.console.visit import Visit

HTMX: Final = "htmx-2.0.11.min.js"
ASSETS: Final = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    HTMX: "text/javascript; charset=utf-8",
    "htmx-LICENSE.txt": "text/plain; charset=utf-8",
}
HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "cross-origin-opener-policy": "same-origin",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
TOLD: Final = {
    "created": "The code is on its way to the lock.",
    "updated": "The change is on its way to the lock.",
    "deleted": "The code is being taken off the lock.",
    "converting": "The code is being taken over: the lock is read first.",
    "removing": "The code is being removed: the lock is read first.",
    "saved": "Saved.",
    "webhook-deleted": "The webhook is gone.",
    "resent": "The message is sent again.",
    "rotated": "The webhook signs with its new secret.",
    "revoked": "The key is revoked. Whoever signed in with it is signed out.",
    "account-deleted": "The account is forgotten. No lock was touched.",
    "connected": "The account is connected. Its locks appear as they are found.",
    "synced": "The account's locks are being listed anew.",
    "done": "Done. What comes of it is told here in a moment.",
    "door": "The command is on its way to the lock.",
}
"""What a page says after something was done, by the word in its address."""

NAV: Final = (
    ("/timeline", "Timeline"),
    ("/locks", "Locks"),
    ("/codes", "Codes"),
    ("/events", "Events"),
    ("/webhooks", "Webhooks"),
    ("/accounts", "Accounts"),
    ("/keys", "Keys"),
    ("/audit", "Audit log"),
)

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("latchwork.console"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@cache
def _content(name: str) -> bytes:
    return files("latchwork.console").joinpath("assets", name).read_bytes()


@cache
def asset_url(name: str) -> str:
    """With a mark of the content, so that browsers keep each version for ever."""
    mark = hashlib.sha256(_content(name)).hexdigest()[:10]
    return f"{ROOT}/assets/{name}?v={mark}"


def asset(name: str, request: Request) -> Response | None:
    kind = ASSETS.get(name)
    if kind is None:
        return None
    lasting = "public, max-age=31536000, immutable" if "v" in request.query_params else "no-cache"
    headers = {"cache-control": lasting, "x-content-type-options": "nosniff"}
    return Response(_content(name), 200, headers, media_type=kind)


def bare(name: str, status: int = 200, **values: Any) -> Response:
    """A page for somebody who is not signed in."""
    return _answer(_templates.get_template(name).render(**values), status)


def page(visit: Visit, name: str, status: int = 200, **values: Any) -> Response:
    """A page of the console, or a part of one."""
    zone = values.pop("zone", visit.zone)
    shown = _templates.get_template(name).render(
        visit=visit,
        nav=NAV,
        here=visit.request.url.path,
        zone=zone,
        now=visit.now,
        told=TOLD.get(visit.asked("told"), ""),
        time=lambda instant: _time(instant, visit.now, zone),
        when=lambda instant: times.when(instant, visit.now, zone),
        clock=lambda instant: f"{instant.astimezone(zone):%H:%M}",
        ago=lambda instant: times.ago(instant, visit.now),
        **values,
    )
    return _answer(shown, status)


def _answer(body: str, status: int) -> Response:
    return Response(
        body, status, {**HEADERS, "content-security-policy": POLICY}, media_type="text/html"
    )


def to(path: str, told: str = "") -> Response:
    """After a form: the page that shows what came of it, fetched with GET."""
    mark = f"{'&' if '?' in path else '?'}told={told}" if told else ""
    return RedirectResponse(f"{ROOT}{path}{mark}", 303, HEADERS)


def _time(instant: datetime | str | None, now: datetime, zone: Any) -> Markup:
    """An instant, or one as the API writes it."""
    if instant is None:
        return Markup("")
    if isinstance(instant, str):
        instant = datetime.fromisoformat(instant)
    exact = instant.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact, times.ago(instant, now), times.when(instant, now, zone)
    )


def icon(look: words.Look | str) -> Markup:
    """The shape of a state, drawn from the sheet in the layout; its word stands beside it."""
    key = look if isinstance(look, str) else look.key
    return Markup(
        '<svg class="i i-{0}" aria-hidden="true" focusable="false"><use href="#i-{0}"/></svg>'
    ).format(escape(key))


_templates.globals.update(
    icon=icon,
    asset=asset_url,
    root=ROOT,
    htmx=HTMX,
    words=words,
    fresh_id=lambda: secrets.token_hex(4),
)
