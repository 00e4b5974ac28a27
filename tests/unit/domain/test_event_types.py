"""The event types of locks and their accounts, as Seam names them: which ones this house tells."""

from latchwork.domain import events
from latchwork.domain.action_attempt import ActionType
from latchwork.engine.actions import WITHOUT_EVENT
from support.shapes import SHAPES

THESE = ("access_code.unmanaged.", "device.", "lock.", "connected_account.", "action_attempt.")

NOT_TOLD = {
    "device.doorbell_rang": "locks and keypads with a bell are told by no driver",
    "device.salto.privacy_mode_activated": "of Salto's alone; ours stands as a warning",
    "device.salto.privacy_mode_deactivated": "of Salto's alone; ours stands as a warning",
}


def told() -> set[str]:
    ours = {
        value
        for value in vars(events).values()
        if isinstance(value, str) and value.startswith(THESE)
    }
    moved = [
        ActionType.LOCK_DOOR,
        ActionType.UNLOCK_DOOR,
        ActionType.SIMULATE_KEYPAD_CODE_ENTRY,
        ActionType.SIMULATE_MANUAL_LOCK_VIA_KEYPAD,
    ]
    assert not WITHOUT_EVENT & set(moved)
    endings = ("succeeded", "failed")
    return ours | {f"action_attempt.{a.value.lower()}.{end}" for a in moved for end in endings}


def test_every_event_of_ours_is_one_of_seams() -> None:
    assert told() <= set(SHAPES["events"])


def test_what_is_not_told_has_a_reason() -> None:
    every = {e for e in SHAPES["events"] if e.startswith(THESE)}
    assert every - told() == set(NOT_TOLD), sorted(every - told())
