"""What becomes of kept outcomes, and the document that holds them."""

from pathlib import Path

import pytest

from latchwork.drivers.conformance.outcome import Outcome, load, save
from latchwork.drivers.conformance.run import BEHAVIOURS
from latchwork.drivers.conformance.table import BEGIN, END, render, written

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "locks.md"
SET = Outcome(behaviour="set", lock="A lock", shown=True, note="proof: read_back", radio=3)
NO_WINDOW = Outcome(
    behaviour="native_window", lock="A lock", shown=False, note="the lock stores no schedules"
)


def test_outcomes_outlive_the_run(tmp_path: Path) -> None:
    save(SET, tmp_path / "kept")
    save(NO_WINDOW, tmp_path / "kept")
    save(SET, tmp_path / "kept")
    assert load(tmp_path / "kept") == [NO_WINDOW, SET]


def test_a_table_tells_what_was_shown_what_not_and_what_was_not_played() -> None:
    text = render([SET, NO_WINDOW])
    assert "| Set, and proven |  | yes (3) |" in text
    assert "| Window on the lock, ahead |  | no |" in text
    assert "not shown: the lock stores no schedules" in text
    assert "| Battery |  | not played |" in text


def test_only_what_is_between_the_marks_is_written() -> None:
    text = written(f"before\n{BEGIN}\nearlier tables\n{END}\nafter\n", [SET])
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "earlier tables" not in text
    with pytest.raises(ValueError, match="conformance"):
        written("no marks", [SET])


def test_the_document_knows_every_behaviour() -> None:
    text = DOCUMENT.read_text()
    for behaviour in BEHAVIOURS:
        assert f"| {behaviour.title} | " in text, "run make locks-table"
