"""What is served to anyone: the document at /openapi.json, its page at /docs."""

from collections.abc import Iterable
from functools import cache, partial
from importlib.resources import files
from typing import Final

import msgspec
from starlette.responses import RedirectResponse, Response

from latchwork.api.endpoint import Endpoint
from latchwork.api.openapi.document import document
from latchwork.api.openapi.page import render

_STATIC: Final = {"docs.css": "text/css", "docs.js": "text/javascript"}

_HEADERS: Final = {
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


class ApiPages:
    """Made once, when first asked for: the table does not change while a server runs."""

    def __init__(self, endpoints: Iterable[Endpoint], server: str) -> None:
        self._document = cache(partial(document, tuple(endpoints), server=server))
        self._json = cache(lambda: msgspec.json.encode(self._document()))
        self._page = cache(lambda: render(self._document()))

    def find(self, path: str) -> Response | None:
        """The answer to a GET of `path`; None where nothing of this is."""
        if path == "/openapi.json":
            return Response(self._json(), 200, _HEADERS, media_type="application/json")
        if path == "/docs":
            return Response(self._page(), 200, _HEADERS, media_type="text/html")
        if path == "/docs/":
            return RedirectResponse("../docs")
        name = path.removeprefix("/docs/")
        if path == f"/docs/{name}" and (kind := _STATIC.get(name)):
            content = files("latchwork.api.openapi").joinpath("static", name).read_bytes()
            return Response(content, 200, _HEADERS, media_type=kind)
        return None
