"""One request of somebody who is signed in."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latchwork.api.desk import Desk
from latchwork.api.endpoint import Call, Caller
from latchwork.console.live import Live
from latchwork.domain.console_session import ConsoleSession
from latchwork.domain.device import Workspace
from latchwork.domain.pin import Secret
from latchwork.domain.provider import Provider
from latchwork.storage.interface import Storage


class ConsoleDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition gives to the console, beside the API's desk."""

    new_api_key: Callable[[str, str], Awaitable[Secret]]
    """(workspace_id, name) -> the secret of a new key, to be shown once."""
    live: Live
    is_secure: bool = False
    """Whether browsers reach the server over https, so that the cookie may say so."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    request: Request
    desk: Desk
    deps: ConsoleDeps
    session: ConsoleSession
    caller: Caller
    form_token: str
    now: datetime
    zone: ZoneInfo
    """Of the person's browser, as far as it is known; UTC else."""
    names: Mapping[str, str]
    """What the path names."""
    typed: Mapping[str, str]
    """The form's fields."""
    newest: str = ""
    """The newest event from before anything of the page was read: what comes after it may not be
    on the page."""

    @property
    def workspace(self) -> Workspace:
        assert self.caller.workspace is not None  # noqa: S101 - a session is of a workspace
        return self.caller.workspace

    @property
    def workspace_id(self) -> str:
        return self.workspace.workspace_id

    @property
    def storage(self) -> Storage:
        return self.desk.deps.storage

    @property
    def providers(self) -> tuple[Provider, ...]:
        return self.desk.deps.providers

    @property
    def is_partial(self) -> bool:
        """Whether htmx asks for a part of a page."""
        return "hx-request" in self.request.headers

    def asked(self, name: str, default: str = "") -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, default)

    def call(self, path: str) -> Call:
        """For what the API's own functions ask of their caller."""
        return self.desk.call(self.caller, path)

    async def ask(self, path: str, /, **values: Any) -> dict[str, Any]:
        """What the API answers to this; raises ApiError and the house's own errors. What it
        changes is put on record."""
        return await self.desk.ask(self.caller, path, values)

    async def note(self, action: str, **about: Any) -> None:
        """Puts on record what no endpoint does."""
        await self.storage.add_audit_entry(self.desk.entry(self.caller, action, about))


Handler = Callable[[Visit], Awaitable[Response]]
