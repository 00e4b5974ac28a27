"""Refusals of a lock: told once, then no radio until something changes."""

from collections.abc import Mapping
from datetime import datetime

from latchwork.domain.access_code import AccessCode, Blocked
from latchwork.domain.late import mark_failed
from latchwork.domain.lock_state import LockState
from latchwork.domain.problem import Problem, added


def block_duplicate(
    state: LockState, code: AccessCode, now: datetime, detail: Mapping[str, str]
) -> None:
    """One attempt, then an error naming the other code, then no radio until something changes."""
    problem = Problem(
        code="duplicate_code_on_device",
        message="The lock already holds this PIN under another code. Choose another PIN, or remove "
        "the other code.",
        created_at=now,
        detail=dict(detail),
    )
    code = state.set_code(
        code, blocked=Blocked.DUPLICATE, errors=added(code.errors, problem), retry_at=None
    )
    mark_failed(state, code, now, "The lock refuses the code: it already holds this PIN.")


def block_rejected(
    state: LockState, code: AccessCode, now: datetime, error_code: str, message: str
) -> None:
    """The lock will never take this value: told once, then no radio until the code is updated."""
    code = state.set_code(
        code,
        blocked=Blocked.REJECTED,
        errors=added(code.errors, Problem(error_code, message, now)),
        retry_at=None,
    )
    mark_failed(state, code, now, f"The lock refuses the code. {message}")
