"""`latchwork accounts`: connections to hubs and clouds. `latchwork connect` makes them."""

from typing import Annotated, Any

import typer

from latchwork.cli.client import call, every
from latchwork.cli.say import as_json, details, table
from latchwork.cli.shared import Json, Yes, problems, sure

app = typer.Typer(help="Connections to hubs and clouds.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(help="The id, from accounts list.")]


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists the accounts, and what is wrong with them."""
    found = list(every("/connected_accounts/list", "connected_accounts"))
    if json:
        as_json(found)
        return
    rows = [
        [
            a["display_name"],
            a["account_type_display_name"],
            "" if a["errors"] else "yes",
            ", ".join(problems(a)),
            a["connected_account_id"],
        ]
        for a in found
    ]
    headings = ["name", "provider", "connected", "problems", "id"]
    table(headings, rows, "None is connected; see: latchwork connect --help")


@app.command("show")
def show(connected_account_id: Id, json: Json = False) -> None:
    """Shows an account, its problems in words, and how many locks it brings."""
    found = _account(connected_account_id)
    if json:
        as_json(found)
        return
    locks = list(every("/devices/list", "devices", connected_account_id=connected_account_id))
    details(
        [
            ("name", found["display_name"]),
            ("id", connected_account_id),
            ("provider", found["account_type_display_name"]),
            ("locks", str(len(locks))),
            ("new locks", "managed" if found["automatically_manage_new_devices"] else "unmanaged"),
        ]
    )
    for problem in (*found["errors"], *found["warnings"]):
        code = problem.get("error_code") or problem["warning_code"]
        print(f"\n{code}: {problem['message']}")


@app.command("sync")
def sync(connected_account_id: Id) -> None:
    """Lists an account's locks anew; connects it where it is not."""
    call("/connected_accounts/sync", connected_account_id=connected_account_id)
    print("A fresh list of its locks is asked for.")


@app.command("rename")
def rename(
    connected_account_id: Id, name: Annotated[str, typer.Argument(help="The new name.")]
) -> None:
    """Gives an account another name."""
    path = "/connected_accounts/update"
    call(path, connected_account_id=connected_account_id, display_name=name)
    print(f"It is called {name} now.")


@app.command("inbound-url")
def inbound_url(connected_account_id: Id) -> None:
    """Shows where the account's provider can deliver. Keep it to yourself and the provider."""
    path = "/latchwork/connected_accounts/inbound_url"
    print(call(path, connected_account_id=connected_account_id)["inbound_url"])


@app.command("delete")
def delete(connected_account_id: Id, yes: Yes = False) -> None:
    """Forgets an account, its locks and their codes. What stands on a lock stays there."""
    account = _account(connected_account_id)
    sure(f"Forget {account['display_name']}, its locks and their codes?", yes=yes)
    call("/connected_accounts/delete", connected_account_id=connected_account_id)
    print(f"{account['display_name']} is forgotten.")


def _account(connected_account_id: str) -> dict[str, Any]:
    path = "/connected_accounts/get"
    found: dict[str, Any] = call(path, connected_account_id=connected_account_id)[
        "connected_account"
    ]
    return found
