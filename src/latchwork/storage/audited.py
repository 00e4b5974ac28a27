"""Who answers for the writes of this context. Part of storage's interface."""

from contextvars import ContextVar
from typing import Final

from latchwork.domain.audit import AuditEntry

AUDITED: Final[ContextVar[AuditEntry | None]] = ContextVar("latchwork-audited", default=None)
"""Set while a command is carried out: the first write of it that changes anything stores this
entry in its own transaction."""
