"""What a refused or failed step means for its code."""

from datetime import datetime

from latchwork.domain.errors import Conflict, NeedsAttention, Rejected, Unsupported
from latchwork.domain.lock_state import LockState
from latchwork.domain.plan import Clear, Write
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem, added
from latchwork.domain.refusal import block_duplicate, block_rejected


def note_refusal(
    state: LockState, step: Write | Clear, failure: Exception, now: datetime, policy: Policy
) -> None:
    """A failure that proves nothing changes nothing: the position is read next. A refusal is
    told on the code, and blocks it where trying again is pointless."""
    code = state.codes.get(step.access_code_id)
    if code is None:
        return
    if isinstance(failure, Conflict):
        if failure.position != step.position:
            block_duplicate(state, code, now, _named(state, failure.position))
    elif isinstance(failure, Rejected):
        block_rejected(state, code, now, "code_constraints_violated", str(failure))
    elif isinstance(failure, Unsupported):
        block_rejected(state, code, now, "provider_issue", str(failure))
    elif isinstance(failure, NeedsAttention):
        state.set_code(
            code,
            errors=added(code.errors, Problem("provider_issue", str(failure), now)),
            retry_at=now + policy.attention_backoff,
        )


def _named(state: LockState, position: int | None) -> dict[str, str]:
    """The code that the lock holds at the conflicting position, when it is known."""
    if position is None:
        return {}
    if position in state.ledger:
        return {"managed_access_code_id": state.ledger[position].access_code_id}
    if position in state.foreign:
        return {"unmanaged_access_code_id": state.foreign[position].unmanaged_access_code_id}
    return {}
