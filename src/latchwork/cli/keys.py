"""`latchwork keys`: made, listed and revoked directly on the database, beside a running server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from latchwork.cli.say import USAGE, as_json, fail, table

app = typer.Typer(help="API keys, directly on the database.", no_args_is_help=True)
T = TypeVar("T")


def with_storage(work: Callable[..., Awaitable[T]]) -> T:
    """What `work(storage, settings)` answers; a failure ends the program with its message."""
    from latchwork import composition, config
    from latchwork.domain.errors import LatchworkError

    async def run() -> T:
        settings = config.here()
        storage = await composition.open_storage(settings)
        try:
            return await work(storage, settings)
        finally:
            await storage.aclose()

    try:
        return asyncio.run(run())
    except LatchworkError as error:
        fail(str(error))


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")] = "key",
    workspace_id: Annotated[str, typer.Option("--workspace", help="The workspace's id.")] = "",
    api_version: Annotated[
        str | None,
        typer.Option(help="2023-09: types of codes are spelt `timebound`. Without it: the newest."),
    ] = None,
) -> None:
    """Makes a key and prints it: this once, for only a hash of it is kept."""
    from latchwork import composition
    from latchwork.domain.credentials import API_VERSIONS

    if api_version is not None and api_version not in API_VERSIONS:
        fail(f"There is no API version {api_version}; known are: {', '.join(API_VERSIONS)}.", USAGE)

    async def work(storage, settings):  # type: ignore[no-untyped-def]
        workspaces = {w.workspace_id: w for w in await storage.workspaces()}
        chosen = workspace_id
        if not chosen:
            first = await composition.first_workspace(storage, demo=settings.demo)
            only = next(iter(workspaces)) if len(workspaces) == 1 else first.workspace_id
            chosen = only
        elif chosen not in workspaces:
            fail(f"There is no workspace {chosen}.")
        secret = composition.new_api_key()
        await composition.add_key(storage, chosen, name, secret, api_version)
        return secret

    print(with_storage(work).reveal())


@app.command("list")
def list_(json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Lists the keys, without their secrets."""

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        return await storage.api_keys()

    found = with_storage(work)
    rows = [
        {
            "api_key_id": key.api_key_id,
            "name": key.name,
            "hint": f"...{key.hint}",
            "workspace_id": key.workspace_id,
            "api_version": key.api_version,
            "created_at": key.created_at.isoformat(),
            "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        }
        for key in found
    ]
    if json:
        as_json(rows)
        return
    shown = [
        [r["api_key_id"], r["name"], r["hint"], r["created_at"][:16], r["revoked_at"] or ""]
        for r in rows
    ]
    table(["id", "name", "ends in", "created", "revoked"], shown, "There are no keys.")


@app.command("revoke")
def revoke(api_key_id: Annotated[str, typer.Argument(help="The id, from keys list.")]) -> None:
    """Revokes a key at once."""
    from latchwork import composition

    async def work(storage, _settings):  # type: ignore[no-untyped-def]
        return await storage.revoke_api_key(api_key_id, composition.clock.now())

    if not with_storage(work):
        fail(f"There is no live key {api_key_id}.")
    print(f"Key {api_key_id} is revoked.")
