"""What people are told of a state: a word, a tone and a shape, so that no colour has to be seen."""

from collections.abc import Sequence
from typing import Final

import msgspec

from latchwork.domain.access_code import CodeStatus, EvidenceKind
from latchwork.domain.device import LOW_BATTERY
from latchwork.domain.problem import Problem
from latchwork.storage.console import CodeGlance, LockGlance


class Look(msgspec.Struct, frozen=True):
    """`key` names the colour and the shape; `word` is read; `says` is one sentence more."""

    key: str
    word: str
    says: str = ""


SET: Final = Look("set", "Set", "Proven: this PIN opens the lock now.")
SETTING: Final = Look("setting", "Being set", "On its way to the lock, not proven yet.")
WAITING: Final = Look("waiting", "Waiting", "Is put on the lock when its time comes.")
LOADED: Final = Look("loaded", "Loaded ahead", "On the lock already; opens it from its start on.")
REMOVING: Final = Look("removing", "Being removed", "May open the lock until it is proven gone.")
LATE: Final = Look("late", "Late", "Should be done by now; it is being tried.")
FAILED: Final = Look("failed", "Failing", "Did not succeed in time; it is still being tried.")
UNKNOWN: Final = Look("unknown", "Not known", "The connection to the lock's provider is down.")
LEGEND: Final = (SET, SETTING, LOADED, WAITING, REMOVING, LATE, FAILED, UNKNOWN)

BY_STATUS: Final = {
    CodeStatus.SET: SET,
    CodeStatus.SETTING: SETTING,
    CodeStatus.UNSET: WAITING,
    CodeStatus.REMOVING: REMOVING,
    CodeStatus.UNKNOWN: UNKNOWN,
}
DELAYS: Final = frozenset(
    ("delay_in_setting_on_device", "delay_in_removing_from_device", "delay_in_issuing")
)

WELL: Final = Look("set", "All well")
OUT: Final = Look("failed", "Out of reach")
GONE: Final = Look("failed", "Gone from its account")
AILING: Final = Look("late", "Needs attention")

EVIDENCE: Final = {
    EvidenceKind.READ_BACK: "the lock read this PIN back",
    EvidenceKind.OCCUPIED: "the lock, which hides PINs, showed its position taken",
    EvidenceKind.ISSUED: "the lock's provider issued it",
}


def look_of_code(
    status: str, errors: Sequence[str], warnings: Sequence[str], *, loaded: bool
) -> Look:
    """From a status and the codes of what stands in the way of the code itself."""
    if errors:
        return FAILED
    if DELAYS.intersection(warnings):
        return LATE
    if status == CodeStatus.UNSET and loaded:
        return LOADED
    return BY_STATUS[CodeStatus(status)]


def look_of(code: CodeGlance) -> Look:
    if code.is_lost:
        return UNKNOWN
    return look_of_code(
        code.status, _codes(code.errors), _codes(code.warnings), loaded=code.scheduled_on_device
    )


def look_of_lock(lock: LockGlance) -> Look:
    if lock.removed:
        return GONE
    if not (lock.online and lock.connected):
        return OUT
    low = lock.battery_level is not None and lock.battery_level < LOW_BATTERY
    return AILING if lock.errors or lock.warnings or lock.troubled or low else WELL


def _codes(problems: Sequence[Problem]) -> list[str]:
    return [problem.code for problem in problems]
