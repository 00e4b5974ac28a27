"""What the queries ask of a database: statements, one after the other, on rows as tuples."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from latchwork.domain.events import NewEvent
from latchwork.domain.webhook import Webhook
from latchwork.storage.vault import Vault

T = TypeVar("T")

Row = tuple[Any, ...]
Values = Sequence[Any]


class Session(Protocol):
    """Statements on one connection. Raises StorageUnavailable when the database does not answer."""

    vault: Vault

    async def one(self, sql: str, values: Values = ()) -> Row | None:
        """The first row, or None."""

    async def all(self, sql: str, values: Values = ()) -> Sequence[Row]: ...
    async def all_each(self, sql: str, many: Iterable[Values]) -> Sequence[Sequence[Row]]:
        """Of a statement that only reads: the rows for each of many values, in one round trip
        where that saves time."""

    async def run(self, sql: str, values: Values = ()) -> int:
        """How many rows were changed."""

    async def run_many(self, sql: str, many: Iterable[Values]) -> None:
        """One statement for each of many values, in one round trip where that saves time."""

    async def run_each(self, sql: str, many: Iterable[Values]) -> Sequence[int]:
        """Like run_many; how many rows were changed by each."""


class Storing(Session, Protocol):
    """What storing events takes."""

    def now_us(self) -> int: ...
    def new_id(self) -> str: ...
    def notify_messages(self) -> None:
        """Tells the deliverer after the commit."""


class Transaction(Storing, Protocol):
    """What a unit is given: statements that are stored together, or not at all."""

    @property
    def writes(self) -> int:
        """Grows with each statement that changed something, and each event recorded."""

    async def record(self, workspace_id: str, events: Sequence[NewEvent]) -> None:
        """Stores events in this order, with a message for each endpoint that wants one. A later
        statement of the unit need not see them yet."""

    async def webhook(self, webhook_id: str) -> Webhook:
        """An endpoint as of this transaction."""

    async def store_recorded(self) -> None:
        """To be called before something is deleted that events of the unit tell of."""

    async def webhooks_changed(self, workspace_id: str) -> None:
        """To be called after a change of endpoints."""

    def notify_due(self) -> None:
        """Tells the engine after the commit."""

    def notify_accounts(self) -> None:
        """Tells those who keep accounts connected after the commit."""


class Database(Protocol):
    """What every file of queries is given."""

    vault: Vault
    reading: Session
    """For a single statement, which sees what is committed."""
    due_listeners: list[Callable[[], None]]
    message_listeners: list[Callable[[], None]]
    account_listeners: list[Callable[[], None]]
    process_id: str
    """Of this process among those that share the database; new with each start. Empty where none
    does."""
    under_way: dict[str, tuple[bytes, int]]
    """Requests with an idempotency key that this process is carrying out: the claim's scope and
    its beginning (microseconds), by its token."""

    def seen_at(self, process_id: str) -> str | None:
        """The database's server, if it sees that this process is there for as long as it is; its
        name is another one after a restart. None: no server does."""

    def now_us(self) -> int: ...
    def remembered(
        self, device_id: str | None, key: Hashable, look_up: Callable[[], Awaitable[T | None]]
    ) -> Awaitable[T | None]:
        """The answer of `look_up`, or what it answered the last time if it would answer the same
        now. It reads one committed row of `device`, that of `device_id`, or none and as many
        as it likes of `connected_account`, `api_key` and `workspace`; `key` says which."""

    def view(self) -> AbstractAsyncContextManager[Session]:
        """One consistent view of the database for several reads."""

    async def read(self, unit: Callable[[Session], Awaitable[T]]) -> T:
        """Runs a unit on one consistent view, which it may share with others; its answer. The unit
        must wait for nothing but the session, and may be run again."""

    async def write(self, unit: Callable[[Transaction], Awaitable[T]], *keys: str) -> T:
        """Runs a unit in one durable transaction, which it may share with others; its answer,
        once that is on disk. The unit must wait for nothing but its transaction, and may be run
        again: it must change nothing but the database. `keys`: the devices (or whatever else) whose
        rows it changes, or that it reads before it writes: it runs beside no unit that has one of
        them, and without any beside none in its transaction. Each unit is `marked`."""

    async def check(self) -> None:
        """Raises StorageUnavailable when reads fail, or the last write did."""

    async def aclose(self) -> None: ...
