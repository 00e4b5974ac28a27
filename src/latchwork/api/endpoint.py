"""The declared table that routes (and the OpenAPI document) are made from."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latchwork.api.errors import invalid
from latchwork.domain import audit
from latchwork.domain.credentials import ClientSession, PersonalToken
from latchwork.domain.device import Workspace
from latchwork.domain.inbound_address import InboundAddresses
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings, Provider
from latchwork.storage.interface import Storage

READ = ("GET", "POST")
CREATE = ("POST",)
UPDATE = ("POST", "PATCH", "PUT")
DELETE = ("POST", "DELETE")


class WakesVisits(Protocol):
    """Is told which request may wake a visit; `subjects` are ids of locks and codes."""

    def note(self, subjects: Iterable[str], request_id: str) -> None: ...
    def forget(self, subjects: Iterable[str], request_id: str) -> None: ...


class ApiDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition gives to the API."""

    storage: Storage
    now: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]]
    """Waits so many seconds."""
    entropy: Callable[[int], bytes]
    """Secure random bytes."""
    randbelow: Callable[[int], int]
    """A secure, uniform integer from 0 to n - 1."""
    check_url: Callable[[str], None]
    """Raises Rejected for a webhook URL that may not be called."""
    new_webhook_secret: Callable[[], Secret]
    check_settings: Callable[[str, dict[str, Any]], CheckedSettings]
    """(provider, settings and secrets together) -> checked; raises Rejected."""
    """Tells the engine that accounts were added, changed or deleted."""
    providers: tuple[Provider, ...] = ()
    """The installed drivers."""
    page: Callable[[Request], Awaitable[Response | None]] | None = None
    """Answers what is asked of pages for people; None for any other path."""
    public_url: str = ""
    requests_a_minute: int | None = None
    """Of one key; None: no limits at all, per device neither."""
    inbound: InboundAddresses | None = None
    """Where providers deliver; None: nowhere."""
    deliver: Callable[[str, Mapping[str, str], bytes], Awaitable[None]] | None = None
    """Hands a provider's delivery to an account: (account, headers, body)."""
    wakes: WakesVisits | None = None
    """None: no visits are made in this process."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, and with what rights."""

    credential_id: str
    workspace: Workspace | None
    """None: a personal token that named none."""
    api_version: str | None = None
    session: ClientSession | None = None
    account_ids: tuple[str, ...] | None = None
    """The accounts that a session may reach; None: all of the workspace."""
    person: PersonalToken | None = None
    is_publishable: bool = False
    """A browser without further proof of who uses it."""
    kind: str = audit.API_KEY
    """What `credential_id` is the id of, in the audit log's words."""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One authenticated request on its way through a handler."""

    deps: ApiDeps
    caller: Caller
    storage: Storage
    """All of it, or what a client session may reach of it."""
    now: datetime
    path: str
    new_id: Callable[[], str]

    @property
    def workspace(self) -> Workspace:
        if self.caller.workspace is None:
            raise invalid("Name the workspace in the header seam-workspace.")
        return self.caller.workspace

    @property
    def workspace_id(self) -> str:
        return self.workspace.workspace_id


class Empty(msgspec.Struct):
    """No parameters."""


R = TypeVar("R", bound=msgspec.Struct)
Handler = Callable[[Call, Any], Awaitable[dict[str, Any]]]


class Endpoint(msgspec.Struct, frozen=True):
    """One path: the methods it answers, the parameters it takes, what it does, what it answers.

    `answer` maps each key of a 200's body, `ok` aside, to its type: a resource of
    `api.resources`, a list of one, a scalar. `{}` says that the body is `{"ok": true}`. An optional
    key's type is a union with `UnsetType`. `summary` is one sentence for people. The OpenAPI
    document, the pages at /docs and the tests' check of every answer come from here:

        Endpoint("/locks/get", READ, Get, get_lock,
                 answer={"lock": Device, "device": Device}, summary="Gets a lock.")

    What a parameter means is said once for all endpoints, in `api/openapi/glossary.py`.
    """

    path: str
    methods: tuple[str, ...]
    request: type[msgspec.Struct]
    handler: Handler
    answer: Mapping[str, Any] | None = None
    """None: not described."""
    summary: str = ""


def page_of(path: str, call: Call, cursor: str | None, next_cursor: str | None) -> dict[str, Any]:
    """Seam's pagination object."""
    url = None
    if next_cursor is not None:
        url = f"{call.deps.public_url}{path}?page_cursor={next_cursor}"
    return {
        "current_page_cursor": cursor,
        "next_page_cursor": next_cursor,
        "has_next_page": next_cursor is not None,
        "next_page_url": url,
    }


LARGEST_PAGE = 1000


def page_size(limit: float | None, default: int = 500) -> int:
    """A page's size from what the caller asked for; large wishes get the largest page."""
    if limit is None:
        return default
    return max(1, min(int(limit), LARGEST_PAGE))
