"""What to do next on one lock, given beliefs and the fresh reads of this visit.

`plan` answers one of: read these positions, do these steps, or rest. It is total and
level-triggered: it looks at what is, never at what woke the engine.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from latchwork.domain.access_code import AccessCode, Pool
from latchwork.domain.action_attempt import ActionType
from latchwork.domain.believe import believe
from latchwork.domain.lock_state import LockState, is_proven
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem, added, has
from latchwork.domain.refusal import block_duplicate
from latchwork.domain.settle import lock_name, needs_fresh_proof, needs_rename
from latchwork.domain.slots import LedgerEntry, Phase
from latchwork.domain.wanted import can_reach, is_misplaced, is_wanted, rests
from latchwork.domain.window import Window


class Write(msgspec.Struct, frozen=True):
    """Store this code at this position; the position is reserved in the ledger first."""

    access_code_id: str
    generation: int
    position: int
    pin: Pin
    name: str | None
    window: Window | None


class Clear(msgspec.Struct, frozen=True):
    """Empty this position, which a fresh read shows to hold what we wrote, or the code of another
    hand that a caller wishes gone (`access_code_id` is its id then)."""

    access_code_id: str
    position: int


class Read(msgspec.Struct, frozen=True):
    """Read these positions, past every cache."""

    positions: tuple[int, ...]


class Scan(msgspec.Struct, frozen=True):
    """Learn of all positions once, to know other people's codes."""


class Program(msgspec.Struct, frozen=True):
    """Do these, one after the other."""

    steps: tuple[Write | Clear, ...]


class Rest(msgspec.Struct, frozen=True):
    """Nothing to do on the lock until `rest.next_due`, or until something changes."""


Plan = Read | Scan | Program | Rest


def plan(state: LockState, fresh: Mapping[int, Observation], now: datetime, policy: Policy) -> Plan:
    """The next thing to do. May note on codes why nothing can be done for them (no space, a
    duplicate among other people's codes)."""
    if not can_reach(state, now):
        return Rest()
    desk = _Desk(state, fresh, now, policy)
    desk.removals()
    desk.wishes()
    desk.placements()
    if not desk.reads and not desk.steps and state.device.scanned_at is None:
        return Scan()
    desk.proofs()
    if desk.reads:
        return Read(tuple(desk.reads)[: positions_at_once(state, policy)])
    if desk.steps:
        return Program(tuple(desk.steps[: policy.writes_per_round]))
    return Rest()


def positions_at_once(state: LockState, policy: Policy) -> int:
    """How many positions of the lock one read may ask for."""
    cost = state.device.capabilities.read_cost
    most = policy.reads_per_round
    return most if cost == 0 else min(max(policy.operations_per_read // cost, 1), most)


def rank(code: AccessCode, now: datetime) -> tuple[bool, bool, datetime, datetime, str]:
    """Who gets a scarce position first: active codes, then the nearest start; backup codes that
    wait for their use come last."""
    start = code.starts_at or code.created_at
    return (
        code.pool is Pool.WAITING,
        start > now,
        start,
        code.created_at,
        code.access_code_id,
    )


class _Desk:
    """Collects the reads and steps of one planning round."""

    def __init__(
        self, state: LockState, fresh: Mapping[int, Observation], now: datetime, policy: Policy
    ) -> None:
        self.state = state
        self.fresh = fresh
        self.now = now
        self.policy = policy
        self.reads: dict[int, None] = {}
        self.steps: list[Write | Clear] = []

    def removals(self) -> None:
        for entry in sorted(self.state.ledger.values(), key=lambda e: e.position):
            if is_misplaced(self.state, entry, self.now):
                self._remove(entry)

    def _remove(self, entry: LedgerEntry) -> None:
        if self._waits(entry.access_code_id):
            return
        seen = self.fresh.get(entry.position)
        if seen is None:
            self.reads[entry.position] = None
        elif isinstance(seen, Empty):
            self._give_back(entry)
        elif not isinstance(seen, NotRead) and self._is_untried(entry.access_code_id):
            self.steps.append(Clear(entry.access_code_id, entry.position))

    def wishes(self) -> None:
        """Other people's codes that a caller wishes something of: read afresh, and cleared only
        where the read shows the very PIN that was named."""
        for wish in self.state.wishes:
            code = self.state.foreign_of(wish.unmanaged_id)
            if code is None or (code.retry_at is not None and code.retry_at > self.now):
                continue
            seen = self.fresh.get(code.position)
            if seen is None:
                self.reads[code.position] = None
            elif (
                wish.action_type is ActionType.DELETE_UNMANAGED
                and isinstance(seen, Holds)
                and seen.pin == code.pin
                and self._is_untried(code.unmanaged_access_code_id)
            ):
                self.steps.append(Clear(code.unmanaged_access_code_id, code.position))

    def _waits(self, code_id: str) -> bool:
        """Whether the code's back-off has not passed."""
        code = self.state.codes.get(code_id)
        return code is not None and code.retry_at is not None and code.retry_at > self.now

    def _may_try(self, code: AccessCode) -> bool:
        return self._is_untried(code.access_code_id) and not self._waits(code.access_code_id)

    def _is_untried(self, code_id: str) -> bool:
        """Each code is written or cleared once a visit at most."""
        return code_id not in self.state.attempted

    def placements(self) -> None:
        state, now = self.state, self.now
        wanted = [
            c
            for c in state.codes.values()
            if is_wanted(state, c, now) and (c.blocked is None or state.entry_of(c) is not None)
        ]
        if all(rests(state, c) for c in wanted):
            return
        wanted.sort(key=lambda c: rank(c, now))
        room = self._room()
        free = self._free_positions()
        giving_way = self._giving_way(wanted, room)
        for given in giving_way.values():
            self._give_back(given)
        homeless = 0
        for index, code in enumerate(wanted):
            entry = state.entry_of(code)
            if entry is not None:
                if code.access_code_id not in giving_way:
                    self._rewrite(code, entry)
            elif self._may_try(code) and not (index < room and self._place(code, free)):
                homeless += 1
                self._no_space(code, is_owed=index < room)
        last = next(reversed(giving_way.values()), None)
        if homeless and last is not None and last.position in state.ledger:
            self._remove(last)

    def _room(self) -> int:
        """How many codes of ours the lock can hold at once."""
        return self.state.device.capabilities.room - len(self.state.foreign)

    def _free_positions(self) -> Iterator[int]:
        """Positions that are neither ours nor known to be another's, lowest first."""
        capabilities = self.state.device.capabilities
        for position in range(capabilities.first_position, capabilities.last_position + 1):
            if position not in self.state.ledger and position not in self.state.foreign:
                yield position

    def _rewrite(self, code: AccessCode, entry: LedgerEntry) -> None:
        state = self.state
        if is_misplaced(state, entry, self.now) or self._waits(code.access_code_id):
            return
        if is_proven(state, code) and not needs_rename(state, code, entry):
            return
        seen = self.fresh.get(entry.position)
        if seen is None:
            self.reads[entry.position] = None
        elif (
            isinstance(seen, NotRead)
            or not self._is_untried(code.access_code_id)
            or self._refused_as_duplicate(code)
        ):
            return
        elif isinstance(seen, Occupied) and (entry.pin != code.pin or entry.earlier_pins):
            # Once written over, a lock that hides its PINs could not show which of them it holds.
            self.steps.append(Clear(code.access_code_id, entry.position))
        elif not (isinstance(seen, Empty) and entry.phase is Phase.CLEARING):
            # What is cleared and held yet waits for an earlier write that may still be applied.
            self._write(code, entry.position)

    def _place(self, code: AccessCode, free: Iterator[int]) -> bool:
        """Finds a position proven empty, or one to read; False when the lock is full."""
        if self._refused_as_duplicate(code):
            return True
        for position in free:
            seen = self.fresh.get(position)
            if seen is None:
                self.reads[position] = None
                return True
            if isinstance(seen, Empty):
                self._write(code, position)
                return True
        return any(p in self.state.tried for p in self._free_positions())

    def _refused_as_duplicate(self, code: AccessCode) -> bool:
        """Another hand's code with this PIN stands on the lock: writing ours would at best be
        refused, and removing ours later would not lock the PIN out."""
        other = self.state.pins_elsewhere(code)
        if other is None or not (other.window or Window()).overlaps(code.window):
            return False
        block_duplicate(
            self.state, code, self.now, {"unmanaged_access_code_id": other.unmanaged_access_code_id}
        )
        return True

    def _write(self, code: AccessCode, position: int) -> None:
        state = self.state
        self.steps.append(
            Write(
                code.access_code_id,
                code.generation,
                position,
                code.pin,
                lock_name(state, code),
                state.wanted_window(code),
            )
        )

    def _no_space(self, code: AccessCode, *, is_owed: bool) -> None:
        waiting = Problem(
            code="no_space_for_access_code_on_device",
            message="The lock has no free position for this code; it waits for one. Codes in "
            "force and those that start first go before it."
            if not is_owed
            else "The lock has no free position for this code; remove codes that are not needed.",
            created_at=self.now,
        )
        if not has(code.errors, waiting.code):
            self.state.set_code(code, errors=added(code.errors, waiting))
        scanned_at = self.state.device.scanned_at
        if scanned_at is not None and self.now - scanned_at >= self.policy.audit_interval:
            self.state.set_device(scanned_at=None)

    def _giving_way(self, wanted: list[AccessCode], room: int) -> dict[str, LedgerEntry]:
        """By code the positions that those which start later, and backup codes, give to codes that
        are owed one before them; the last is given first. None of them is written anew."""
        is_free = next(self._free_positions(), None) is not None
        if is_free or all(self.state.entry_of(code) is not None for code in wanted[:room]):
            return {}
        return {
            code.access_code_id: entry
            for code in wanted[room:]
            if code.pool is Pool.WAITING or not code.window.has_started(self.now)
            if (entry := self.state.entry_of(code)) is not None
        }

    def _give_back(self, entry: LedgerEntry) -> None:
        """Without a command where the lock holds nothing at the position."""
        seen = self.fresh.get(entry.position)
        if isinstance(seen, Empty):
            self.state.set_entry(msgspec.structs.replace(entry, phase=Phase.CLEARING))
            believe(self.state, {entry.position: seen}, self.now)

    def proofs(self) -> None:
        """Reads that renew a proof: of preloaded codes at their start, and the periodic audit."""
        state, now = self.state, self.now
        for code in state.codes.values():
            entry = state.entry_of(code)
            if (
                entry is not None
                and entry.position not in state.tried
                and is_proven(state, code)
                and code.window.has_started(now)
                and needs_fresh_proof(state, code, now, self.policy)
            ):
                self.reads[entry.position] = None
        if not self.reads and not self.steps:
            self._audit()

    def _audit(self) -> None:
        state = self.state
        if state.device.audit_at is None or state.device.audit_at > self.now or state.tried:
            return
        standing = [e for e in state.ledger.values() if e.phase is Phase.CONFIRMED]
        if standing:
            oldest = min(standing, key=lambda e: (e.confirmed_at or self.now, e.position))
            self.reads[oldest.position] = None
