"""`latchwork backup` and `latchwork restore`: the database as a single file."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from latchwork.cli.migrate import tell_moved
from latchwork.cli.say import fail

if TYPE_CHECKING:
    from latchwork.config import Settings
    from latchwork.domain.pin import Secret


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Copy the master key too, in clear, to FILE.key.")
    ] = False,
) -> None:
    """Copies the database to a file, while the server runs or not."""
    from latchwork.domain.errors import LatchworkError
    from latchwork.storage.sqlite.backup import back_up

    settings = _settings()
    try:
        if settings.postgres is not None:
            asyncio.run(_back_up_postgres(settings, settings.postgres, file))
        else:
            back_up(settings.database, file)
        key = _copy_key(settings, file) if with_key else None
    except (LatchworkError, OSError) as error:
        fail(str(error))
    print(f"Backed up to {file}.")
    if key is not None:
        print(f"The master key is in {key}, in clear: whoever has both files can read every PIN.")
    elif settings.secret_key is not None:
        print("It opens with LATCHWORK_SECRET_KEY alone, which is not in it: keep that elsewhere.")
    else:
        print(
            f"It opens with the key in {settings.secret_key_file} alone, which is not in it: "
            "keep a copy of that elsewhere."
        )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `latchwork backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the SQLite file that stands; it is kept.")
    ] = False,
) -> None:
    """Makes a backup the database. Stop the server first; a PostgreSQL database must be empty."""
    from latchwork.domain.errors import LatchworkError, NeedsAttention
    from latchwork.storage.sqlite import backup as copies

    settings = _settings()
    try:
        if settings.secret_key is None and not settings.secret_key_file.exists():
            raise NeedsAttention(
                f"There is no key file {settings.secret_key_file}. Put the master key there that "
                "the backup was made with, or give it as LATCHWORK_SECRET_KEY."
            )
        from latchwork import composition

        vault = composition.open_vault(settings)
        if settings.postgres is not None:
            rows = asyncio.run(_restore_postgres(settings, settings.postgres, file))
            print(f"Restored and verified: {rows:,} rows. Start the servers when you are ready.")
            return
        aside = copies.restore(file, settings.database, vault, replace=replace)
    except (LatchworkError, OSError) as error:
        fail(str(error))
    print(f"Restored {settings.database}. Start the server when you are ready.")
    if aside is not None:
        print(f"What stood there before is kept as {aside}.")


def _settings() -> "Settings":
    from latchwork import config
    from latchwork.domain.errors import LatchworkError

    try:
        settings = config.here()
    except LatchworkError as error:
        fail(str(error))
    return settings


async def _back_up_postgres(settings: "Settings", url: "Secret", file: Path) -> None:
    from latchwork import composition
    from latchwork.storage.postgres.backup import back_up

    vault, now = composition.open_vault(settings), composition.clock.now
    await back_up(url.reveal(), file, vault, now, os.urandom)


async def _restore_postgres(settings: "Settings", url: "Secret", file: Path) -> int:
    from latchwork import composition
    from latchwork.storage.postgres.backup import restore

    vault, now = composition.open_vault(settings), composition.clock.now
    return await restore(file, url.reveal(), vault, now, os.urandom, tell_moved)


def _copy_key(settings: "Settings", file: Path) -> Path:
    """Beside the backup, readable by its owner alone."""
    from latchwork.domain.errors import NeedsAttention

    if settings.secret_key is not None:
        raise NeedsAttention(
            "The database is backed up. The master key comes from LATCHWORK_SECRET_KEY and is not "
            "copied: keep it yourself."
        )
    target = file.with_name(f"{file.name}.key")
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as copy:
        copy.write(settings.secret_key_file.read_bytes())
        os.fsync(copy.fileno())
    return target
