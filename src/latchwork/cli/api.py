"""`latchwork api`: any endpoint, for what no command has a word for."""

import json
from typing import Annotated, Any

import typer

from latchwork.cli.client import call
from latchwork.cli.say import USAGE, as_json, fail


def api(
    path: Annotated[str, typer.Argument(help="Such as /access_codes/list.")],
    given: Annotated[
        list[str] | None,
        typer.Argument(help="name=value; a value that is JSON counts as such: limit=3 sync=true"),
    ] = None,
) -> None:
    """Calls any endpoint and prints its answer as JSON; the server's /docs lists them all."""
    if not path.startswith("/"):
        fail("A path begins with /, such as /access_codes/list.", USAGE)
    as_json(call(path, **dict(_parameter(one) for one in given or ())))


def _parameter(text: str) -> tuple[str, Any]:
    """A PIN is a text though it is all digits, and so may a name be."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        fail(f"Parameters are name=value, not {text!r}.", USAGE)
    if name in ("code", "name"):
        return name, value
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
