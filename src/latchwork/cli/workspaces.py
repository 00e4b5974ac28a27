"""`latchwork workspaces`."""

from typing import Annotated

import typer

from latchwork.cli.client import call
from latchwork.cli.keys import with_storage
from latchwork.cli.say import as_json, details, table
from latchwork.cli.shared import Json, Yes, sure

app = typer.Typer(help="Workspaces, each with locks and keys of its own.", no_args_is_help=True)


@app.command("list")
def list_(json: Json = False) -> None:
    """Lists all workspaces, directly from the database."""

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        return await storage.workspaces()

    rows = [
        {
            "workspace_id": workspace.workspace_id,
            "name": workspace.name,
            "is_sandbox": workspace.is_sandbox,
            "created_at": workspace.created_at.isoformat(),
        }
        for workspace in with_storage(work)
    ]
    if json:
        as_json(rows)
        return
    shown = [[r["name"], "yes" if r["is_sandbox"] else "", r["workspace_id"]] for r in rows]
    table(["name", "sandbox", "id"], shown, "There are no workspaces.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Its name.")],
    sandbox: Annotated[bool, typer.Option("--sandbox", help="For simulated locks.")] = False,
) -> None:
    """Makes a workspace, directly in the database, and prints its id. Then make a key for it:
    latchwork keys create --workspace ID"""
    from latchwork import composition
    from latchwork.domain.device import Workspace

    made = Workspace(
        workspace_id=composition.new_id(),
        name=name,
        is_sandbox=sandbox,
        created_at=composition.clock.now(),
    )

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        await storage.add_workspace(made)

    with_storage(work)
    print(made.workspace_id)


@app.command("show")
def show(json: Json = False) -> None:
    """Shows the workspace that the key opens."""
    found = call("/workspaces/get")["workspace"]
    if json:
        as_json(found)
        return
    details(
        [
            ("name", found["name"]),
            ("id", found["workspace_id"]),
            ("sandbox", "yes" if found["is_sandbox"] else "no"),
        ]
    )


@app.command("rename")
def rename(name: Annotated[str, typer.Argument(help="The new name.")]) -> None:
    """Gives the key's workspace another name."""
    call("/workspaces/update", name=name)
    print(f"It is called {name} now.")


@app.command("reset-sandbox")
def reset_sandbox(yes: Yes = False) -> None:
    """Begins the key's sandbox anew: its locks come back under new ids; accounts and codes go."""
    sure("Reset the sandbox?", yes=yes)
    call("/workspaces/reset_sandbox")
    print("The sandbox begins anew.")
