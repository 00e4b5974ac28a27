"""A lock position by position: what is wished there beside what is known to be there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from latchwork.api import code_serializers as show_code
from latchwork.console import words
from latchwork.console.words import Look
from latchwork.domain.slots import LedgerEntry, Phase
from latchwork.storage.interface import CodeView, UnmanagedView


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `position` None: a code that has none yet, or none ever."""

    position: int | None
    code: dict[str, Any] | None = None
    """As the API shows it, without its PIN; None: another hand's."""
    look: Look | None = None
    generation: int = 0
    other: UnmanagedView | None = None
    found: str = ""
    """What is known of the lock itself."""
    proof: str = ""
    at: datetime | None = None


NOT_THERE: Final = "Nothing yet"
FOUND: Final = {
    Phase.RESERVED: "Being written; what is there is not known",
    Phase.ACKNOWLEDGED: "The lock took it; not read back yet",
    Phase.CLEARING: "Being cleared; not proven gone",
}


def places(
    codes: Sequence[CodeView], others: Sequence[UnmanagedView], now: datetime
) -> list[Place]:
    rows = [_ours(view, now) for view in codes]
    rows += [_of_another(view) for view in others]
    return sorted(rows, key=lambda row: (row.position is None, row.position or 0))


def shown(view: CodeView, now: datetime) -> dict[str, Any]:
    """The code as the API shows it, without a PIN wherever one could be."""
    found = show_code.access_code(view, now)
    found["code"] = None
    for pending in found["pending_mutations"]:
        if pending["mutation_code"] == "updating_code":
            pending["from"] = pending["to"] = {}
    return found


def look(code: dict[str, Any]) -> Look:
    """Of a code as `shown`."""
    own = [e["error_code"] for e in code["errors"] if e.get("is_access_code_error")]
    warnings = [w["warning_code"] for w in code["warnings"]]
    return words.look_of_code(code["status"], own, warnings, loaded=code["is_scheduled_on_device"])


def _ours(view: CodeView, now: datetime) -> Place:
    code, entry = shown(view, now), view.entry
    place = Place(
        position=None if entry is None else entry.position,
        code=code,
        look=look(code),
        generation=view.code.generation,
        found=_found(view, entry),
    )
    evidence = view.code.evidence
    if evidence is not None:
        proof = words.EVIDENCE[evidence.kind]
        return msgspec.structs.replace(place, proof=proof, at=evidence.observed_at)
    if entry is not None and entry.confirmed_at is not None:
        return msgspec.structs.replace(place, proof="a read of the lock", at=entry.confirmed_at)
    return place


def _found(view: CodeView, entry: LedgerEntry | None) -> str:
    if view.code.offline is not None:
        return "The lock computes this PIN itself" if view.code.is_issued else "Not issued yet"
    if entry is None:
        return NOT_THERE
    if entry.phase is not Phase.CONFIRMED:
        return FOUND[entry.phase]
    if entry.confirmed_pin is not None and entry.confirmed_pin != view.code.pin:
        return "The PIN before the last change"
    return f"This PIN, as “{entry.appearance}”" if entry.appearance else "This PIN"


def _of_another(view: UnmanagedView) -> Place:
    code = view.code
    hidden = "" if code.pin is not None else "; the lock hides its PIN"
    named = f"“{code.name}”" if code.name else "A PIN"
    return Place(
        position=code.position,
        other=view,
        found=f"{named} of another hand{hidden}",
        proof="a read of the lock",
        at=code.created_at,
    )
