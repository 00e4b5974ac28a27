"""Waiting for what the engine does, for callers who ask to (`sync=true`) and for the sandbox."""

from collections.abc import Callable

from latchwork.api.endpoint import Call
from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt, AttemptStatus

PATIENCE = 10.0
"""Seconds that a caller is kept waiting at most."""
STEP = 0.05


async def until_ended(call: Call, attempt: ActionAttempt) -> ActionAttempt:
    """The attempt as it ended, or as it stands when patience does."""
    for _ in range(int(PATIENCE / STEP)):
        found = await call.storage.attempt(attempt.workspace_id, attempt.action_attempt_id)
        if found is not None and found.status is not AttemptStatus.PENDING:
            return found
        await call.deps.sleep(STEP)
    return attempt


async def until_code(call: Call, access_code_id: str, is_so: Callable[[AccessCode], bool]) -> None:
    """Until the code is so or is gone, or patience ends."""
    for _ in range(int(PATIENCE / STEP)):
        view = await call.storage.code(call.workspace_id, access_code_id=access_code_id)
        if view is None or is_so(view.code):
            return
        await call.deps.sleep(STEP)
