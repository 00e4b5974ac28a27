"""The audit log. A command's entry is stored with what the command changes: see `marked`."""

from collections.abc import Sequence
from typing import Final

import msgspec

from latchwork.domain.audit import AuditEntry
from latchwork.storage.instants import from_us, to_us
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate, json_text, mapping
from latchwork.storage.sql.session import Row, Session

_COLUMNS: Final = (
    "audit_id",
    "workspace_id",
    "occurred_at",
    "actor_kind",
    "actor_id",
    "via",
    "action",
    "about",
    "made",
)
_ADD: Final = sql.insert("audit_entry", _COLUMNS, "ON CONFLICT (workspace_id, audit_id) DO NOTHING")
_LIST: Final = sql.select(
    sql.of("e", _COLUMNS),
    "FROM audit_entry e WHERE e.workspace_id = ? AND e.audit_id < ? "
    "ORDER BY e.audit_id DESC LIMIT ?",
)
_LAST: Final = "~"
"""After every id."""
_IDS: Final = msgspec.json.Decoder(list[str])


class AuditQueries(Aggregate):
    """The part of ConsoleStorage about the audit log."""

    async def add_audit_entry(self, entry: AuditEntry) -> None:
        await self._db.write(lambda tx: store(tx, entry))

    async def audit_entries(
        self, workspace_id: str, *, limit: int, before: str | None
    ) -> Sequence[AuditEntry]:
        values = (workspace_id, before or _LAST, limit)
        return [_entry_of(row) for row in await self._db.reading.all(_LIST, values)]


async def store(tx: Session, entry: AuditEntry) -> None:
    """For units. Storing an entry again changes nothing."""
    await tx.run(
        _ADD,
        (
            entry.audit_id,
            entry.workspace_id,
            to_us(entry.occurred_at),
            entry.actor_kind,
            entry.actor_id,
            entry.via,
            entry.action,
            json_text(entry.about),
            json_text(entry.made),
        ),
    )


def _entry_of(row: Row) -> AuditEntry:
    audit_id, workspace_id, occurred_at, actor_kind, actor_id, via, action, about, made = row
    return AuditEntry(
        audit_id=audit_id,
        workspace_id=workspace_id,
        occurred_at=from_us(occurred_at),
        actor_kind=actor_kind,
        actor_id=actor_id,
        via=via,
        action=action,
        about=mapping(about),
        made=_IDS.decode(made),
    )
