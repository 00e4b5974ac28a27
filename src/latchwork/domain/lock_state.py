"""The working state of one visit: beliefs about one lock, and what of them has changed.

Pure: no I/O. The engine loads a `LockView`, lets `believe`, `settle` and `plan` work on a
`LockState`, and writes back what `drain` answers.
"""

from collections.abc import Callable, Mapping, Set
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import OF_UNMANAGED, ActionAttempt
from latchwork.domain.device import Device
from latchwork.domain.events import WITH_PROBLEMS, NewEvent
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problems
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.timing import is_natively_scheduled, program_from
from latchwork.domain.visit import LockView, VisitChanges
from latchwork.domain.window import Window, same_schedule

K = TypeVar("K", str, int)
V = TypeVar("V")


class LockState:
    """Codes by id, ledger and foreign codes by position, and the changes since the last drain."""

    def __init__(self, view: LockView, new_id: Callable[[], str]) -> None:
        self.device: Device = view.device
        self.account = view.account
        self.codes: dict[str, AccessCode] = {code.access_code_id: code for code in view.codes}
        self.ledger: dict[int, LedgerEntry] = {entry.position: entry for entry in view.ledger}
        self.foreign: dict[int, ForeignCode] = {code.position: code for code in view.foreign}
        self._entries: dict[str, LedgerEntry] = {e.access_code_id: e for e in view.ledger}
        self._begins: dict[str, tuple[datetime | None, datetime]] = {}
        self.wishes: list[ActionAttempt] = [
            a for a in view.actions if a.action_type in OF_UNMANAGED
        ]
        """What callers wish of other people's codes, not ended yet."""
        self.new_id = new_id
        self.tried: set[int] = set()
        """Positions that a read was tried of in this visit."""
        self.attempted: set[str] = set()
        """Codes for which a write or clear was tried in this visit."""
        self._stored_device = view.device
        self._stored_pins = {code.access_code_id: code.pin for code in view.codes}
        self._new_codes: set[str] = set()
        self._changed_codes: set[str] = set()
        self._changed_positions: set[int] = set()
        self._changed_foreign: set[int] = set()
        self._adopted: set[str] = set()
        self._events: list[NewEvent] = []
        self._attempts: list[ActionAttempt] = []

    def entry_of(self, code: AccessCode) -> LedgerEntry | None:
        return self._entries.get(code.access_code_id)

    def program_from(self, code: AccessCode) -> datetime:
        """See `timing`. Asked again and again in a visit: kept until the code's start changes,
        which is all of it that a visit can change."""
        known = self._begins.get(code.access_code_id)
        if known is not None and known[0] is code.starts_at:
            return known[1]
        begin = program_from(code, self.device, self.account)
        self._begins[code.access_code_id] = code.starts_at, begin
        return begin

    def wanted_window(self, code: AccessCode) -> Window | None:
        """The schedule that the lock shall store with the code; None: no schedule."""
        return code.window if is_natively_scheduled(code, self.device) else None

    def set_code(self, code: AccessCode, **fields: Any) -> AccessCode:
        """Changes fields of a code; nothing counts as changed when all are as they were."""
        for name, value in fields.items():
            if getattr(code, name) != value:
                break
        else:
            return code
        changed = msgspec.structs.replace(code, **fields)
        self.codes[code.access_code_id] = changed
        self._changed_codes.add(code.access_code_id)
        return changed

    def add_code(self, code: AccessCode) -> None:
        """A code that the engine itself wishes for: stored with the next drain."""
        self.codes[code.access_code_id] = code
        self._new_codes.add(code.access_code_id)

    def set_entry(self, entry: LedgerEntry) -> None:
        if self.ledger.get(entry.position) != entry:
            self.ledger[entry.position] = entry
            self._entries[entry.access_code_id] = entry
            self._changed_positions.add(entry.position)

    def drop_entry(self, position: int) -> None:
        entry = self.ledger.pop(position)
        self._entries.pop(entry.access_code_id, None)
        self._changed_positions.add(position)

    def set_foreign(self, code: ForeignCode) -> None:
        self.foreign[code.position] = code
        self._changed_foreign.add(code.position)

    def drop_foreign(self, position: int) -> None:
        del self.foreign[position]
        self._changed_foreign.add(position)

    def foreign_of(self, unmanaged_access_code_id: str | None) -> ForeignCode | None:
        """The code of another hand by its id."""
        return next(
            (
                code
                for code in self.foreign.values()
                if code.unmanaged_access_code_id == unmanaged_access_code_id
            ),
            None,
        )

    def wished_positions(self) -> set[int]:
        """The positions of other people's codes that callers wish something of."""
        wished = {wish.unmanaged_id for wish in self.wishes}
        return {p for p, c in self.foreign.items() if c.unmanaged_access_code_id in wished}

    def adopt(self, code: AccessCode, entry: LedgerEntry) -> None:
        """Makes the code of another hand at the entry's position one of ours."""
        self.drop_foreign(entry.position)
        self.codes[code.access_code_id] = code
        self._changed_codes.add(code.access_code_id)
        self._adopted.add(code.access_code_id)
        self.set_entry(entry)

    def set_device(self, **fields: Any) -> None:
        """Changes fields of the device; the same object stands when all are as they were."""
        for name, value in fields.items():
            if getattr(self.device, name) != value:
                self.device = msgspec.structs.replace(self.device, **fields)
                return

    def finish(self, attempt: ActionAttempt) -> None:
        self._attempts.append(attempt)

    def tell(self, event_type: str, code: AccessCode, now: datetime, *, pin: bool = False) -> None:
        """Appends an event of a code; `pin` when the event carries its PIN."""
        payload = self._problem_lists(code) if event_type in WITH_PROBLEMS else {}
        self._events.append(
            NewEvent(
                event_type=event_type,
                occurred_at=now,
                device_id=self.device.device_id,
                connected_account_id=self.account.connected_account_id,
                access_code_id=code.access_code_id,
                code=code.pin if pin else None,
                payload=payload,
            )
        )

    def tell_device(self, event: NewEvent) -> None:
        self._events.append(event)

    def untell(self, event_type: str, access_code_id: str) -> None:
        """Takes back such events that wait for the next drain: what was so between two drains was
        never stored, and nobody saw it."""
        self._events = [
            e
            for e in self._events
            if e.event_type != event_type or e.access_code_id != access_code_id
        ]

    def told(self, event_type: str, access_code_id: str) -> bool:
        """Whether such an event waits to be written with the next drain."""
        return any(
            e.event_type == event_type and e.access_code_id == access_code_id for e in self._events
        )

    def device_problem_lists(self) -> dict[str, Any]:
        """Errors and warnings of device and account, as events carry them."""
        return {
            "connected_account_errors": listed(self.account.errors, "error_code"),
            "connected_account_warnings": listed(self.account.warnings, "warning_code"),
            "device_errors": listed(self.device.errors, "error_code"),
            "device_warnings": listed(self.device.warnings, "warning_code"),
        }

    def _problem_lists(self, code: AccessCode) -> dict[str, Any]:
        return {
            "access_code_errors": listed(code.errors, "error_code"),
            "access_code_warnings": listed(code.warnings, "warning_code"),
            **self.device_problem_lists(),
        }

    def _changed_device(self) -> Device | None:
        is_same = self.device is self._stored_device or self.device == self._stored_device
        return None if is_same else self.device

    def _repinned(self) -> frozenset[str]:
        """Of the changed codes, those with another PIN than is stored; it counts as stored now."""
        stored = self._stored_pins
        changed = {i for i in self._changed_codes if stored.get(i) != self.codes[i].pin}
        stored.update((i, self.codes[i].pin) for i in changed)
        return frozenset(changed)

    def drain(self) -> VisitChanges:
        """What has changed since the last drain, to be written in one transaction."""
        changes = VisitChanges(
            adopted=_of(self.codes, self._adopted),
            new_codes=_of(self.codes, self._new_codes),
            codes=_of(self.codes, self._changed_codes - self._new_codes),
            repinned=self._repinned(),
            ledger=_of(self.ledger, self._changed_positions & self.ledger.keys()),
            ledger_removed=tuple(self._changed_positions - self.ledger.keys()),
            foreign=_of(self.foreign, self._changed_foreign & self.foreign.keys()),
            foreign_removed=tuple(self._changed_foreign - self.foreign.keys()),
            device=self._changed_device(),
            device_was=self._stored_device,
            events=tuple(self._events),
            attempts=tuple(self._attempts),
            converged=tuple(
                (i, self.codes[i].generation)
                for i in sorted(self._changed_codes)
                if self.codes[i].deleted_at is not None
            ),
        )
        self._new_codes.clear()
        self._changed_codes.clear()
        self._adopted.clear()
        self._changed_positions.clear()
        self._changed_foreign.clear()
        self._events = []
        self._attempts = []
        self._stored_device = self.device
        for code in changes.codes:
            if code.deleted_at is not None:
                del self.codes[code.access_code_id]
        return changes

    def converged(self) -> tuple[tuple[str, int], ...]:
        """Codes whose last update has its effect, for the visit's last write-back."""
        return tuple(
            (code.access_code_id, code.generation)
            for code in self.codes.values()
            if code.generation > 1 and self.is_in_effect(code)
        )

    def is_in_effect(self, code: AccessCode) -> bool:
        """Whether nothing is left to do on the lock for the code's present wish."""
        if code.delete_requested_at is not None:
            return False
        entry = self.entry_of(code)
        return entry is None or (entry.generation == code.generation and is_proven(self, code))

    def pins(self) -> set[Pin]:
        """Every PIN known on the lock, and those wished for on it."""
        pins = {code.pin for code in self.codes.values()}
        pins |= {code.pin for code in self.foreign.values() if code.pin is not None}
        for entry in self.ledger.values():
            pins |= entry.pins
        return pins

    def other_names(self, code: AccessCode) -> set[str]:
        """The names that the lock stores with other codes."""
        names = {
            e.name for e in self.ledger.values() if e.access_code_id != code.access_code_id
        } | {f.name for f in self.foreign.values()}
        return {name for name in names if name is not None}

    def pins_elsewhere(self, code: AccessCode) -> ForeignCode | None:
        """A foreign code with the same PIN on this lock, when its PIN is known."""
        return next((f for f in self.foreign.values() if f.pin == code.pin), None)


def _of(known: Mapping[K, V], keys: Set[K]) -> tuple[V, ...]:
    """In the keys' order: the same visit writes the same."""
    return tuple([known[key] for key in sorted(keys)]) if keys else ()


def is_proven(state: LockState, code: AccessCode) -> bool:
    """Whether the last observation proves this PIN, with its window, on the lock."""
    if code.offline is not None:
        return code.is_issued
    entry = state.entry_of(code)
    return (
        entry is not None
        and entry.phase is Phase.CONFIRMED
        and entry.pin == code.pin
        and same_schedule(entry.window, state.wanted_window(code))
    )


def listed(problems: Problems, key: str) -> list[dict[str, Any]]:
    """Problems as Seam's events list them."""
    return [
        {
            key: problem.code,
            "message": problem.message,
            "created_at": problem.created_at,
            **(problem.detail or {}),
        }
        for problem in problems
    ]
