"""Storage on SQLite: one file, one writer, group commit."""

from latchwork.storage.sqlite.process_lock import ProcessLock, acquire_process_lock
from latchwork.storage.sqlite.storage import SqliteStorage

__all__ = ["ProcessLock", "SqliteStorage", "acquire_process_lock"]
