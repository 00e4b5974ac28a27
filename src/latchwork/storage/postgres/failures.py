"""PostgreSQL's errors, named by what the caller must do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from latchwork.domain.errors import Rejected
from latchwork.storage.interface import StorageUnavailable

BROKEN: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    OSError,
    TimeoutError,
)
"""No connection, or one that is no use any more: the server went, or another one is in charge."""
CROSSED: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
)
"""Two transactions were in each other's way; this one was undone and may be done again."""
SHORT: Final = (
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
)
TRANSIENT: Final = (*BROKEN, *CROSSED)


@contextmanager
def named() -> Iterator[None]:
    """Turns what cannot be tried again at once into the house's errors."""
    try:
        yield
    except asyncpg.CharacterNotInRepertoireError:
        raise Rejected("text", "A text holds a character that cannot be stored (NUL).") from None
    except (*BROKEN, *SHORT) as error:
        raise unavailable(error) from error


def unavailable(error: BaseException) -> StorageUnavailable:
    # The server's message names tables and constraints; its detail, which may hold values, is
    # left out.
    said = error.args[0] if error.args else ""
    text = said if isinstance(said, str) and said else type(error).__name__
    return StorageUnavailable(f"The database did not answer: {text}.")
