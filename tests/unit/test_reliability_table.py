"""docs/reliability.md names no test that does not exist."""

import re
from pathlib import Path

from latchwork.drivers.conformance import BEHAVIOURS

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", page))
    folders = ("unit", "property", "integration", "simulation", "acceptance")
    files = [f for folder in folders for f in (ROOT / "tests" / folder).rglob("test_*.py")]
    there = {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}
    assert named
    assert named - there == set()


def test_the_pains_name_the_behaviours_that_show_them() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    section = page.partition("## Pains of lock software")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", section, re.MULTILINE)
    told = {int(number): set(shown.split(", ")) for number, shown in rows}
    shown: dict[int, set[str]] = {}
    for behaviour in BEHAVIOURS:
        for number in behaviour.pains:
            shown.setdefault(number, set()).add(behaviour.title)
    assert told.keys() == set(range(1, 16))
    assert {n: titles for n, titles in told.items() if n != 14} == shown
