"""The command line's own small client of the API."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from latchwork import settings_file
from latchwork.cli.say import UNREACHABLE, USAGE, fail
from latchwork.domain.errors import LatchworkError

TIMEOUT = 30.0


class Refusal(Exception):
    """The server's answer was an error; `kind` is its type."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def base_url() -> str:
    """LATCHWORK_URL, else where a server with these settings listens."""
    if url := os.environ.get("LATCHWORK_URL"):
        return url.rstrip("/")
    environment = _environment()
    host = environment.get("LATCHWORK_HOST") or "127.0.0.1"
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - what a server binds, not what we do
        host = "127.0.0.1"
    port = environment.get("LATCHWORK_PORT") or "8700"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _environment() -> Mapping[str, str]:
    if settings_file.VARIABLE not in os.environ:
        return os.environ
    from latchwork import config

    try:
        return config.around()[0]
    except LatchworkError as error:
        fail(str(error), USAGE)


def api_key() -> str:
    key = os.environ.get("LATCHWORK_API_KEY") or _environment().get("LATCHWORK_BOOTSTRAP_API_KEY")
    if not key:
        fail("Set LATCHWORK_API_KEY to an API key (latchwork keys create makes one).", USAGE)
    return key


def ask(path: str, /, **parameters: Any) -> dict[str, Any]:
    """POSTs; raises Refusal for an error answer, ends the program when nobody answers."""
    given = {name: value for name, value in parameters.items() if value is not None}
    request = urllib.request.Request(  # noqa: S310 - the user's own server
        base_url() + path,
        data=json.dumps(given).encode(),
        headers={"authorization": f"Bearer {api_key()}", "content-type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise _refusal(error) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return fail(f"No Latchwork server answers at {base_url()} ({reason}).", UNREACHABLE)


def _refusal(error: urllib.error.HTTPError) -> Refusal:
    try:
        told = json.load(error)["error"]
        return Refusal(error.code, str(told["type"]), str(told["message"]))
    except (ValueError, KeyError, TypeError):
        return Refusal(error.code, "unknown", f"The server answered {error.code}.")


def call(path: str, /, **parameters: Any) -> dict[str, Any]:
    """Like ask, but a refusal ends the program with the server's own words."""
    try:
        return ask(path, **parameters)
    except Refusal as refusal:
        fail(str(refusal))


def every(path: str, name: str, /, **parameters: Any) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor = None
    while True:
        page = call(path, page_cursor=cursor, **parameters)
        yield from page[name]
        cursor = page.get("pagination", {}).get("next_page_cursor")
        if cursor is None:
            return


def device_id_of(name_or_id: str) -> str:
    """The id of a device named by its id or its name."""
    for parameters in ({"device_id": name_or_id}, {"name": name_or_id}):
        try:
            return str(ask("/devices/get", **parameters)["device"]["device_id"])
        except Refusal as refusal:
            if refusal.status not in {400, 404}:
                fail(str(refusal))
    return fail(f"There is no device {name_or_id!r}. See: latchwork devices list")
