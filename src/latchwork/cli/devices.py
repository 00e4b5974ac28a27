"""`latchwork devices`."""

from typing import Annotated, Any

import typer

from latchwork.cli.client import every
from latchwork.cli.say import as_json, table

app = typer.Typer(help="Locks.", no_args_is_help=True)


@app.callback()
def devices() -> None:
    """Locks."""


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Lists the locks, and what is wrong with them."""
    found = list(every("/devices/list", "devices"))
    if json:
        as_json(found)
    else:
        show(found)


def show(found: list[dict[str, Any]]) -> None:
    headings = ["name", "id", "model", "online", "battery", "PIN lengths", "codes", "problems"]
    table(headings, [_row(device) for device in found], "There are no devices.")


def _row(device: dict[str, Any]) -> list[str]:
    properties = device["properties"]
    level = properties.get("battery", {}).get("level")
    problems = [p["error_code"] for p in device["errors"]]
    problems += [p["warning_code"] for p in device["warnings"]]
    lengths = properties["supported_code_lengths"]
    return [
        device["display_name"],
        device["device_id"],
        f"{properties['model']['manufacturer_display_name']} {properties['model']['display_name']}",
        "yes" if properties["online"] else "no",
        "" if level is None else f"{level:.0%}",
        f"{lengths[0]}-{lengths[-1]}" if len(lengths) > 1 else "".join(map(str, lengths)),
        str(properties["max_active_codes_supported"]),
        ", ".join(problems),
    ]
