"""What a caller can poll after a command."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from latchwork.domain.pin import Pin


class ActionType(StrEnum):
    CREATE_ACCESS_CODE = "CREATE_ACCESS_CODE"
    UPDATE_ACCESS_CODE = "UPDATE_ACCESS_CODE"
    DELETE_ACCESS_CODE = "DELETE_ACCESS_CODE"
    LOCK_DOOR = "LOCK_DOOR"
    UNLOCK_DOOR = "UNLOCK_DOOR"
    CONFIGURE_AUTO_LOCK = "CONFIGURE_AUTO_LOCK"
    SIMULATE_KEYPAD_CODE_ENTRY = "SIMULATE_KEYPAD_CODE_ENTRY"
    SIMULATE_MANUAL_LOCK_VIA_KEYPAD = "SIMULATE_MANUAL_LOCK_VIA_KEYPAD"
    RESET_SANDBOX_WORKSPACE = "RESET_SANDBOX_WORKSPACE"
    SIMULATE = "SIMULATE"
    """Of the sandbox, ours: `values["action"]` names it. Never shown to callers."""
    DELETE_UNMANAGED = "DELETE_UNMANAGED"
    """Shown to callers as DELETE_ACCESS_CODE."""
    CONVERT_TO_MANAGED = "CONVERT_TO_MANAGED"
    """Ours; never shown to callers."""


ENGINE_ACTIONS = frozenset(ActionType) - {
    ActionType.CREATE_ACCESS_CODE,
    ActionType.UPDATE_ACCESS_CODE,
    ActionType.DELETE_ACCESS_CODE,
    ActionType.RESET_SANDBOX_WORKSPACE,
}
"""What a visit carries out by itself; the rest follows from the state of the code."""

OF_UNMANAGED = frozenset((ActionType.DELETE_UNMANAGED, ActionType.CONVERT_TO_MANAGED))
"""What callers wish of other people's codes; see `ActionAttempt.unmanaged_id`."""

AT_THE_DOOR = ENGINE_ACTIONS - OF_UNMANAGED
"""What somebody waits for: it goes before codes."""

HIDDEN = frozenset((ActionType.SIMULATE, ActionType.CONVERT_TO_MANAGED))
"""Not shown to callers as attempts."""


class AttemptStatus(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    ERROR = "error"


class ActionAttempt(msgspec.Struct, frozen=True, kw_only=True):
    """`error_type` and `error_message` only with status `error`."""

    action_attempt_id: str
    workspace_id: str
    action_type: ActionType
    created_at: datetime
    status: AttemptStatus = AttemptStatus.PENDING
    device_id: str | None = None
    access_code_id: str | None = None
    generation: int | None = None
    """Of the access code, which must be in effect for success."""
    error_type: str | None = None
    error_message: str | None = None
    values: dict[str, Any] = {}
    """Parameters of a sandbox action, never a PIN."""
    code: Pin | None = None
    """The PIN typed in a simulated keypad entry."""

    @property
    def unmanaged_id(self) -> str | None:
        """The code of another hand that it is about; `access_code_id` names codes of ours alone."""
        found: str | None = self.values.get("unmanaged_access_code_id")
        return found
