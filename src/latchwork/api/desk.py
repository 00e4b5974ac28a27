"""Carries out what known callers ask, whichever way they came in: within the limits, and with an
entry in the audit log for what it changes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from latchwork import request_ids
from latchwork.api.auth import check_may_call
from latchwork.api.endpoint import READ, ApiDeps, Call, Caller, Endpoint
from latchwork.api.limits import Limiter
from latchwork.api.parsing import convert
from latchwork.api.restricted import reachable
from latchwork.domain import audit
from latchwork.domain.audit import AuditEntry
from latchwork.domain.ids import uuid7
from latchwork.storage.audited import AUDITED

ABOUT: Final = frozenset(
    (
        "access_code_id",
        "api_key_id",
        "client_session_id",
        "connect_webview_id",
        "connected_account_id",
        "customization_profile_id",
        "device_id",
        "device_ids",
        "event_id",
        "message_id",
        "webhook_id",
    )
)
"""Parameters whose values an audit entry holds; of the others it names that they were given."""


class Desk:
    """`endpoints`: all that can be asked."""

    def __init__(self, deps: ApiDeps, endpoints: Sequence[Endpoint]) -> None:
        self.deps = deps
        self.endpoints: Mapping[str, Endpoint] = {found.path: found for found in endpoints}
        limit = deps.requests_a_minute
        self.limiter = None if limit is None else Limiter(limit)

    def new_id(self) -> str:
        return uuid7(self.deps.now(), self.deps.entropy(10))

    def call(self, caller: Caller, path: str) -> Call:
        return Call(
            deps=self.deps,
            caller=caller,
            storage=reachable(self.deps.storage, caller),
            now=self.deps.now(),
            path=path,
            new_id=self.new_id,
        )

    async def ask(
        self, caller: Caller, path: str, values: dict[str, Any], *, via: str = audit.CONSOLE
    ) -> dict[str, Any]:
        """What the endpoint at `path` answers to these parameters. Raises ApiError and the
        house's own errors, as for a request over HTTP."""
        endpoint = self.endpoints[path]
        check_may_call(caller, endpoint)
        asked = convert(endpoint.request, values, text=False, strict=True)
        return await self.perform(endpoint, asked, self.call(caller, path), via=via)

    async def perform(
        self, endpoint: Endpoint, asked: msgspec.Struct, call: Call, *, via: str = audit.API
    ) -> dict[str, Any]:
        """The answer of the endpoint's handler."""
        if self.limiter is not None:
            await self.limiter.count_command(call, asked)
        if endpoint.methods == READ or call.caller.workspace is None:
            return await self._handled(endpoint, asked, call)
        entry = self.entry(call.caller, endpoint.path, about(asked), via)

        def new_id() -> str:
            made = call.new_id()
            entry.made.append(made)
            return made

        held = AUDITED.set(entry)
        try:
            recording = msgspec.structs.replace(call, new_id=new_id)
            return await self._handled(endpoint, asked, recording)
        finally:
            AUDITED.reset(held)

    async def _handled(
        self, endpoint: Endpoint, asked: msgspec.Struct, call: Call
    ) -> dict[str, Any]:
        """The handler's answer; a command is noted before it is stored, for the visit that it
        wakes may begin before it is answered."""
        wakes, request_id = self.deps.wakes, request_ids.current.get()
        if wakes is None or request_id is None or endpoint.methods is READ:
            return await endpoint.handler(call, asked)
        subjects = _subjects(asked)
        wakes.note(subjects, request_id)
        try:
            return await endpoint.handler(call, asked)
        except BaseException:
            wakes.forget(subjects, request_id)
            raise

    def entry(
        self, caller: Caller, action: str, about: dict[str, Any], via: str = audit.CONSOLE
    ) -> AuditEntry:
        """For what is not an endpoint's; the caller must be of a workspace."""
        assert caller.workspace is not None  # noqa: S101 - told to the type checker
        return AuditEntry(
            audit_id=self.new_id(),
            workspace_id=caller.workspace.workspace_id,
            occurred_at=self.deps.now(),
            actor_kind=caller.kind,
            actor_id=caller.credential_id,
            via=via,
            action=action,
            about=about,
        )


def _subjects(asked: msgspec.Struct) -> list[str]:
    """The locks and codes that a command names."""
    named = [getattr(asked, name, None) for name in ("access_code_id", "device_id")]
    return [one for one in (*named, *(getattr(asked, "device_ids", None) or ())) if one]


def about(asked: msgspec.Struct) -> dict[str, Any]:
    """What of the parameters is kept: ids, and the names of the rest."""
    given = {
        name: value
        for name, value in msgspec.structs.asdict(asked).items()
        if value is not None and value is not UNSET
    }
    kept = {name: value for name, value in given.items() if name in ABOUT}
    named = sorted(given.keys() - ABOUT)
    return {**kept, "given": named} if named else kept
