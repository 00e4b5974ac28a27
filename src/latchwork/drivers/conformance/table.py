"""Writes kept outcomes into a document, between two marks.

python -m latchwork.drivers.conformance.table FOLDER docs/locks.md
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from latchwork.drivers.conformance.outcome import Outcome, load
from latchwork.drivers.conformance.run import BEHAVIOURS

BEGIN: Final = "<!-- conformance: begin -->"
END: Final = "<!-- conformance: end -->"
ABBREVIATIONS: Final = "One radio operation is one message that the lock received for its codes."


def render(outcomes: Sequence[Outcome]) -> str:
    """One table a lock, with the behaviours in the order of the list. What was not played is told
    as that."""
    by_lock: dict[str, dict[str, Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda o: o.lock):
        by_lock.setdefault(outcome.lock, {})[outcome.behaviour] = outcome
    parts = [_summary(by_lock), ABBREVIATIONS]
    parts += [f"### {lock}\n\n{_table(played)}" for lock, played in by_lock.items()]
    return "\n\n".join(parts)


def _summary(by_lock: Mapping[str, Mapping[str, Outcome]]) -> str:
    """Which lock shows what, with the radio operations that it cost."""
    locks = list(by_lock)
    lines = [
        f"| Behaviour | Pain | {' | '.join(locks)} |",
        f"|---|---|{'---|' * len(locks)}",
    ]
    for behaviour in BEHAVIOURS:
        cells = [_mark(by_lock[lock].get(behaviour.name)) for lock in locks]
        pains = ", ".join(map(str, behaviour.pains))
        lines.append(f"| {behaviour.title} | {pains} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mark(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not played"
    if not outcome.shown:
        return "no"
    return "yes" if outcome.radio is None else f"yes ({outcome.radio})"


def _table(played: Mapping[str, Outcome]) -> str:
    lines = ["| Behaviour | What it did | Radio operations |", "|---|---|---|"]
    for behaviour in BEHAVIOURS:
        outcome = played.get(behaviour.name)
        if outcome is None:
            continue
        note = outcome.note if outcome.shown else f"not shown: {outcome.note}"
        radio = "" if outcome.radio is None else str(outcome.radio)
        lines.append(f"| {behaviour.title} | {note} | {radio} |")
    return "\n".join(lines)


def written(document: str, outcomes: Sequence[Outcome]) -> str:
    """The document with the tables between its marks. Raises ValueError where they are missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{render(outcomes)}\n\n{END}{after}"


def main(folder: str, document: str) -> None:
    path = Path(document)
    path.write_text(written(path.read_text(), load(Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:3])
