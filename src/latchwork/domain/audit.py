"""The audit log: who did what, and when. It never holds a secret, nor a value that was given."""

from datetime import datetime
from typing import Any, Final

import msgspec

API: Final = "api"
CONSOLE: Final = "console"

API_KEY: Final = "api_key"
CLIENT_SESSION: Final = "client_session"
PERSON: Final = "personal_token"
PUBLISHABLE_KEY: Final = "publishable_key"
LINK: Final = "console_link"


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done. `action` is the endpoint's path, or the console's own word."""

    audit_id: str
    workspace_id: str
    occurred_at: datetime
    actor_kind: str
    actor_id: str
    """The id of the key, the session or the token; never the secret itself."""
    via: str
    """API or CONSOLE."""
    action: str
    about: dict[str, Any] = {}
    """Ids of what it was done to, and under `given` the names of the parameters."""
    made: list[str] = []
    """Ids that were made for it until it was stored."""
