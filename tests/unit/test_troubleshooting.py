"""Every error and warning that the documentation lists has a remedy."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def standing(page: str, until: str) -> set[str]:
    """The codes in the first column of the tables before a heading."""
    text = (DOCS / page).read_text().partition(until)[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    return {code for cell in rows for code in re.findall(r"`([a-z_]+)`", cell)}


def test_every_code_has_a_remedy() -> None:
    codes = standing("problems.md", "## Not of this house")
    codes |= standing("problems-devices.md", "## Events")
    assert len(codes) > 30
    remedies = (DOCS / "troubleshooting.md").read_text()
    assert [code for code in sorted(codes) if f"`{code}`" not in remedies] == []
