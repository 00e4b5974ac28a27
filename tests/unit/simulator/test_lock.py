"""A simulated lock's own rules, its keypad and its faults."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from latchwork.domain.device import CodeConstraint, LockCapabilities, Reads
from latchwork.domain.errors import (
    Conflict,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.domain.observation import Empty, Holds, NotRead, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.simulator import faults
from latchwork.drivers.simulator.faults import NAMES, Faults, set_fault
from latchwork.drivers.simulator.lock import SimulatedLock

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PIN, OTHER = Pin("4711"), Pin("8080")


def a_lock(faults_: dict[str, Any] | None = None, **capabilities: Any) -> SimulatedLock:
    return SimulatedLock("front", LockCapabilities(**capabilities), faults.made(faults_ or {}))


def write(
    lock: SimulatedLock,
    position: int = 1,
    pin: Pin = PIN,
    window: Window | None = None,
    now: datetime = NOW,
) -> None:
    lock.write(position, pin, "Guest", window, now)


def seen(lock: SimulatedLock, position: int = 1, now: datetime = NOW) -> object:
    return lock.read([position], now)[position]


def test_written_pin_is_read_and_opens_until_it_is_cleared() -> None:
    lock = a_lock()
    assert seen(lock) == Empty()
    write(lock)
    assert seen(lock) == Holds(PIN)
    assert lock.opens(PIN, NOW)
    assert not lock.opens(OTHER, NOW)
    lock.clear(1, NOW)
    assert seen(lock) == Empty()
    assert not lock.opens(PIN, NOW)
    lock.clear(1, NOW)


def test_radio_is_counted_by_kind_and_by_position_read() -> None:
    lock = a_lock(positions=5)
    write(lock)
    lock.read([1, 2, 3], NOW)
    lock.scan(NOW)
    lock.clear(1, NOW)
    lock.move_bolt(NOW, locked=False)
    lock.probe(NOW)
    assert msgspec.structs.asdict(lock.radio) == {
        "read": 8,
        "write": 1,
        "clear": 1,
        "bolt": 1,
        "probe": 1,
    }
    assert lock.radio.total == 12


def test_keypad_honours_the_window_by_the_locks_own_clock() -> None:
    lock = a_lock(native_scheduling=True)
    window = Window(NOW, NOW + 60 * SECOND)
    write(lock, window=window)
    assert seen(lock) == Holds(PIN, window)
    assert not lock.opens(PIN, NOW - SECOND)
    assert lock.opens(PIN, NOW)
    assert not lock.opens(PIN, NOW + 60 * SECOND)
    set_fault(lock.faults, "clock_skew", 10)
    assert lock.opens(PIN, NOW - SECOND)
    assert not lock.opens(PIN, NOW + 55 * SECOND)


def test_window_of_none_removes_the_schedule() -> None:
    lock = a_lock(native_scheduling=True)
    write(lock, window=Window(NOW, NOW + SECOND))
    write(lock)
    assert seen(lock) == Holds(PIN, None)
    assert lock.opens(PIN, NOW + 60 * SECOND)


def test_window_on_a_lock_without_schedules_is_unsupported() -> None:
    lock = a_lock()
    with pytest.raises(Unsupported):
        write(lock, window=Window(NOW))
    assert seen(lock) == Empty()


def test_name_is_kept_as_long_as_the_lock_takes_it() -> None:
    lock = a_lock(name_max_length=3)
    write(lock)
    assert lock.codes[1].name == "Gue"
    unnamed = a_lock()
    write(unnamed)
    assert unnamed.codes[1].name is None


def test_duplicate_names_the_position_that_holds_it() -> None:
    lock = a_lock(refuses_duplicates=True)
    write(lock)
    write(lock)
    with pytest.raises(Conflict) as refusal:
        write(lock, 2)
    assert refusal.value.position == 1
    assert seen(lock, 2) == Empty()
    indifferent = a_lock()
    write(indifferent)
    write(indifferent, 2)


@pytest.mark.parametrize(
    ("pin", "rule"),
    [
        ("123", "supported_code_lengths"),
        ("12a4", "supported_characters"),
        ("1203", "no_zeros"),
        ("1222", "cannot_start_with_12"),
    ],
)
def test_pin_that_breaks_a_rule_is_rejected_without_being_shown(pin: str, rule: str) -> None:
    rules = (CodeConstraint("no_zeros"), CodeConstraint("cannot_start_with_12"))
    lock = a_lock(constraints=rules)
    with pytest.raises(Rejected) as refusal:
        write(lock, pin=Pin(pin))
    assert refusal.value.rule == rule
    assert pin not in str(refusal.value)


def test_first_four_digits_are_compared_with_the_other_positions_only() -> None:
    lock = a_lock(constraints=(CodeConstraint("unique_first_four_digits"),))
    write(lock, pin=Pin("47110"))
    write(lock, pin=Pin("47111"))
    with pytest.raises(Rejected) as refusal:
        write(lock, 2, pin=Pin("47112"))
    assert refusal.value.rule == "unique_first_four_digits"


@pytest.mark.parametrize("position", [0, 6])
def test_position_that_is_not_there_is_rejected(position: int) -> None:
    lock = a_lock(positions=5)
    with pytest.raises(Rejected) as refusal:
        write(lock, position)
    assert refusal.value.rule == "position"
    with pytest.raises(Rejected):
        lock.clear(position, NOW)
    assert isinstance(seen(lock, position), NotRead)


def test_lock_that_is_full_takes_changes_but_no_further_code() -> None:
    lock = a_lock(max_active_codes=1)
    write(lock)
    write(lock, pin=OTHER)
    with pytest.raises(Rejected) as refusal:
        write(lock, 2)
    assert refusal.value.rule == "full"
    faulty = a_lock({"full": True})
    with pytest.raises(Rejected):
        write(faulty)


def test_answer_that_is_dropped_leaves_the_code_on_the_lock() -> None:
    lock = a_lock({"drop_answer": 2})
    with pytest.raises(RetryLater):
        write(lock)
    assert lock.opens(PIN, NOW)
    with pytest.raises(RetryLater):
        lock.clear(1, NOW)
    assert not lock.opens(PIN, NOW)
    write(lock)


def test_ignored_writes_are_acknowledged_and_counted_down() -> None:
    lock = a_lock({"ignore_writes": 1})
    write(lock)
    assert seen(lock) == Empty()
    write(lock)
    assert seen(lock) == Holds(PIN)


def test_ignored_clears_stand_for_ever_at_minus_one() -> None:
    lock = a_lock({"ignore_clears": -1})
    write(lock)
    for _ in range(5):
        lock.clear(1, NOW)
    assert lock.opens(PIN, NOW)


def test_masked_pins_are_occupied() -> None:
    assert seen_after_write(a_lock({"mask_pins": True})) == Occupied()
    assert seen_after_write(a_lock(reads=Reads.OCCUPANCY)) == Occupied()
    assert seen_after_write(a_lock(reads=Reads.OCCUPANCY, native_scheduling=True)) == Occupied(None)
    assert isinstance(seen_after_write(a_lock(reads=Reads.NOTHING)), NotRead)


def seen_after_write(lock: SimulatedLock) -> object:
    write(lock)
    return seen(lock)


def test_unread_positions_bring_nothing_as_often_as_told() -> None:
    lock = a_lock({"unread": 1})
    read = lock.read([1, 2], NOW)
    assert isinstance(read[1], NotRead)
    assert read[2] == Empty()


def test_stale_reads_tell_what_stood_there_before() -> None:
    lock = a_lock({"stale_reads": 10})
    write(lock)
    assert seen(lock) == Empty()
    assert lock.opens(PIN, NOW)
    assert seen(lock, now=NOW + 9 * SECOND) == Empty()
    assert seen(lock, now=NOW + 10 * SECOND) == Holds(PIN)


def test_late_changes_take_effect_in_their_order() -> None:
    lock = a_lock({"late_apply": 5})
    write(lock)
    write(lock, pin=OTHER, now=NOW + SECOND)
    assert seen(lock, now=NOW + 4 * SECOND) == Empty()
    assert seen(lock, now=NOW + 5 * SECOND) == Holds(PIN)
    assert lock.opens(OTHER, NOW + 6 * SECOND)
    assert not lock.opens(PIN, NOW + 6 * SECOND)


def test_late_changes_take_effect_in_their_order_when_nobody_looks_in_between() -> None:
    lock = a_lock({"late_apply": 5})
    for seconds, pin in enumerate((OTHER, PIN, OTHER, PIN)):
        write(lock, pin=pin, now=NOW + seconds * SECOND)
    assert seen(lock, now=NOW + 60 * SECOND) == Holds(PIN)


def test_calls_that_fail_next_do_nothing() -> None:
    lock = a_lock({"fail_next": 1})
    with pytest.raises(RetryLater):
        write(lock)
    assert seen(lock) == Empty()


def test_every_so_manieth_call_fails() -> None:
    lock = a_lock({"fail_every": 3})
    outcomes = [lock.probe(NOW) for _ in range(6)]
    assert outcomes == [True, True, False, True, True, False]


def test_every_so_manieth_answer_is_dropped() -> None:
    lock = a_lock({"drop_every": 2})
    write(lock)
    with pytest.raises(RetryLater):
        write(lock, 2)
    assert seen(lock, 2) == Holds(PIN)


@pytest.mark.parametrize("fault", ["offline", "hub_offline"])
def test_lock_out_of_reach_answers_nothing_and_its_keypad_goes_on(fault: str) -> None:
    lock = a_lock()
    write(lock)
    set_fault(lock.faults, fault, value=True)
    for call in (
        lambda: seen(lock),
        lambda: write(lock, 2),
        lambda: lock.clear(1, NOW),
        lambda: lock.move_bolt(NOW, locked=False),
    ):
        with pytest.raises(RetryLater):
            call()
    assert not lock.probe(NOW)
    assert lock.opens(PIN, NOW)
    assert lock.locked


def test_flapping_lock_is_out_for_its_share_of_each_period() -> None:
    lock = a_lock({"flapping": {"period": 10, "share": 0.3}})
    answers = [lock.probe(NOW + n * SECOND) for n in range(20)]
    assert answers == ([False] * 3 + [True] * 7) * 2


def test_expired_subscription_needs_a_person() -> None:
    lock = a_lock({"subscription_expired": True})
    with pytest.raises(NeedsAttention):
        seen(lock)


def test_bolt_that_cannot_be_thrown_is_unsupported() -> None:
    lock = a_lock(can_lock=False)
    with pytest.raises(Unsupported):
        lock.move_bolt(NOW, locked=True)
    lock.move_bolt(NOW, locked=False)
    assert not lock.locked


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delay", "long"),
        ("delay", -1),
        ("delay", True),
        ("drop_answer", 1.5),
        ("drop_answer", -2),
        ("fail_every", -1),
        ("offline", 1),
        ("flapping", {"period": 0}),
        ("flapping", {"period": 5, "share": 2}),
        ("flapping", 5),
        ("full", None),
    ],
)
def test_value_that_is_none_for_the_fault_is_rejected(name: str, value: object) -> None:
    with pytest.raises(Rejected) as refusal:
        set_fault(Faults(), name, value)
    assert refusal.value.rule == "value"


def test_unknown_fault_is_rejected_and_every_known_one_is_listed() -> None:
    with pytest.raises(Rejected) as refusal:
        set_fault(Faults(), "fire", value=True)
    assert refusal.value.rule == "name"
    assert set(NAMES) == set(Faults.__struct_fields__)
