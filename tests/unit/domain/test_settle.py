"""Status from beliefs and time: who is set, who is late, who is gone."""

from datetime import timedelta
from typing import Any

from latchwork.domain import problem
from latchwork.domain.access_code import CodeStatus, Evidence, EvidenceKind
from latchwork.domain.device import LockCapabilities
from latchwork.domain.pin import Pin
from latchwork.domain.plan import Clear
from latchwork.domain.problem import Problem
from latchwork.domain.reserve import reserve
from latchwork.domain.settle import settle
from latchwork.domain.slots import Phase
from latchwork.domain.window import Window
from support.lock_views import HOUR, NOW, POLICY, account, code, device, entry, state, told

MINUTE = timedelta(minutes=1)
NATIVE = LockCapabilities(positions=5, native_scheduling=True)


def proof(minutes_old: int = 0) -> Evidence:
    return Evidence(EvidenceKind.READ_BACK, 1, 1, NOW - minutes_old * MINUTE)


def proven(**fields: Any) -> Any:
    return entry(phase=Phase.CONFIRMED, confirmed_pin=Pin("4711"), **fields)


def test_a_proven_code_is_set_once() -> None:
    lock = state(code(evidence=proof()), ledger=(proven(),))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SET
    assert told(lock) == ["access_code.set_on_device"]
    settle(lock, NOW, POLICY)
    assert told(lock) == []


def test_what_was_set_between_two_write_backs_alone_is_not_told() -> None:
    tight = device(capabilities=LockCapabilities(positions=1))
    starts_at = NOW + HOUR / 2
    wish = code(starts_at=starts_at, ends_at=NOW + HOUR, evidence=proof())
    lock = state(wish, ledger=(proven(),), on=tight)
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SET
    reserve(lock, Clear("code", 1))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SETTING
    assert told(lock) == []


def test_an_acknowledged_code_is_not_set() -> None:
    lock = state(code(created_at=NOW), ledger=(entry(phase=Phase.ACKNOWLEDGED),))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SETTING


def test_preloaded_stays_unset_until_its_start_then_is_set() -> None:
    window = Window(NOW + HOUR, NOW + 3 * HOUR)
    wish = code(starts_at=window.starts_at, ends_at=window.ends_at, evidence=proof())
    lock = state(wish, ledger=(proven(window=window),), on=device(capabilities=NATIVE))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.UNSET
    assert lock.codes["code"].scheduled_on_device
    assert told(lock) == ["access_code.scheduled_on_device"]
    settle(lock, NOW + HOUR, POLICY)
    assert lock.codes["code"].status is CodeStatus.SET
    assert told(lock) == ["access_code.set_on_device"]


def test_an_old_proof_is_renewed_before_a_preloaded_code_becomes_set() -> None:
    window = Window(NOW, NOW + 3 * HOUR)
    wish = code(
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        evidence=proof(minutes_old=71 * 60),
        scheduled_on_device=True,
    )
    lock = state(wish, ledger=(proven(window=window),), on=device(capabilities=NATIVE))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.UNSET
    lock.tried.add(1)
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SET


def test_late_at_the_start_when_wished_in_good_time() -> None:
    wish = code(starts_at=NOW, ends_at=NOW + HOUR)
    lock = state(wish)
    settle(lock, NOW - MINUTE, POLICY)
    assert lock.codes["code"].status is CodeStatus.SETTING
    assert not lock.codes["code"].warnings
    settle(lock, NOW, POLICY)
    assert [w.code for w in lock.codes["code"].warnings] == ["delay_in_setting_on_device"]
    assert told(lock) == ["access_code.delay_in_setting_on_device"]


def test_a_late_wish_gets_a_grace() -> None:
    lock = state(code(created_at=NOW))
    settle(lock, NOW + POLICY.delay_after - MINUTE, POLICY)
    assert not lock.codes["code"].warnings
    settle(lock, NOW + POLICY.delay_after, POLICY)
    assert lock.codes["code"].warnings


def test_failure_is_told_once_after_the_deadline_and_both_clear_on_success() -> None:
    lock = state(code(created_at=NOW))
    late = NOW + POLICY.delay_after + POLICY.failure_deadline
    settle(lock, late, POLICY)
    settle(lock, late + MINUTE, POLICY)
    assert told(lock) == [
        "access_code.delay_in_setting_on_device",
        "access_code.failed_to_set_on_device",
    ]
    assert problem.has(lock.codes["code"].errors, "failed_to_set_on_device")
    lock.set_entry(proven())
    lock.set_code(lock.codes["code"], evidence=proof())
    settle(lock, late + 2 * MINUTE, POLICY)
    assert lock.codes["code"].errors == ()
    assert lock.codes["code"].warnings == ()
    assert lock.codes["code"].status is CodeStatus.SET


def test_the_delay_names_a_disconnected_lock() -> None:
    lock = state(code(created_at=NOW), on=device(online=False))
    settle(lock, NOW + POLICY.delay_after, POLICY)
    assert "disconnected" in lock.codes["code"].warnings[0].message


def test_a_low_battery_shows_on_a_code_being_set() -> None:
    low = device(warnings=(Problem("accessory_keypad_low_battery", "low", NOW),))
    lock = state(code(created_at=NOW), on=low)
    settle(lock, NOW, POLICY)
    [warning] = lock.codes["code"].warnings
    assert warning.code == "unknown_issue_with_access_code"
    assert "battery" in warning.message


def test_an_extended_stay_stays_set_while_its_window_is_rewritten() -> None:
    old = Window(NOW - HOUR, NOW + HOUR)
    wish = code(
        starts_at=old.starts_at,
        ends_at=NOW + 9 * HOUR,
        status=CodeStatus.SET,
        evidence=proof(),
        generation=2,
    )
    lock = state(wish, ledger=(proven(window=old),), on=device(capabilities=NATIVE))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SET


def test_a_changed_pin_is_not_set_until_proven() -> None:
    wish = code("5555", status=CodeStatus.SETTING, evidence=proof(), generation=2, changed_at=NOW)
    lock = state(wish, ledger=(proven(),))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SETTING


def test_an_ended_code_is_removing_until_it_is_proven_gone() -> None:
    wish = code(starts_at=NOW - HOUR, ends_at=NOW, status=CodeStatus.SET, evidence=proof())
    lock = state(wish, ledger=(proven(written_at=NOW - HOUR),))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.REMOVING
    assert lock.codes["code"].deleted_at is None
    late = NOW + POLICY.delay_after
    settle(lock, late, POLICY)
    settle(lock, late + POLICY.failure_deadline, POLICY)
    assert told(lock) == [
        "access_code.delay_in_removing_from_device",
        "access_code.failed_to_remove_from_device",
    ]


def test_a_code_that_never_was_on_the_lock_goes_with_one_event() -> None:
    lock = state(code(delete_requested_at=NOW))
    settle(lock, NOW, POLICY)
    changes = lock.drain()
    assert changes.codes[0].deleted_at == NOW
    assert [e.event_type for e in changes.events] == ["access_code.deleted"]


def test_a_disconnected_account_changes_no_status() -> None:
    wish = code(status=CodeStatus.SET, evidence=proof())
    lock = state(wish, ledger=(proven(),), via=account(connected=False))
    settle(lock, NOW, POLICY)
    assert lock.codes["code"].status is CodeStatus.SET


def test_a_rename_on_a_lock_without_names_is_in_effect_at_once() -> None:
    wish = code(name="Other", generation=2, status=CodeStatus.SET, evidence=proof())
    lock = state(wish, ledger=(proven(name="Guest"),))
    settle(lock, NOW, POLICY)
    assert lock.converged() == (("code", 2),)
