"""What providers delivered to a process that does not keep the account's connection."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a provider's. Headers and body may hold PINs."""

    delivery_id: str
    connected_account_id: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Delivery({self.delivery_id})"


class InboundStorage(Protocol):
    """Deliveries that wait for the process which keeps their account's connection."""

    async def keep_delivery(
        self, account_id: str, headers: Mapping[str, str], body: bytes, *, at_most: int
    ) -> bool:
        """Stored, and the owner told, when it returns. False: there is no such account. Raises
        RetryLater, with nothing stored, while `at_most` wait for the account already."""

    async def deliveries(self, accounts: Sequence[str], limit: int) -> Sequence[Delivery]:
        """Those that wait for these accounts, oldest first."""

    async def drop_delivery(self, delivery_id: str) -> None:
        """It has been taken; idempotent."""

    async def prune_inbound(self, before: datetime, limit: int) -> int:
        """Those that wait since before then; see RetentionStorage."""
