"""The next step, case by case."""

from typing import Any

import pytest

from latchwork.domain.access_code import Blocked, CodeStatus
from latchwork.domain.device import LockCapabilities
from latchwork.domain.observation import Empty, Holds, NotRead, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.plan import Clear, Program, Read, Rest, Scan, Write, plan
from latchwork.domain.problem import Problem
from latchwork.domain.rest import next_due, note_failures, renew_audit
from latchwork.domain.settle import settle
from latchwork.domain.slots import Phase
from support.lock_views import (
    HOUR,
    NOW,
    POLICY,
    account,
    code,
    device,
    entry,
    foreign,
    state,
)

NATIVE = LockCapabilities(positions=5, native_scheduling=True)


def step(lock: Any, fresh: Any = None, at: Any = NOW) -> Any:
    settle(lock, at, POLICY)
    return plan(lock, fresh or {}, at, POLICY)


def test_a_new_code_reads_its_position_first() -> None:
    assert step(state(code())) == Read((1,))


def test_a_proven_empty_position_is_written() -> None:
    planned = step(state(code()), {1: Empty()})
    assert isinstance(planned, Program)
    [write] = planned.steps
    assert isinstance(write, Write)
    assert (write.position, write.pin, write.window) == (1, Pin("4711"), None)


def test_a_taken_position_is_passed_over() -> None:
    lock = state(code(), others=(foreign(1),))
    assert step(lock) == Read((2,))


def test_native_schedules_are_preloaded_72_hours_ahead_with_their_window() -> None:
    start = NOW + 72 * HOUR
    wish = code(starts_at=start, ends_at=start + HOUR)
    lock = state(wish, on=device(capabilities=NATIVE))
    assert isinstance(step(lock, at=NOW - HOUR), Rest)
    planned = step(lock, {1: Empty()})
    assert planned.steps[0].window == wish.window


def test_just_in_time_waits_for_its_lead() -> None:
    start = NOW + HOUR
    wish = code(starts_at=start, ends_at=start + HOUR)
    lock = state(wish)
    assert step(lock, at=NOW - HOUR) == Rest()
    assert next_due(lock, NOW - HOUR, POLICY) == NOW
    assert step(state(wish)) == Read((1,))


def test_prefer_native_scheduling_false_is_honoured() -> None:
    start = NOW + 5 * HOUR
    wish = code(starts_at=start, ends_at=start + HOUR, prefer_native_scheduling=False)
    assert isinstance(step(state(wish, on=device(capabilities=NATIVE))), Rest)


def test_a_leaving_code_is_read_then_cleared() -> None:
    lock = state(
        code(delete_requested_at=NOW), ledger=(entry(phase=Phase.CONFIRMED, written_at=NOW),)
    )
    assert step(lock) == Read((1,))
    planned = step(lock, {1: Holds(Pin("4711"))})
    assert planned == Program((Clear("code", 1),))


def test_a_masked_position_of_ours_is_cleared() -> None:
    lock = state(
        code(delete_requested_at=NOW), ledger=(entry(phase=Phase.CONFIRMED, written_at=NOW),)
    )
    assert step(lock, {1: Occupied()}) == Program((Clear("code", 1),))


def test_an_unreadable_position_is_neither_written_nor_cleared() -> None:
    leaving = code(delete_requested_at=NOW)
    lock = state(leaving, ledger=(entry(phase=Phase.CONFIRMED, written_at=NOW),))
    assert isinstance(step(lock, {1: NotRead()}), Rest)


def test_each_code_is_written_once_a_visit_then_backs_off() -> None:
    lock = state(code(), ledger=(entry(phase=Phase.RESERVED, written_at=NOW),))
    lock.attempted.add("code")
    assert isinstance(step(lock, {1: Empty()}), Rest)
    note_failures(lock, NOW, POLICY, 0.5)
    wish = lock.codes["code"]
    assert wish.failures == 1
    assert wish.retry_at == NOW + POLICY.code_backoff


def test_a_code_that_found_room_at_last_is_looked_at_again() -> None:
    full = Problem("no_space_for_access_code_on_device", "The lock was full.", NOW)
    placed = entry(phase=Phase.ACKNOWLEDGED, written_at=NOW)
    lock = state(code(errors=(full,)), ledger=(placed,))
    note_failures(lock, NOW, POLICY, 0.5)
    assert lock.codes["code"].retry_at is not None
    homeless = state(code(errors=(full,)))
    note_failures(homeless, NOW, POLICY, 0.5)
    assert homeless.codes["code"].retry_at is None


def test_pain_4_a_foreign_duplicate_is_told_without_any_write() -> None:
    lock = state(code(), others=(foreign(3, "4711"),))
    planned = step(lock, {1: Empty()})
    assert isinstance(planned, Rest)
    wish = lock.codes["code"]
    assert wish.blocked is Blocked.DUPLICATE
    duplicate = next(e for e in wish.errors if e.code == "duplicate_code_on_device")
    assert duplicate.detail == {"unmanaged_access_code_id": "foreign-3"}


def test_pain_12_scarce_positions_go_to_active_codes_then_to_the_nearest_start() -> None:
    tight = device(capabilities=LockCapabilities(positions=2, native_scheduling=True))
    codes = [
        code(
            str(1000 + n), access_code_id=f"c{n}", starts_at=NOW + n * HOUR, ends_at=NOW + 99 * HOUR
        )
        for n in (3, 1, 2)
    ]
    lock = state(*codes, on=tight)
    planned = step(lock, {1: Empty(), 2: Empty()})
    assert [w.access_code_id for w in planned.steps] == ["c1", "c2"]
    assert [e.code for e in lock.codes["c3"].errors] == ["no_space_for_access_code_on_device"]
    assert lock.codes["c3"].status is CodeStatus.UNSET


def test_a_code_of_a_later_start_makes_room() -> None:
    tight = device(capabilities=LockCapabilities(positions=1, native_scheduling=True))
    later = code("2222", access_code_id="later", starts_at=NOW + 9 * HOUR, ends_at=NOW + 99 * HOUR)
    held = entry(pin="2222", access_code_id="later", phase=Phase.CONFIRMED, window=later.window)
    soon = code("1111", access_code_id="soon", starts_at=NOW, ends_at=NOW + HOUR)
    lock = state(later, soon, ledger=(held,), on=tight)
    assert step(lock) == Read((1,))
    planned = step(lock, {1: Holds(Pin("2222"), later.window)})
    assert planned == Program((Clear("later", 1),))


def test_a_code_that_makes_room_is_not_written_anew_meanwhile() -> None:
    tight = device(capabilities=LockCapabilities(positions=1))
    later = code("2222", access_code_id="later", starts_at=NOW + HOUR / 2, ends_at=NOW + HOUR)
    held = entry(pin="2222", access_code_id="later", phase=Phase.ACKNOWLEDGED, written_at=NOW)
    soon = code("1111", access_code_id="soon")
    lock = state(later, soon, ledger=(held,), on=tight)
    assert step(lock) == Read((1,))
    assert step(lock, {1: Holds(Pin("2222"))}) == Program((Clear("later", 1),))


def test_what_holds_nothing_of_a_code_that_makes_room_is_given_on_at_once() -> None:
    tight = device(capabilities=LockCapabilities(positions=1))
    later = code("2222", access_code_id="later", starts_at=NOW + HOUR / 2, ends_at=NOW + HOUR)
    written_at = NOW - HOUR
    held = entry(pin="2222", access_code_id="later", written_at=written_at)
    lock = state(later, code("1111", access_code_id="soon"), ledger=(held,), on=tight)
    planned = step(lock, {1: Empty()})
    assert [(w.access_code_id, w.position) for w in planned.steps] == [("soon", 1)]


def test_a_position_of_a_code_that_was_moved_ahead_is_given_back_when_nothing_is_on_it() -> None:
    moved = code(starts_at=NOW + 4 * HOUR, ends_at=NOW + 9 * HOUR)
    written_at = NOW - HOUR
    lock = state(moved, ledger=(entry(phase=Phase.ACKNOWLEDGED, written_at=written_at),))
    assert step(lock) == Read((1,))
    assert isinstance(step(lock, {1: Empty()}), Rest)
    assert lock.ledger == {}


def test_nothing_is_made_room_for_while_a_position_is_free() -> None:
    tight = device(capabilities=LockCapabilities(positions=2))
    later = code("2222", access_code_id="later", starts_at=NOW + HOUR / 2, ends_at=NOW + HOUR)
    held = entry(pin="2222", access_code_id="later", phase=Phase.RESERVED, written_at=NOW)
    failing = [
        code(pin, access_code_id=pin, failures=9, retry_at=NOW + HOUR) for pin in ("1111", "3333")
    ]
    lock = state(later, *failing, ledger=(held,), on=tight)
    assert [w.access_code_id for w in step(lock, {1: Empty()}).steps] == ["later"]
    lock = state(later, *failing, ledger=(held,), others=(foreign(2, "9999"),), on=tight)
    assert isinstance(step(lock, {1: Empty()}), Rest), "the only position is owed to another"


def test_a_code_without_a_start_is_due_by_a_clock_that_was_set_back() -> None:
    lock = state(code(created_at=NOW + HOUR))
    assert isinstance(step(lock, {1: Empty()}), Program)
    standing = entry(phase=Phase.CONFIRMED, confirmed_pin=Pin("4711"))
    lock = state(code(created_at=NOW + HOUR), ledger=(standing,))
    assert isinstance(step(lock, {1: Holds(Pin("4711"))}), Rest)


def test_no_radio_while_the_account_is_down_or_the_back_off_runs() -> None:
    assert isinstance(step(state(code(), via=account(connected=False))), Rest)
    waiting = state(code(created_at=NOW), on=device(retry_at=NOW + HOUR))
    assert isinstance(step(waiting), Rest)


def test_a_moved_just_in_time_code_leaves_the_lock_until_its_new_lead() -> None:
    start = NOW + 99 * HOUR
    moved = code(starts_at=start, ends_at=start + HOUR, generation=2)
    lock = state(moved, ledger=(entry(phase=Phase.CONFIRMED, confirmed_pin=Pin("4711")),))
    assert step(lock) == Read((1,))
    assert step(lock, {1: Holds(Pin("4711"))}) == Program((Clear("code", 1),))


def test_a_found_lock_is_scanned_once_after_what_is_urgent() -> None:
    lock = state(code(), on=device(scanned_at=None))
    assert step(lock) == Read((1,))
    idle = state(on=device(scanned_at=None))
    assert step(idle) == Scan()


def test_the_audit_reads_the_oldest_proof_alone() -> None:
    ledger = tuple(
        entry(
            position=n,
            pin=str(1000 + n),
            access_code_id=f"c{n}",
            phase=Phase.CONFIRMED,
            confirmed_pin=Pin(str(1000 + n)),
            confirmed_at=NOW - n * HOUR,
        )
        for n in (1, 2, 3)
    )
    codes = [code(str(1000 + n), access_code_id=f"c{n}", status=CodeStatus.SET) for n in (1, 2, 3)]
    lock = state(*codes, ledger=ledger, on=device(audit_at=NOW))
    assert step(lock) == Read((3,))
    lock.tried.add(3)
    assert isinstance(step(lock), Rest)


@pytest.mark.parametrize(("cost", "at_once"), [(0, 16), (1, 4), (2, 2), (3, 1), (9, 1)])
def test_one_read_takes_few_radio_operations_for_a_door_may_wait_for_it(
    cost: int, at_once: int
) -> None:
    capabilities = LockCapabilities(positions=30, read_cost=cost)
    codes = [code(str(1000 + n), access_code_id=f"c{n}") for n in range(20)]
    planned = step(state(*codes, on=device(capabilities=capabilities, scanned_at=NOW)))
    assert isinstance(planned, Read)
    assert len(planned.positions) == at_once


@pytest.mark.parametrize("cost", [1, 2, 3])
def test_pain_9_audits_are_the_rarer_the_more_a_read_costs(cost: int) -> None:
    capabilities = LockCapabilities(positions=5, read_cost=cost)
    lock = state(on=device(audit_at=NOW, capabilities=capabilities))
    renew_audit(lock, NOW, POLICY, 0.0)
    assert lock.device.audit_at is not None
    assert cost * 24 * HOUR / (lock.device.audit_at - NOW) == 4
