"""How the command line speaks: one line for an error, an exit code that says whose turn it is."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

REFUSED, USAGE, UNREACHABLE = 1, 2, 3


def fail(message: str, code: int = REFUSED) -> NoReturn:
    """One line on standard error, and the end."""
    print(f"latchwork: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(code)


def as_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def as_json_line(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)


def details(pairs: list[tuple[str, str]]) -> None:
    """One thing, line by line."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        print(f"{name:{width}}  {value}")


@contextmanager
def working(doing: str) -> Iterator[None]:
    """Says on a terminal that something is under way, for as long as it is."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(doing):
        yield


def table(headings: list[str], rows: list[list[str]], empty: str) -> None:
    """A table on a terminal; the words of `empty` when there is nothing."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        print(empty)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        shown.add_column(heading, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 160).print(shown)
