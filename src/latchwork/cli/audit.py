"""`latchwork audit`: who did what, and when."""

from typing import Annotated

import typer

from latchwork.cli import times
from latchwork.cli.keys import with_storage
from latchwork.cli.say import as_json, fail, table
from latchwork.cli.shared import Json, Limit


def audit(
    workspace_id: Annotated[str, typer.Option("--workspace", help="The workspace's id.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """Lists what was done and by whom, newest first, directly from the database."""
    from latchwork import composition

    async def work(storage, settings):  # type: ignore[no-untyped-def]
        chosen = workspace_id
        if not chosen:
            chosen = (await composition.first_workspace(storage, demo=settings.demo)).workspace_id
        elif await storage.workspace(chosen) is None:
            fail(f"There is no workspace {chosen}.")
        return await storage.audit_entries(chosen, limit=limit, before=None)

    rows = [
        {
            "occurred_at": entry.occurred_at.isoformat(),
            "action": entry.action,
            "via": entry.via,
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id,
            "about": entry.about,
            "made": entry.made,
        }
        for entry in with_storage(work)
    ]
    if json:
        as_json(rows)
        return
    shown = [
        [times.exact(r["occurred_at"]), r["action"], f"{r['actor_kind']} {r['actor_id']}", r["via"]]
        for r in rows
    ]
    table(["at", "what", "by", "via"], shown, "Nothing has been done yet.")
