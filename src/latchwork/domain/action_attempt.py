"""What a caller can poll after a command."""

from datetime import datetime
from enum import StrEnum

import msgspec


class ActionType(StrEnum):
    CREATE_ACCESS_CODE = "CREATE_ACCESS_CODE"
    UPDATE_ACCESS_CODE = "UPDATE_ACCESS_CODE"
    DELETE_ACCESS_CODE = "DELETE_ACCESS_CODE"
    LOCK_DOOR = "LOCK_DOOR"
    UNLOCK_DOOR = "UNLOCK_DOOR"
    SIMULATE_KEYPAD_CODE_ENTRY = "SIMULATE_KEYPAD_CODE_ENTRY"
    SIMULATE_MANUAL_LOCK_VIA_KEYPAD = "SIMULATE_MANUAL_LOCK_VIA_KEYPAD"


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
