"""The files of a database, before SQLite opens them."""

import os
from pathlib import Path

from latchwork.domain.errors import NeedsAttention


def open_private(path: Path) -> int:
    """A handle of a file that its owner alone may read, made when missing, with its folder. Raises
    NeedsAttention where it cannot be made or written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NeedsAttention(
            f"{path} cannot be opened for writing: {error.strerror}. Latchwork needs a folder that "
            "it can write to."
        ) from error


def left_behind(database: str | Path) -> int:
    """Bytes of the write-ahead log that a server left which did not close the database: it was
    killed, or the power went. SQLite takes in from it what was committed, when it is opened."""
    try:
        return Path(f"{database}-wal").stat().st_size
    except OSError:
        return 0
