"""What each observation does to a position of ours: the table of ARCHITECTURE.md, row by row."""

from datetime import timedelta
from typing import Any

import pytest

from latchwork.domain.access_code import Blocked, CodeStatus, EvidenceKind
from latchwork.domain.believe import believe, believe_scan
from latchwork.domain.observation import Empty, Holds, NotRead, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem
from latchwork.domain.slots import Phase
from latchwork.domain.window import Window
from support.lock_views import HOUR, NOW, code, entry, foreign, state, told

ALL_PHASES = list(Phase)


def confirmed(**fields: Any) -> Any:
    return entry(
        phase=Phase.CONFIRMED,
        confirmed_pin=Pin(fields.get("pin", "4711")),
        written_at=NOW - HOUR,
        confirmed_at=NOW - HOUR,
        **fields,
    )


@pytest.mark.parametrize("phase", ALL_PHASES)
def test_not_read_never_changes_belief(phase: Phase) -> None:
    lock = state(code(), ledger=(entry(phase=phase),))
    believe(lock, {1: NotRead("timeout"), 2: NotRead()}, NOW)
    changes = lock.drain()
    assert not changes.codes
    assert not changes.ledger
    assert not changes.events


@pytest.mark.parametrize("phase", [Phase.RESERVED, Phase.ACKNOWLEDGED, Phase.CONFIRMED])
def test_our_pin_read_back_is_proof(phase: Phase) -> None:
    lock = state(code(), ledger=(entry(phase=phase),))
    believe(lock, {1: Holds(Pin("4711"))}, NOW)
    assert lock.ledger[1].phase is Phase.CONFIRMED
    evidence = lock.codes["code"].evidence
    assert evidence is not None
    assert (evidence.kind, evidence.position, evidence.observed_at) == (
        EvidenceKind.READ_BACK,
        1,
        NOW,
    )


def test_occupied_confirms_an_acknowledged_write() -> None:
    lock = state(code(), ledger=(entry(phase=Phase.ACKNOWLEDGED),))
    believe(lock, {1: Occupied()}, NOW)
    assert lock.ledger[1].phase is Phase.CONFIRMED
    evidence = lock.codes["code"].evidence
    assert evidence is not None
    assert evidence.kind is EvidenceKind.OCCUPIED


def test_occupied_proves_nothing_without_an_acknowledgement() -> None:
    lock = state(code(), ledger=(entry(phase=Phase.RESERVED),))
    believe(lock, {1: Occupied()}, NOW)
    assert lock.ledger[1].phase is Phase.RESERVED
    assert lock.codes["code"].evidence is None


@pytest.mark.parametrize("phase", [Phase.RESERVED, Phase.ACKNOWLEDGED])
def test_what_the_lock_says_another_hand_wrote_is_never_taken_for_ours(phase: Phase) -> None:
    lock = state(code(), ledger=(entry(phase=phase),))
    believe(lock, {1: Occupied(by_other=True)}, NOW)
    assert not lock.ledger
    assert lock.foreign[1].pin is None
    assert lock.codes["code"].evidence is None
    assert told(lock) == ["access_code.unmanaged.created"]


def test_a_hidden_pin_that_another_hand_wrote_over_ours_is_an_external_modification() -> None:
    lock = state(code(status=CodeStatus.SET), ledger=(confirmed(),))
    believe(lock, {1: Occupied(by_other=True)}, NOW)
    assert not lock.ledger
    assert lock.foreign[1].pin is None
    assert "access_code.modified_external_to_seam" in told(lock)
    assert lock.codes["code"].blocked is None


def test_a_hidden_pin_that_the_owner_allows_to_be_changed_is_let_be() -> None:
    standing = code(status=CodeStatus.SET, allow_external_modification=True)
    lock = state(standing, ledger=(confirmed(),))
    believe(lock, {1: Occupied(by_other=True)}, NOW)
    assert not lock.ledger
    changed = lock.codes["code"]
    assert changed.blocked is Blocked.EXTERNAL
    assert [w.code for w in changed.warnings] == ["external_modification_in_effect"]


def test_a_leaving_code_is_gone_when_another_hand_took_its_position() -> None:
    lock = state(code(delete_requested_at=NOW), ledger=(entry(phase=Phase.CLEARING),))
    believe(lock, {1: Occupied(by_other=True)}, NOW)
    assert not lock.ledger
    assert "access_code.removed_from_device" in told(lock)


@pytest.mark.parametrize("phase", [Phase.RESERVED, Phase.ACKNOWLEDGED])
def test_another_pin_where_we_aimed_is_given_up_and_listed(phase: Phase) -> None:
    lock = state(code(), ledger=(entry(phase=phase),))
    believe(lock, {1: Holds(Pin("9999"))}, NOW)
    assert not lock.ledger
    assert lock.foreign[1].pin == Pin("9999")
    assert lock.codes["code"].evidence is None
    assert told(lock) == ["access_code.unmanaged.created"]


def test_another_pin_over_ours_is_an_external_modification() -> None:
    lock = state(code(status=CodeStatus.SET), ledger=(confirmed(),))
    believe(lock, {1: Holds(Pin("9999"))}, NOW)
    [error] = lock.codes["code"].errors
    assert error.code == "conflicting_external_modification"
    assert error.detail is not None
    assert error.detail["change_type"] == "modified"
    assert "9999" not in str(error)
    assert not lock.ledger
    assert lock.foreign[1].pin == Pin("9999")
    assert "access_code.modified_external_to_seam" in told(lock)


def test_ours_removed_by_hand_is_told_and_the_position_kept() -> None:
    lock = state(code(status=CodeStatus.SET), ledger=(confirmed(),))
    believe(lock, {1: Empty()}, NOW)
    [error] = lock.codes["code"].errors
    assert error.detail is not None
    assert error.detail["change_type"] == "removed"
    assert lock.ledger[1].phase is Phase.RESERVED
    assert told(lock) == ["access_code.deleted_external_to_seam"]


def test_removal_by_hand_that_the_owner_allows_is_a_warning_and_is_let_be() -> None:
    wish = code(status=CodeStatus.SET, allow_external_modification=True)
    lock = state(wish, ledger=(confirmed(),))
    believe(lock, {1: Empty()}, NOW)
    standing = lock.codes["code"]
    assert standing.errors == ()
    assert [w.code for w in standing.warnings] == ["external_modification_in_effect"]
    assert standing.blocked is Blocked.EXTERNAL
    assert not lock.ledger


def test_a_pin_changed_by_hand_that_the_owner_allows_becomes_the_code() -> None:
    wish = code(status=CodeStatus.SET, allow_external_modification=True)
    lock = state(wish, ledger=(confirmed(),))
    believe(lock, {1: Holds(Pin("9999"))}, NOW)
    assert lock.codes["code"].pin == Pin("9999")
    assert lock.codes["code"].evidence is not None
    assert not lock.foreign


def test_our_earlier_pin_is_still_ours() -> None:
    lock = state(
        code("5555"),
        ledger=(entry(pin="5555", earlier_pins=(Pin("4711"),), phase=Phase.ACKNOWLEDGED),),
    )
    believe(lock, {1: Holds(Pin("4711"))}, NOW)
    assert lock.ledger[1].phase is Phase.RESERVED
    assert not lock.foreign


def test_a_removal_is_proven_by_an_empty_position_alone() -> None:
    leaving = code(delete_requested_at=NOW, status=CodeStatus.REMOVING)
    lock = state(leaving, ledger=(confirmed(),))
    believe(lock, {1: Holds(Pin("4711"))}, NOW)
    assert 1 in lock.ledger
    believe(lock, {1: Empty()}, NOW)
    assert not lock.ledger
    assert told(lock) == ["access_code.removed_from_device"]


def test_a_leaving_code_whose_position_holds_another_pin_is_gone_and_that_pin_is_let_be() -> None:
    leaving = code(delete_requested_at=NOW, status=CodeStatus.REMOVING)
    lock = state(leaving, ledger=(confirmed(),))
    believe(lock, {1: Holds(Pin("9999"))}, NOW)
    assert not lock.ledger
    assert lock.foreign[1].pin == Pin("9999")


def test_a_window_changed_by_hand_is_told_and_written_again() -> None:
    window = Window(NOW - HOUR, NOW + HOUR)
    wish = code(starts_at=window.starts_at, ends_at=window.ends_at, status=CodeStatus.SET)
    lock = state(wish, ledger=(confirmed(window=window),))
    believe(lock, {1: Holds(Pin("4711"), Window(NOW - HOUR, NOW + 5 * HOUR))}, NOW)
    [error] = lock.codes["code"].errors
    assert error.detail is not None
    assert [f["field"] for f in error.detail["modified_fields"]] == ["ends_at"]
    assert lock.ledger[1].phase is Phase.RESERVED


def test_schedules_that_differ_by_less_than_a_minute_are_the_same() -> None:
    window = Window(NOW.replace(second=20), (NOW + HOUR).replace(second=40))
    stored = Window(NOW, NOW + HOUR + HOUR / 60)
    lock = state(
        code(starts_at=window.starts_at, ends_at=window.ends_at),
        ledger=(entry(window=window, phase=Phase.ACKNOWLEDGED),),
    )
    believe(lock, {1: Holds(Pin("4711"), stored)}, NOW)
    assert lock.ledger[1].phase is Phase.CONFIRMED


def test_a_scan_tells_of_others_and_never_of_ours() -> None:
    lock = state(code(status=CodeStatus.SET), ledger=(confirmed(),))
    believe_scan(lock, {1: Empty(), 2: Occupied(), 3: Holds(Pin("1234"))}, NOW)
    assert lock.ledger[1].phase is Phase.CONFIRMED
    assert set(lock.foreign) == {2, 3}


def test_a_foreign_code_that_goes_unblocks_a_refused_duplicate() -> None:
    blocked = code(blocked=Blocked.DUPLICATE, failures=1)
    lock = state(blocked, others=(foreign(3, "4711"),))
    believe(lock, {3: Empty()}, NOW)
    assert lock.codes["code"].blocked is None
    assert told(lock) == ["access_code.unmanaged.removed"]


def refused(**detail: str) -> Any:
    """The error of a PIN that the lock refused because of another code."""
    return Problem("duplicate_code_on_device", "Refused.", NOW, detail or None)


def test_another_code_that_goes_leaves_a_refused_duplicate_alone() -> None:
    """Each try is radio, and what refused this PIN is still on the lock."""
    blocked = code(blocked=Blocked.DUPLICATE, errors=(refused(),))
    leaving = code(
        "9000", access_code_id="leaving", delete_requested_at=NOW, status=CodeStatus.REMOVING
    )
    lock = state(
        blocked,
        leaving,
        ledger=(confirmed(access_code_id="leaving", pin="9000"),),
        others=(foreign(3, "4711"), foreign(4, "1234")),
    )
    believe(lock, {1: Empty(), 4: Empty()}, NOW)
    assert set(lock.ledger) == set()
    assert set(lock.foreign) == {3}
    assert lock.codes["code"].blocked is Blocked.DUPLICATE


def test_a_masked_code_that_goes_unblocks_what_it_may_have_refused() -> None:
    for errors, is_freed in (
        ((refused(),), True),
        ((refused(unmanaged_access_code_id="foreign-3"),), True),
        ((refused(managed_access_code_id="other"),), False),
    ):
        lock = state(code(blocked=Blocked.DUPLICATE, errors=errors), others=(foreign(3, None),))
        believe(lock, {3: Empty()}, NOW)
        assert (lock.codes["code"].blocked is None) is is_freed
        assert (lock.codes["code"].errors == ()) is is_freed


def test_a_pin_of_ours_that_is_replaced_unblocks_its_duplicates() -> None:
    blocked = code(blocked=Blocked.DUPLICATE, errors=(refused(managed_access_code_id="changed"),))
    changed = entry(access_code_id="changed", pin="5822", earlier_pins=(Pin("4711"),))
    lock = state(blocked, code("5822", access_code_id="changed"), ledger=(changed,))
    believe(lock, {1: Holds(Pin("4711"))}, NOW)
    assert lock.codes["code"].blocked is Blocked.DUPLICATE
    believe(lock, {1: Holds(Pin("5822"))}, NOW)
    assert lock.codes["code"].blocked is None


@pytest.mark.parametrize(
    ("fields", "is_gone"),
    [
        ({"phase": Phase.RESERVED, "written_at": NOW - timedelta(seconds=3)}, False),
        ({"phase": Phase.ACKNOWLEDGED, "written_at": NOW - timedelta(seconds=29)}, False),
        (
            {
                "phase": Phase.CLEARING,
                "written_at": NOW - timedelta(seconds=3),
                "confirmed_pin": Pin("1234"),
            },
            False,
        ),
        ({"phase": Phase.ACKNOWLEDGED, "written_at": NOW - timedelta(seconds=30)}, True),
        ({"phase": Phase.RESERVED, "written_at": None}, True),
        (
            {
                "phase": Phase.CONFIRMED,
                "written_at": NOW - timedelta(seconds=3),
                "confirmed_pin": Pin("4711"),
            },
            True,
        ),
    ],
)
def test_an_empty_position_where_a_write_may_still_land_is_not_gone(
    fields: dict[str, Any], is_gone: bool
) -> None:
    """A lock may apply a write up to 30 s late: gone too early, the PIN would open the door."""
    leaving = code(delete_requested_at=NOW, status=CodeStatus.REMOVING)
    lock = state(leaving, ledger=(entry(**fields),))
    believe(lock, {1: Empty()}, NOW)
    assert (1 not in lock.ledger) is is_gone


def test_a_write_that_the_lock_refused_lands_no_more() -> None:
    leaving = code(delete_requested_at=NOW, blocked=Blocked.DUPLICATE)
    lock = state(leaving, ledger=(entry(phase=Phase.RESERVED, written_at=NOW),))
    believe(lock, {1: Empty()}, NOW)
    assert 1 not in lock.ledger
