"""Tables on the screen, and in docs/benchmarks.md."""

import os
import platform
import re
import sqlite3
from pathlib import Path

KEPT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


class Table:
    """Rows under headings, written as Markdown, which a terminal shows as well."""

    def __init__(self, title: str, headings: tuple[str, ...]) -> None:
        self.title = title
        self._rows: list[tuple[str, ...]] = [headings]

    def row(self, *cells: object) -> None:
        self._rows.append(tuple(str(cell) for cell in cells))

    def text(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self._rows, strict=True)]
        lines = [
            "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
            for row in self._rows
        ]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return f"**{self.title}**\n\n" + "\n".join(lines)


def machine() -> str:
    """What the figures depend on beside the code, as a line."""
    return (
        f"On {os.cpu_count()} cores: {platform.python_implementation()} "
        f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


def keep(name: str, tables: list[Table]) -> None:
    """Replaces what docs/benchmarks.md holds between the marks of that name."""
    text = KEPT.read_text()
    found = "\n\n".join([machine(), *(table.text() for table in tables)])
    marks = (f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->")
    pattern = f"{re.escape(marks[0])}.*?{re.escape(marks[1])}"
    block = f"{marks[0]}\n{found}\n{marks[1]}"
    changed, times = re.subn(pattern, lambda _: block, text, flags=re.DOTALL)
    if times != 1:
        raise RuntimeError(f"docs/benchmarks.md has no marks for {name}")
    KEPT.write_text(changed)
