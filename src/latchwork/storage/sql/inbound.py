"""Deliveries of providers on their way to the process that keeps the account's connection."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain.errors import RetryLater
from latchwork.domain.ids import uuid7
from latchwork.storage.inbound import Delivery
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Transaction

_WORKSPACE: Final = "SELECT workspace_id FROM connected_account WHERE connected_account_id = ?"
_WAITING: Final = (
    "SELECT count(*) FROM (SELECT 1 FROM inbound_delivery WHERE connected_account_id = ? LIMIT ?) w"
)
_KEEP: Final = sql.insert(
    "inbound_delivery", ("delivery_id", "workspace_id", "connected_account_id", "content")
)
_OLDEST: Final = (
    "SELECT delivery_id, connected_account_id, content FROM inbound_delivery "  # noqa: S608
    f"WHERE connected_account_id {sql.ANY_OF} ORDER BY delivery_id LIMIT ?"
)
_DROP: Final = "DELETE FROM inbound_delivery WHERE delivery_id = ?"
_PRUNE: Final = (
    "DELETE FROM inbound_delivery WHERE delivery_id IN ("
    "SELECT delivery_id FROM inbound_delivery WHERE delivery_id < ? ORDER BY delivery_id LIMIT ?)"
)
_CONTENT: Final = msgspec.msgpack.Decoder(tuple[dict[str, str], bytes])


class InboundQueries(Aggregate):
    """See InboundStorage."""

    async def keep_delivery(
        self, account_id: str, headers: Mapping[str, str], body: bytes, *, at_most: int
    ) -> bool:
        vault = self._db.vault

        async def unit(tx: Transaction) -> bool:
            owner = await tx.one(_WORKSPACE, (account_id,))
            if owner is None:
                return False
            waiting = await tx.one(_WAITING, (account_id, at_most))
            if waiting is not None and waiting[0] >= at_most:
                raise RetryLater("Too many deliveries wait for the account already.")
            delivery_id = tx.new_id()
            plain = msgspec.msgpack.encode((dict(headers), body))
            content = vault.seal("inbound_delivery", "content", delivery_id, plain)
            await tx.run(_KEEP, (delivery_id, owner[0], account_id, content))
            tx.notify_accounts()
            return True

        return await self._db.write(unit, account_id)

    async def deliveries(self, accounts: Sequence[str], limit: int) -> Sequence[Delivery]:
        rows = await self._db.reading.all(_OLDEST, (sql.listed(accounts), limit))
        found = []
        for delivery_id, account_id, sealed in rows:
            plain = self._db.vault.unseal("inbound_delivery", "content", delivery_id, bytes(sealed))
            headers, body = _CONTENT.decode(plain)
            found.append(
                Delivery(
                    delivery_id=delivery_id,
                    connected_account_id=account_id,
                    headers=headers,
                    body=body,
                )
            )
        return found

    async def drop_delivery(self, delivery_id: str) -> None:
        await self._db.write(lambda tx: tx.run(_DROP, (delivery_id,)), delivery_id)

    async def prune_inbound(self, before: datetime, limit: int) -> int:
        values = (uuid7(before, bytes(10)), limit)
        return await self._db.write(lambda tx: tx.run(_PRUNE, values))
