"""Refusals of a lock: told once, then no radio until something changes."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from latchwork.domain.access_code import AccessCode, Blocked
from latchwork.domain.late import mark_failed
from latchwork.domain.lock_state import LockState
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem, added, without

DUPLICATE: Final = "duplicate_code_on_device"


def block_duplicate(
    state: LockState, code: AccessCode, now: datetime, detail: Mapping[str, str]
) -> None:
    """One attempt, then an error naming the other code, then no radio until something changes."""
    problem = Problem(
        code=DUPLICATE,
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


def unblock_duplicates(state: LockState, pins: Collection[Pin], code_id: str | None) -> None:
    """These PINs open no more, or not as they did, by the code `code_id`: a PIN that the lock
    refused because of them may be tried again. Without PINs, the code's is not known. Other
    refused PINs stay refused: each try is radio."""
    for code in tuple(state.codes.values()):
        if code.blocked is not Blocked.DUPLICATE:
            continue
        named = {i for e in code.errors if e.code == DUPLICATE for i in (e.detail or {}).values()}
        is_unknown = not pins and not named
        if code.pin in pins or code_id in named or is_unknown:
            state.set_code(
                code,
                blocked=None,
                failures=0,
                retry_at=None,
                errors=without(code.errors, (DUPLICATE,)),
            )
