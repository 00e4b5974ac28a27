"""`latchwork`: the command line."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from latchwork.cli import (
    accounts,
    actions,
    api,
    audit,
    backup,
    codes,
    configuration,
    connect,
    console,
    demo,
    devices,
    doctor,
    events,
    health,
    keys,
    migrate,
    sandbox,
    tokens,
    unmanaged,
    webhooks,
    workspaces,
)
from latchwork.cli.say import USAGE, fail

app = typer.Typer(
    help="The open, self-hosted access-code server for smart locks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)
app.command("connect")(connect.connect)
app.command("console-link")(console.console_link)
app.add_typer(keys.app, name="keys")
app.add_typer(tokens.app, name="tokens")
app.add_typer(devices.app, name="devices")
app.add_typer(codes.app, name="codes")
app.add_typer(unmanaged.app, name="unmanaged")
app.add_typer(events.app, name="events")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(accounts.app, name="accounts")
app.add_typer(actions.app, name="actions")
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(sandbox.app, name="sandbox")
app.command("demo")(demo.demo)
app.command("audit")(audit.audit)
app.command("api")(api.api)
app.command("migrate")(migrate.migrate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("doctor")(doctor.doctor)
app.command("health")(health.health)
app.add_typer(configuration.app, name="config")


@app.command()
def serve(
    demo: Annotated[bool, typer.Option(help="A sandbox of simulated locks.")] = False,
    role: Annotated[
        str, typer.Option(help="all, api, worker or webhooks; but for all, needs PostgreSQL.")
    ] = "",
    file: Annotated[Path | None, typer.Option("--config", help="A TOML file of settings.")] = None,
) -> None:
    """Runs the server, until SIGTERM or Ctrl-C. Configured by LATCHWORK_* variables and a file."""
    configuration.name_file(file)
    from latchwork import config, logs
    from latchwork.cli.welcome import welcome
    from latchwork.domain.errors import LatchworkError

    try:
        settings = config.here(demo=demo, role=role)
    except LatchworkError as error:
        fail(str(error), USAGE)
    logs.set_up(settings.log_level, settings.log_format)
    for name in config.unknown_variables(os.environ):
        print(f"latchwork: {name} is not a setting of Latchwork; it is ignored.", file=sys.stderr)
    from latchwork import composition
    from latchwork.serving import settle_memory

    def ready(started: composition.Started) -> None:
        settle_memory()
        welcome(started, settings)

    try:
        _run(composition.serve(settings, ready))
    except LatchworkError as error:
        fail(str(error))


def _run(main: object) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)  # type: ignore[arg-type]
    else:
        uvloop.run(main)  # type: ignore[arg-type]


def main() -> None:
    app()


if __name__ == "__main__":
    main()
