"""What a visit of the engine to one lock reads from storage, and what it writes back."""

import msgspec

from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.events import NewEvent
from latchwork.domain.slots import ForeignCode, LedgerEntry


class LockView(msgspec.Struct, frozen=True, kw_only=True):
    """All that a visit knows of one lock: what is wished, what is ours, what is foreign.

    `codes` holds every code that is not deleted."""

    device: Device
    account: ConnectedAccount
    codes: tuple[AccessCode, ...]
    ledger: tuple[LedgerEntry, ...]
    foreign: tuple[ForeignCode, ...]
    actions: tuple[ActionAttempt, ...] = ()
    """Pending attempts that the engine shall carry out (doors, sandbox, other people's codes),
    oldest first."""


class VisitChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a visit writes back, in one transaction with its events.

    `codes` are written with a check of the generation: a code whose stored generation differs
    keeps its desired state and is left as it is (its change makes the device due again).
    """

    adopted: tuple[AccessCode, ...] = ()
    """Codes to insert that were another hand's; `codes` holds them too."""
    codes: tuple[AccessCode, ...] = ()
    repinned: frozenset[str] = frozenset()
    """Ids of those of `codes` whose PIN the visit itself changed."""
    new_codes: tuple[AccessCode, ...] = ()
    """Codes to insert, each unless the lock has its PIN by then (see CodeStorage.create_code):
    such a one is left out, with its events."""
    ledger: tuple[LedgerEntry, ...] = ()
    """Entries to insert or replace, keyed by position."""
    ledger_removed: tuple[int, ...] = ()
    foreign: tuple[ForeignCode, ...] = ()
    foreign_removed: tuple[int, ...] = ()
    device: Device | None = None
    """With changed engine fields (errors, warnings, online, failures, retry_at, scanned_at,
    audit_at); nothing else of it is written."""
    device_was: Device | None = None
    """The device as the visit found it: only the engine fields in which `device` differs from it
    are written, so that pushes stored during the visit are kept."""
    events: tuple[NewEvent, ...] = ()
    attempts: tuple[ActionAttempt, ...] = ()
    """Actions of the visit that have ended."""
    suspected: bool = False
    """Whether positions are still unread that another hand may have changed: the next claim then
    tells so again."""
    converged: tuple[tuple[str, int], ...] = ()
    """(access_code_id, generation): pending UPDATE and DELETE attempts of the code up to that
    generation have their effect and turn to success."""
