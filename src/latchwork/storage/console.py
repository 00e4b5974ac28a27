"""The part of storage's interface that the console asks: who is signed in, what was done, and
locks and codes at a glance. The rules of `interface` hold here too; nothing here knows a PIN."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from latchwork.domain.access_code import CodeStatus, Evidence
from latchwork.domain.audit import AuditEntry
from latchwork.domain.console_session import ConsoleLink, ConsoleSession
from latchwork.domain.pin import Secret
from latchwork.domain.problem import Problems
from latchwork.storage.page import Page


class CodeGlance(msgspec.Struct, frozen=True, kw_only=True):
    """A code without its PIN."""

    access_code_id: str
    device_id: str
    device_name: str
    zone: str | None
    name: str | None
    status: CodeStatus
    created_at: datetime
    changed_at: datetime
    starts_at: datetime | None
    ends_at: datetime | None
    ahead: timedelta
    """How long before its start it is put on the lock."""
    evidence: Evidence | None
    scheduled_on_device: bool
    is_leaving: bool
    """Whether its removal was asked for."""
    is_backup: bool
    is_offline: bool
    is_lost: bool
    """Whether nobody can know, because its account's connection is down."""
    errors: Problems
    warnings: Problems


class LockGlance(msgspec.Struct, frozen=True, kw_only=True):
    """A lock in a list. `connected`: its account's connection."""

    device_id: str
    name: str
    account_name: str
    provider: str
    online: bool
    connected: bool
    removed: bool
    locked: bool | None
    battery_level: float | None
    zone: str | None
    errors: Problems
    warnings: Problems
    codes: int
    """How many codes it shall hold, or still holds."""
    troubled: int
    """How many of them have an error or a warning."""


COUNTED: Final = 20_000
"""So that a look at the overview costs no more with a million codes than with these."""


class Census(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are. `unreachable` and `ailing` locks are counted once each."""

    is_partial: bool = False
    """Whether there are more codes than are counted here: COUNTED of them are."""

    locks: int
    unreachable: int
    ailing: int
    codes: Mapping[CodeStatus, int]
    troubled: int


class ConsoleStorage(Protocol):
    """Sessions and links of the console are kept as keyed hashes of their tokens alone."""

    async def add_console_session(self, session: ConsoleSession, token: Secret) -> None:
        """Forgets those that have run out."""

    async def console_session(self, token: Secret, now: datetime) -> ConsoleSession | None:
        """The live session of this token: neither run out nor signed in by a key that is revoked
        by now."""

    async def end_console_session(self, token: Secret) -> None: ...
    async def add_console_link(self, link: ConsoleLink, token: Secret) -> None:
        """Forgets those that have run out."""

    async def take_console_link(self, token: Secret, now: datetime) -> ConsoleLink | None:
        """The link of this token, which opens nothing from now on; None for one that has run out
        or was taken."""

    async def add_audit_entry(self, entry: AuditEntry) -> None: ...
    async def audit_entries(
        self, workspace_id: str, *, limit: int, before: str | None
    ) -> Sequence[AuditEntry]:
        """Newest first; those older than the entry `before`, if one is named."""

    async def census(self, workspace_id: str) -> Census: ...
    async def locks_at_a_glance(
        self,
        workspace_id: str,
        *,
        limit: int,
        offset: int = 0,
        search: str | None = None,
        device_id: str | None = None,
    ) -> Page[LockGlance]:
        """Managed ones, those that need somebody first, then by name. The page's cursor is the
        next offset, as text."""

    async def codes_in_trouble(self, workspace_id: str, limit: int) -> Sequence[CodeGlance]:
        """Those with errors first, then those with warnings; the earliest start first."""

    async def codes_turning(
        self, workspace_id: str, since: datetime, until: datetime, limit: int
    ) -> Sequence[CodeGlance]:
        """Those that start or end in this time, in no order."""

    async def codes_during(
        self, device_ids: Sequence[str], since: datetime, until: datetime, limit: int
    ) -> Sequence[CodeGlance]:
        """Those on these locks whose windows touch this time, the earliest start first."""

    async def newest_event(self, workspace_id: str) -> str | None:
        """The id of the newest event: another one tells that something has changed."""
