"""People at the console: what a signed-in browser may do, and for how long."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

SESSION_LASTS: Final = timedelta(days=7)
LINK_LASTS: Final = timedelta(minutes=10)
LONGEST_LINK: Final = timedelta(days=1)


class ConsoleSession(msgspec.Struct, frozen=True, kw_only=True):
    """A browser that has signed in. Its token is in the browser's cookie and nowhere else."""

    session_id: str
    workspace_id: str
    created_at: datetime
    expires_at: datetime
    api_key_id: str | None = None
    """The key that it signed in with, and ends with; None: it came by a one-time link."""


class ConsoleLink(msgspec.Struct, frozen=True, kw_only=True):
    """Opens the console once. Its token is in the link and nowhere else."""

    workspace_id: str
    created_at: datetime
    expires_at: datetime
