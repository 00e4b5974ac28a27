"""`latchwork console-link`: a way into the console for who has the server at hand."""

from datetime import timedelta
from typing import Annotated

import typer

from latchwork.cli.keys import with_storage
from latchwork.cli.say import fail


def console_link(
    workspace_id: Annotated[str, typer.Option("--workspace", help="The workspace's id.")] = "",
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="How long it can be used.")] = 10,
) -> None:
    """Makes a link that opens the console once, and prints it."""
    from latchwork import composition
    from latchwork.console.sessions import new_link

    async def work(storage, settings):  # type: ignore[no-untyped-def]
        chosen = workspace_id
        if not chosen:
            chosen = (await composition.first_workspace(storage, demo=settings.demo)).workspace_id
        elif await storage.workspace(chosen) is None:
            fail(f"There is no workspace {chosen}.")
        lasts = timedelta(minutes=minutes)
        path = await new_link(storage, chosen, composition.clock.now(), lasts)
        base = settings.public_url or f"http://{settings.host}:{settings.port}"
        return f"{base.rstrip('/')}{path}"

    print(with_storage(work))
