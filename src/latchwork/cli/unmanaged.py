"""`latchwork unmanaged`: codes that others put on a lock."""

from typing import Annotated, Any

import typer

from latchwork.cli.client import call, device_id_of, every
from latchwork.cli.say import as_json, table
from latchwork.cli.shared import Json, OfDevice, Yes, finished, problems, sure

app = typer.Typer(help="Codes of other hands on a lock.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The id, from unmanaged list.")]


@app.command("list")
def list_(device: OfDevice, json: Json = False) -> None:
    """Lists the codes on a lock that are not Latchwork's."""
    path = "/access_codes/unmanaged/list"
    found = list(every(path, "access_codes", device_id=device_id_of(device)))
    if json:
        as_json(found)
        return
    rows = [
        [c["name"] or "", c["code"] or "(hidden)", ", ".join(problems(c)), c["access_code_id"]]
        for c in found
    ]
    table(["name", "PIN", "problems", "id"], rows, "No code of another hand is on it.")


@app.command("convert")
def convert(
    access_code_id: Code,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Others may go on changing it.")
    ] = False,
) -> None:
    """Takes a code over as it stands, once a fresh read of the lock has shown it."""
    attempt = call(
        "/access_codes/unmanaged/convert_to_managed",
        access_code_id=access_code_id,
        allow_external_modification=allow_changes or None,
    )
    _await(attempt, "Reading the lock ...")
    print(f"Code {access_code_id} is Latchwork's now.")


@app.command("delete")
def delete(access_code_id: Code, yes: Yes = False) -> None:
    """Removes a code of another hand from its lock, once a fresh read has shown it there."""
    sure("Remove another hand's code from the lock?", yes=yes)
    attempt = call("/access_codes/unmanaged/delete", access_code_id=access_code_id)
    _await(attempt, "Removing it from the lock ...")
    print(f"Code {access_code_id} is gone from the lock.")


def _await(answer: dict[str, Any], doing: str) -> None:
    if attempt := answer.get("action_attempt"):
        finished(attempt, doing)
