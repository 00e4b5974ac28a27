"""`latchwork tokens`: personal access tokens, which open several workspaces."""

import os
from typing import Annotated

import typer

from latchwork.cli.keys import with_storage
from latchwork.cli.say import as_json, fail, table

app = typer.Typer(
    help="Personal access tokens (seam_at...), directly on the database.", no_args_is_help=True
)
TOKEN_BYTES = 30


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="Whose token it is.")] = "token",
    workspace_ids: Annotated[
        list[str] | None,
        typer.Option("--workspace", help="A workspace that it opens; repeatable. Default: all."),
    ] = None,
) -> None:
    """Makes a token and prints it: this once, for only a hash of it is kept. Send it with the
    header seam-workspace."""
    from latchwork import composition
    from latchwork.domain.credentials import PERSONAL_TOKEN, PersonalToken, made_secret

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        known = {workspace.workspace_id for workspace in await storage.workspaces()}
        if unknown := sorted(set(workspace_ids or ()) - known):
            fail(f"There is no workspace {unknown[0]}.")
        secret = made_secret(PERSONAL_TOKEN, os.urandom(TOKEN_BYTES))
        token = PersonalToken(
            personal_token_id=composition.new_id(),
            name=name,
            hint=secret.reveal()[-4:],
            created_at=composition.clock.now(),
            workspace_ids=tuple(workspace_ids) if workspace_ids else None,
        )
        await storage.add_personal_token(token, secret)
        return secret

    print(with_storage(work).reveal())


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Lists the tokens, without their secrets."""

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        return await storage.personal_tokens()

    rows = [
        {
            "personal_token_id": token.personal_token_id,
            "name": token.name,
            "hint": f"...{token.hint}",
            "workspace_ids": None if token.workspace_ids is None else list(token.workspace_ids),
            "created_at": token.created_at.isoformat(),
            "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
        }
        for token in with_storage(work)
    ]
    if json:
        as_json(rows)
        return
    shown = [
        [
            row["personal_token_id"],
            row["name"],
            row["hint"],
            "all" if row["workspace_ids"] is None else ", ".join(row["workspace_ids"]),
            row["revoked_at"] or "",
        ]
        for row in rows
    ]
    table(["id", "name", "ends in", "workspaces", "revoked"], shown, "There are no tokens.")


@app.command("revoke")
def revoke(personal_token_id: Annotated[str, typer.Argument(help="The id, from list.")]) -> None:
    """Revokes a token at once."""
    from latchwork import composition

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        return await storage.revoke_personal_token(personal_token_id, composition.clock.now())

    if not with_storage(work):
        fail(f"There is no live token {personal_token_id}.")
    print(f"Token {personal_token_id} is revoked.")
