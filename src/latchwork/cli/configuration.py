"""`latchwork config`: what a server here would be told, and whether it may be."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from latchwork.cli.say import USAGE, as_json, fail, table

if TYPE_CHECKING:
    from latchwork.config import Settings

app = typer.Typer(help="The settings of a server here.", no_args_is_help=True)
File = Annotated[
    Path | None, typer.Option("--file", help="A TOML file; without it LATCHWORK_CONFIG's.")
]


@app.command("check")
def check(file: File = None) -> None:
    """Checks every setting, from the environment and the file, and names each one that is wrong."""
    name_file(file)
    found = list(_mistakes())
    for mistake in found:
        print(f"BAD  {mistake}")
    if found:
        print(f"{len(found)} to mend. See docs/settings.md for what each setting takes.")
        raise typer.Exit(1)
    print("All settings are well.")


@app.command("show")
def show(
    file: File = None, json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False
) -> None:
    """Shows every setting and where it comes from, secrets masked."""
    from latchwork import config
    from latchwork.domain.errors import LatchworkError

    name_file(file)
    try:
        settings = config.here()
        environment, path = config.around()
    except LatchworkError as error:
        fail(str(error), USAGE)
    rows = []
    for variable in sorted(config.KNOWN):
        key = variable.removeprefix(config.PREFIX).lower()
        origin = "default"
        if os.environ.get(variable, "").strip():
            origin = "environment"
        elif environment.get(variable, "").strip():
            origin = str(path)
        rows.append({"setting": key, "value": _shown(key, settings), "from": origin})
    if json:
        as_json(rows)
        return
    table(["setting", "value", "from"], [[str(v) for v in row.values()] for row in rows], "")


def name_file(file: Path | None) -> None:
    """For this process and no other."""
    from latchwork import settings_file

    if file is not None:
        os.environ[settings_file.VARIABLE] = str(file)


def _mistakes() -> Iterator[str]:
    from latchwork import config, settings_file
    from latchwork.domain.errors import LatchworkError

    try:
        environment, path = config.around()
    except LatchworkError as error:
        yield str(error)
        return
    for name in config.unknown_variables(os.environ):
        yield f"{name} is no setting of Latchwork."
    wrong = config.mistakes(environment)
    for mistake in wrong:
        if path is None or os.environ.get(mistake.rule):
            yield str(mistake)
        else:
            yield str(settings_file.named_as_in_file(mistake, path, config.PREFIX))
    if not wrong:
        yield from _beyond(config.from_environment(environment))


def _beyond(settings: "Settings") -> Iterator[str]:
    """What the start would refuse though each setting is right by itself."""
    from latchwork import composition
    from latchwork.config import Role
    from latchwork.domain.errors import LatchworkError
    from latchwork.drivers import registry
    from latchwork.storage.vault import parse_key

    if settings.postgres is None and settings.role is not Role.ALL:
        yield composition.ONE_PROCESS
    factories = registry.load()
    for provider, address in settings.connect:
        try:
            registry.check_settings(factories, provider, {"url": address})
        except LatchworkError as error:
            yield f"LATCHWORK_CONNECT, {provider}: {error}"
    try:
        if settings.secret_key is not None:
            parse_key(settings.secret_key.reveal())
        elif settings.secret_key_file.exists():
            composition.open_vault(settings)
    except (LatchworkError, OSError, ValueError) as error:
        yield f"LATCHWORK_SECRET_KEY: {error}"
    if settings.postgres is None:
        yield from _place(settings.database)


def _place(database: Path) -> Iterator[str]:
    standing = next(p for p in (database, *database.absolute().parents) if p.exists())
    if not os.access(standing, os.W_OK):
        yield f"LATCHWORK_DATABASE_URL: {standing} cannot be written by this user."


def _shown(key: str, settings: "Settings") -> Any:
    from datetime import timedelta

    from latchwork.domain.pin import Secret

    values: dict[str, Any] = {
        "database_url": settings.postgres or f"sqlite:///{settings.database}",
        "rate_limits": settings.requests_a_minute is not None,
        "rate_limit_per_key": settings.requests_a_minute,
        "delay_after": settings.policy.delay_after,
        "failure_deadline": settings.policy.failure_deadline,
    }
    kept = key.removeprefix("keep_")
    if kept != key:
        age: timedelta | None = getattr(settings.kept, kept)
        return "off" if age is None else age.days
    value = values[key] if key in values else getattr(settings, key)
    if isinstance(value, Secret):
        return "(set)"
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return ",".join("=".join(v) if isinstance(v, tuple) else v for v in value)
    return "" if value is None else str(value)
