"""`latchwork actions`: what was asked of locks, and what came of it."""

from typing import Annotated, Any

import typer

from latchwork.cli.client import call, device_id_of
from latchwork.cli.say import as_json, details, table
from latchwork.cli.shared import Json, Limit, OfDevice

app = typer.Typer(help="Action attempts: what was asked of locks.", no_args_is_help=True)


@app.command("list")
def list_(device: OfDevice, limit: Limit = 20, json: Json = False) -> None:
    """Lists the newest action attempts on a lock."""
    path = "/action_attempts/list"
    found = call(path, device_id=device_id_of(device), limit=limit)["action_attempts"]
    if json:
        as_json(found)
        return
    rows = [[a["action_type"], a["status"], _error(a), a["action_attempt_id"]] for a in found]
    table(["action", "status", "error", "id"], rows, "Nothing was asked of a lock yet.")


@app.command("show")
def show(
    action_attempt_id: Annotated[str, typer.Argument(help="The id, from actions list.")],
    json: Json = False,
) -> None:
    """Shows one action attempt."""
    path = "/action_attempts/get"
    found = call(path, action_attempt_id=action_attempt_id)["action_attempt"]
    if json:
        as_json(found)
        return
    details(
        [("action", found["action_type"]), ("status", found["status"]), ("error", _error(found))]
    )


def _error(attempt: dict[str, Any]) -> str:
    error = attempt.get("error")
    return "" if not error else f"{error['type']}: {error['message']}"
