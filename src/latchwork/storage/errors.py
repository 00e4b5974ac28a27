"""What storage raises."""

from latchwork.domain.errors import RetryLater


class StaleTokenError(Exception):
    """The lease was lost: another visit owns the device. Nothing was written."""


class StorageUnavailable(RetryLater):
    """The database did not take a write or answer a read (disk full, locked by another process).
    Nothing of the write is stored."""
