"""Which codes shall be on the lock now, and what of ours must go."""

from datetime import datetime

from latchwork.domain.access_code import AccessCode, Blocked
from latchwork.domain.lock_state import LockState, is_proven
from latchwork.domain.policy import Policy
from latchwork.domain.settle import needs_fresh_proof, needs_rename
from latchwork.domain.slots import LedgerEntry, Phase
from latchwork.domain.timing import is_natively_scheduled


def can_reach(state: LockState, now: datetime) -> bool:
    """Whether radio may be spent on the lock at all."""
    device = state.device
    return (
        state.account.connected
        and not device.removed
        # Codes of a lock that is left alone since are seen through to their end.
        and (device.is_managed or bool(state.ledger or state.codes))
        and device.capabilities.access_codes
        and (device.retry_at is None or device.retry_at <= now)
    )


def is_wanted(state: LockState, code: AccessCode, now: datetime) -> bool:
    """Whether the code shall be on the lock now."""
    return (
        code.deleted_at is None
        and code.offline is None
        and not code.is_leaving(now)
        and code.blocked is not Blocked.EXTERNAL
        and not _is_ahead(state, code, now)
    )


def _is_ahead(state: LockState, code: AccessCode, now: datetime) -> bool:
    """Whether the code's time on the lock is to come. One without a start is due as soon as it
    is wished, by whatever clock."""
    return code.starts_at is not None and state.program_from(code) > now


def is_misplaced(state: LockState, entry: LedgerEntry, now: datetime) -> bool:
    """Whether what we wrote there must go: its code is leaving, or was moved far ahead on a lock
    that cannot keep it shut until then."""
    code = state.codes.get(entry.access_code_id)
    if code is None or code.is_leaving(now):
        return True
    if code.blocked is not None:
        # A refused write: the position is given back once a read shows it empty.
        return entry.phase is not Phase.CONFIRMED
    return not is_natively_scheduled(code, state.device) and _is_ahead(state, code, now)


def rests(state: LockState, code: AccessCode) -> bool:
    """Whether the lock holds the code as it is wished, proven."""
    entry = state.entry_of(code)
    return entry is not None and is_proven(state, code) and not needs_rename(state, code, entry)


def has_standing(state: LockState) -> bool:
    """Whether there is anything of ours to audit."""
    return any(entry.phase is Phase.CONFIRMED for entry in state.ledger.values())


def has_work(state: LockState, now: datetime, policy: Policy) -> bool:
    """Whether the lock would be spoken to if it could be reached."""
    if state.wishes or any(is_misplaced(state, e, now) for e in state.ledger.values()):
        return True
    audit_at = state.device.audit_at
    if audit_at is not None and audit_at <= now and has_standing(state):
        return True
    return any(
        is_wanted(state, code, now)
        and code.blocked is None
        and (not is_proven(state, code) or needs_fresh_proof(state, code, now, policy))
        for code in state.codes.values()
    )
