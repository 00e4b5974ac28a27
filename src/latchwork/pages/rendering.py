"""Templates to answers, with the headers that every page carries."""

import secrets
from importlib.resources import files
from typing import Any, Final

import jinja2
from starlette.responses import Response

HEADERS: Final = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
}
ASSETS: Final = {
    "connect.css": "text/css",
    "connect.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("latchwork.pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(
    name: str,
    status: int = 200,
    *,
    form_targets: tuple[str, ...] = (),
    frame_ancestors: str = "'none'",
    **values: Any,
) -> Response:
    """The template `name`. `form_targets`: origins that its forms may end up at beside our own
    (browsers hold redirects to it); `frame_ancestors`: who may embed it."""
    nonce = secrets.token_urlsafe(16)
    targets = " ".join(("'self'", *form_targets))
    body = _templates.get_template(name).render(nonce=nonce, **values)
    policy = (
        "default-src 'none'; script-src 'self'; img-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; "
        f"form-action {targets}; "
        f"base-uri 'none'; frame-ancestors {frame_ancestors}"
    )
    return Response(
        body,
        status,
        {**HEADERS, "content-security-policy": policy},
        media_type="text/html",
    )


def asset(name: str) -> Response | None:
    """A file that pages refer to."""
    kind = ASSETS.get(name)
    if kind is None:
        return None
    body = files("latchwork.pages").joinpath("assets", name).read_bytes()
    return Response(
        body,
        200,
        {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"},
        media_type=kind,
    )


def image(content: bytes, kind: str) -> Response:
    """What somebody uploaded: shown as the image that it is, and as nothing else."""
    headers = {
        "cache-control": "public, max-age=300",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(content, 200, headers, media_type=kind)
