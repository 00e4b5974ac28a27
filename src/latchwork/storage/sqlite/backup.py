"""Copies of the database file: made whole while a server writes, put back while none runs."""

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.disk import sync_folder
from latchwork.storage.sql import schema
from latchwork.storage.sqlite import migrations
from latchwork.storage.sqlite.process_lock import acquire_process_lock
from latchwork.storage.vault import Vault

PATIENCE: Final = 30.0
"""Seconds to wait for a database that another program holds."""
_BESIDE: Final = ("", "-wal", "-shm")


def back_up(database: Path, target: Path) -> None:
    """Writes the database as it is at one instant to `target`, a single file readable by its owner
    alone; it appears whole or not at all. A server may run and write meanwhile. Raises
    NeedsAttention when there is nothing to copy, or when `target` exists."""
    if not database.is_file():
        raise NeedsAttention(f"There is no database {database}.")
    draft = draft_beside(target)
    try:
        with closing(_connect(database)) as source, closing(_connect(draft)) as copy:
            _check(source, database)
            # In one step: a copy in several would start anew whenever the server writes.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            check_whole(copy, draft)
        publish(draft, target)
    except sqlite3.DatabaseError as error:
        raise NeedsAttention(f"The backup could not be made: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)


def restore(backup: Path, database: Path, vault: Vault, *, replace: bool) -> Path | None:
    """Makes `backup` the database. With `replace`, what stands there is kept beside it under the
    name that is answered. Raises NeedsAttention, with nothing changed, while a server runs, when
    a database stands there and shall not be replaced, and for a file that is damaged, of a newer
    release, of another program or of another master key."""
    with acquire_process_lock(database):
        draft = draft_beside(database)
        try:
            copy_checked(backup, draft, vault)
            if not database.exists():
                publish(draft, database)
                return None
            if not replace:
                raise NeedsAttention(f"There is a database {database}. --replace replaces it.")
            aside = _aside(database)
            draft.rename(database)
            sync_folder(database.parent)
            return aside
        finally:
            draft.unlink(missing_ok=True)


def copy_checked(backup: Path, draft: Path, vault: Vault) -> None:
    """Copies a backup to a file of our own, and checks it: see `restore`."""
    if not backup.is_file():
        raise NeedsAttention(f"There is no backup {backup}.")
    try:
        with closing(_connect(backup)) as source, closing(_connect(draft)) as copy:
            _check(source, backup)
            stored = source.execute("SELECT fingerprint FROM vault").fetchone()
            if stored is not None and stored[0] != vault.fingerprint:
                raise NeedsAttention(
                    "The backup was made with another master key. Give that key with it."
                )
            source.backup(copy)
            check_whole(copy, backup)
        _sync(draft)
    except sqlite3.DatabaseError as error:
        raise NeedsAttention(f"The backup {backup} cannot be read: {error}.") from error


def _connect(path: Path) -> sqlite3.Connection:
    """Of a file that is there: SQLite would make an empty one of a name that is mistyped."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if migrations.check(connection, schema.shipped()) == 0:
        raise NeedsAttention(f"There is nothing in {path}.")


def check_whole(connection: sqlite3.Connection, path: Path) -> None:
    """Raises NeedsAttention for a damaged database."""
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise NeedsAttention(f"{path} is damaged: {found}.")


def draft_beside(target: Path) -> Path:
    """A new, empty file in the target's folder that its owner alone may read."""
    if not target.parent.is_dir():
        raise NeedsAttention(f"There is no folder {target.parent}.")
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}.new")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    return draft


def remove(draft: Path) -> None:
    """The file, with what SQLite may have made beside it."""
    for suffix in _BESIDE:
        Path(f"{draft}{suffix}").unlink(missing_ok=True)


def publish(draft: Path, target: Path) -> None:
    """Linking makes a complete file appear at once, and never over another."""
    _sync(draft)
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise NeedsAttention(f"There is a file {target}. Choose another name.") from None
    sync_folder(target.parent)


def _aside(database: Path) -> Path:
    """Moves the database out of the way, its log first: a log beside another database would be
    taken for that one's own."""
    aside = database.with_name(f"{database.name}.{secrets.token_hex(4)}.replaced")
    for suffix in reversed(_BESIDE):
        part = Path(f"{database}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    return aside


def _sync(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
