"""One server process per database file: group commit and leases rely on being alone."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.sqlite.files import open_private


class ProcessLock:
    """Held until `release`, or until the process ends in whatever way."""

    def __init__(self, handle: int) -> None:
        self._handle: int | None = handle

    def release(self) -> None:
        """Idempotent."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def acquire_process_lock(database: str | Path) -> ProcessLock:
    """Takes the lock beside the database file. Raises NeedsAttention when another server has it."""
    path = Path(f"{database}.lock")
    handle = open_private(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise NeedsAttention(
            f"Another Latchwork server is running on {database}. Stop it first."
        ) from None
    return ProcessLock(handle)
