"""Visits to a small lock, as pure functions make them: whatever is wished and however late or deaf
the lock is, no position is touched unread or twice at a time; and once the lock behaves, those that
come first are on it, and it is left alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from latchwork.domain.access_code import AccessCode, CodeStatus, Pool
from latchwork.domain.believe import LANDS_WITHIN, believe
from latchwork.domain.device import LockCapabilities
from latchwork.domain.lock_state import LockState
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.plan import Clear, Program, Read, Rest, Scan, Write, plan, rank
from latchwork.domain.reserve import reserve
from latchwork.domain.rest import note_failures, renew_audit
from latchwork.domain.settle import settle
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.wanted import is_wanted
from latchwork.domain.window import Window
from support.lock_views import HOUR, NOW, POLICY, code, device, foreign, state

MINUTE = timedelta(minutes=1)
STEP = timedelta(seconds=1)
LATE = LANDS_WITHIN - 5 * STEP
ROUNDS = 40


class Faults(msgspec.Struct, frozen=True):
    """Of the first commands: those that the lock ignores, and those that it applies late, with all
    that come before it has. Of the first reads of a position: those that fail."""

    ignored: frozenset[int] = frozenset()
    late: frozenset[int] = frozenset()
    unread: frozenset[int] = frozenset()


Stored = tuple[Pin, Window | None]


class Lock:
    """A keypad's memory. `hides`: reads tell that a position is taken, not by which PIN."""

    def __init__(self, others: Mapping[int, Pin], faults: Faults, *, hides: bool) -> None:
        self.others: dict[int, Stored] = {position: (pin, None) for position, pin in others.items()}
        self.held = dict(self.others)
        self.faults, self.hides = faults, hides
        self.commands = self.reads = 0
        self._pending: list[tuple[datetime, int, Stored | None]] = []

    def read(self, position: int, now: datetime) -> Observation:
        while self._pending and self._pending[0][0] <= now:
            _, at, late = self._pending.pop(0)
            self._apply(at, late)
        number, self.reads = self.reads, self.reads + 1
        if number in self.faults.unread:
            return NotRead()
        stored = self.held.get(position)
        if stored is None:
            return Empty()
        return Occupied(stored[1]) if self.hides else Holds(*stored)

    def command(self, position: int, what: Stored | None, now: datetime) -> None:
        number, self.commands = self.commands, self.commands + 1
        if number in self.faults.ignored:
            return
        if number in self.faults.late:
            self._pending.append((now + LATE, position, what))
        elif self._pending:
            self._pending.append((self._pending[-1][0], position, what))
        else:
            self._apply(position, what)

    def by_hand(self, position: int, pin: Pin | None, *, ours: bool) -> bool:
        """Not while a command of ours is under way, nor over a code of ours that could not be told
        from another: nobody could know."""
        if self._pending or (ours and pin is not None and self.hides):
            return False
        self.others.pop(position, None)
        if pin is not None:
            self.others[position] = pin, None
        self._apply(position, None if pin is None else (pin, None))
        return True

    def opens(self, pin: Pin, now: datetime) -> bool:
        return any(
            pin == held and (window is None or window.contains(now))
            for held, window in self.held.values()
        )

    def _apply(self, position: int, what: Stored | None) -> None:
        if what is None:
            self.held.pop(position, None)
        else:
            self.held[position] = what


class House:
    """What is stored of the lock between visits."""

    def __init__(self, lock: Lock, capabilities: LockCapabilities) -> None:
        self.lock = lock
        self.now = NOW
        self.device = device(
            capabilities=capabilities,
            scanned_at=NOW,
            audit_at=NOW + 24 * HOUR,
        )
        self.codes: dict[str, AccessCode] = {}
        self._pins = count(1000)
        self._told = set[int]()
        """Where other hands were, until that is read."""
        self.ledger: tuple[LedgerEntry, ...] = ()
        self.foreign: tuple[ForeignCode, ...] = tuple(
            foreign(position, None if lock.hides else pin.reveal())
            for position, (pin, _) in lock.others.items()
        )

    def do(self, act: "Act") -> None:
        """What a caller asks for, or time that passes."""
        match act:
            case Wish(starts_in, pool):
                pin = str(next(self._pins))
                starts_at = None if starts_in is None else self.now + starts_in
                ends_at = None if starts_in is None else self.now + 9 * HOUR
                self.codes[pin] = code(
                    pin,
                    access_code_id=pin,
                    created_at=self.now,
                    starts_at=starts_at,
                    ends_at=ends_at,
                    pool=pool,
                )
            case Wait(span):
                self.now += span
            case Hand(position, writes) if position <= self.device.capabilities.positions:
                ours = any(entry.position == position for entry in self.ledger)
                pin = Pin(f"{9100 + self.lock.commands}") if writes else None
                if self.lock.by_hand(position, pin, ours=ours):
                    self._told.add(position)
            case Remove(which) if one := self._any(which):
                self._change(one, delete_requested_at=self.now)
            case NewPin(which) if one := self._any(which):
                self._change(one, pin=Pin(str(next(self._pins))))
            case Move(which, by) if (one := self._any(which)) and one.starts_at and one.ends_at:
                self._change(one, starts_at=one.starts_at + by, ends_at=one.ends_at + by)

    def _any(self, which: int) -> AccessCode | None:
        standing = [one for one in self.codes.values() if not one.is_leaving(self.now)]
        return standing[which % len(standing)] if standing else None

    def _change(self, one: AccessCode, **fields: Any) -> None:
        self.codes[one.access_code_id] = msgspec.structs.replace(
            one, generation=one.generation + 1, changed_at=self.now, **fields
        )

    def _state(self) -> LockState:
        return state(*self.codes.values(), ledger=self.ledger, others=self.foreign, on=self.device)

    def visit(self) -> None:
        known = self._state()
        fresh: dict[int, Observation] = {}
        for position in sorted(self._told):
            self._read(known, fresh, Read((position,)))
            if not isinstance(fresh[position], NotRead):
                self._told.discard(position)
        for _ in range(ROUNDS):
            settle(known, self.now, POLICY)
            step = plan(known, fresh, self.now, POLICY)
            if isinstance(step, Rest):
                break
            if isinstance(step, Read):
                self._read(known, fresh, step)
            elif isinstance(step, Scan):
                known.set_device(scanned_at=self.now)
            else:
                self._do(known, fresh, step)
        else:
            raise AssertionError("the visit does not end")
        note_failures(known, self.now, POLICY, 0.5)
        renew_audit(known, self.now, POLICY, 0.5)
        self.device = known.device
        self.codes = {i: one for i, one in known.codes.items() if one.deleted_at is None}
        self.ledger, self.foreign = tuple(known.ledger.values()), tuple(known.foreign.values())
        self._nothing_is_claimed_in_vain()

    def _read(self, known: LockState, fresh: dict[int, Observation], step: Read) -> None:
        self.now += STEP
        known.tried.update(step.positions)
        seen = {position: self.lock.read(position, self.now) for position in step.positions}
        fresh.update(seen)
        believe(known, seen, self.now)

    def _do(self, known: LockState, fresh: dict[int, Observation], step: Program) -> None:
        positions = [one.position for one in step.steps]
        assert len(set(positions)) == len(positions), f"twice at a position: {step.steps}"
        for one in step.steps:
            assert not isinstance(fresh.get(one.position, NotRead()), NotRead), "touched unread"
            assert one.position not in self.lock.others, "another's position"
            if isinstance(one, Clear):
                assert one.position in known.ledger, "not ours"
            reserve(known, one)
        settle(known, self.now, POLICY)
        for one in step.steps:
            self.now += STEP
            known.attempted.add(one.access_code_id)
            what = (one.pin, one.window) if isinstance(one, Write) else None
            self.lock.command(one.position, what, self.now)
            entry = known.ledger[one.position]
            if isinstance(one, Write):
                known.set_entry(
                    msgspec.structs.replace(entry, phase=Phase.ACKNOWLEDGED, written_at=self.now)
                )
            del fresh[one.position]

    def _nothing_is_claimed_in_vain(self) -> None:
        for one in self.codes.values():
            if one.status is CodeStatus.SET and not self._told:
                assert self.lock.opens(one.pin, self.now), "set, and does not open"

    def come_to_rest(self) -> None:
        """Until nothing has been asked of the lock for half an hour."""
        quiet = visits = 0
        while quiet < 30:
            self.now += MINUTE
            before = self.lock.reads + self.lock.commands
            self.visit()
            quiet = quiet + 1 if self.lock.reads + self.lock.commands == before else 0
            visits += 1
            assert visits < 1000, "the lock is never left alone"

    def in_line(self) -> list[AccessCode]:
        """The codes that shall be on the lock, in the order in which they get a position."""
        known = self._state()
        wanted = [one for one in self.codes.values() if is_wanted(known, one, self.now)]
        return sorted(wanted, key=lambda one: rank(one, self.now))


class Wish(msgspec.Struct, frozen=True):
    starts_in: timedelta | None
    pool: Pool | None


class Remove(msgspec.Struct, frozen=True):
    which: int


class NewPin(msgspec.Struct, frozen=True):
    which: int


class Move(msgspec.Struct, frozen=True):
    """A stay to earlier or later."""

    which: int
    by: timedelta


class Wait(msgspec.Struct, frozen=True):
    span: timedelta


class Hand(msgspec.Struct, frozen=True):
    """Another person at the keypad, and the lock tells of it."""

    position: int
    writes: bool


Act = Wish | Remove | NewPin | Move | Wait | Hand
SPANS = st.sampled_from([None, -HOUR, 10 * MINUTE, 50 * MINUTE, 3 * HOUR])
WISHES = st.builds(Wish, SPANS, st.sampled_from([None, None, None, Pool.WAITING]))
ACTS = st.one_of(
    WISHES,
    WISHES,
    st.builds(Remove, st.integers(0, 5)),
    st.builds(NewPin, st.integers(0, 5)),
    st.builds(Move, st.integers(0, 5), st.sampled_from([-HOUR, 30 * MINUTE, 5 * HOUR])),
    st.builds(Wait, st.sampled_from([5 * STEP, 40 * STEP, 15 * MINUTE, 4 * HOUR])),
    st.builds(Hand, st.integers(1, 4), st.booleans()),
)
FAULTS = st.builds(
    Faults,
    ignored=st.frozensets(st.integers(0, 20), max_size=5),
    late=st.frozensets(st.integers(0, 20), max_size=5),
    unread=st.frozensets(st.integers(0, 40), max_size=9),
)


@settings(max_examples=1000)
@given(
    acts=st.lists(ACTS, min_size=1, max_size=10),
    positions=st.integers(1, 4),
    others=st.sets(st.integers(1, 4), max_size=2),
    faults=FAULTS,
    hides=st.booleans(),
    schedules=st.booleans(),
)
def test_a_small_lock_comes_to_rest_with_those_that_come_first(
    acts: list[Act],
    positions: int,
    others: set[int],
    faults: Faults,
    hides: bool,
    schedules: bool,
) -> None:
    taken = {p: Pin(f"{9000 + p}") for p in others if p <= positions}
    lock = Lock(taken, faults, hides=hides)
    house = House(lock, LockCapabilities(positions=positions, native_scheduling=schedules))
    for act in acts:
        house.do(act)
        house.visit()
    house.come_to_rest()
    ours = {p: stored for p, stored in lock.held.items() if p not in lock.others}
    assert lock.held.items() >= lock.others.items(), "another's code was touched"
    assert ours == {entry.position: (entry.pin, entry.window) for entry in house.ledger}
    line, room = house.in_line(), positions - len(lock.others)
    on = {entry.access_code_id for entry in house.ledger if entry.phase is Phase.CONFIRMED}
    assert len(on) == min(len(line), room)
    for one in line[room:]:
        if one.access_code_id in on:
            gives_way = one.pool is not None or not one.window.has_started(house.now)
            assert not gives_way, one
