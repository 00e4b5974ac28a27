"""Which process keeps which account's connection: every account has one owner at a time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from latchwork.storage.instants import to_us
from latchwork.storage.ownership import Term
from latchwork.storage.sql import schema, sql
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.idempotency import keep_claims
from latchwork.storage.sql.session import Transaction

_PROCESS: Final = ("process_id", "works", "schema_known", "alive_until", "server", "expected_by")
_BEAT: Final = sql.insert(
    "process", _PROCESS, f"ON CONFLICT (process_id) DO UPDATE SET {sql.replacing(_PROCESS[1:])}"
)
BURY: Final = "DELETE FROM process WHERE alive_until <= ?"
_LEAVE: Final = "DELETE FROM process WHERE process_id = ?"
_FREE_ORPHANS: Final = (
    "DELETE FROM account_owner WHERE process_id NOT IN (SELECT process_id FROM process) "
    "OR connected_account_id NOT IN (SELECT connected_account_id FROM connected_account)"
)
_COUNTS: Final = (
    "SELECT (SELECT count(*) FROM process WHERE works = 1), "
    "(SELECT count(*) FROM connected_account)"
)
_OWN: Final = (
    "SELECT connected_account_id FROM account_owner WHERE process_id = ? "
    "ORDER BY connected_account_id"
)
_FREE: Final = (
    "SELECT a.connected_account_id FROM connected_account a "
    "LEFT JOIN account_owner o ON o.connected_account_id = a.connected_account_id "
    "WHERE o.process_id IS NULL ORDER BY a.connected_account_id LIMIT ?"
)
_TAKE: Final = sql.insert("account_owner", ("connected_account_id", "process_id"))
_RELEASE: Final = "DELETE FROM account_owner WHERE connected_account_id = ? AND process_id = ?"
_CLEAR: Final = (
    "UPDATE visit SET leased_until = NULL, due_at = ?, token = token + 1 "
    "WHERE leased_until IS NOT NULL AND connected_account_id = ?"
)
_EVERYBODY: Final = "owners of accounts"


class OwnershipQueries(Aggregate):
    """See OwnershipStorage."""

    @property
    def process_id(self) -> str:
        return self._db.process_id

    async def beat(self, process_id: str, now: datetime, term: Term) -> None:
        async def unit(tx: Transaction) -> None:
            await self._beat(tx, process_id, now, term, works=False)

        await self._db.write(unit, _EVERYBODY)
        await keep_claims(self._db, now)

    async def share_accounts(self, process_id: str, now: datetime, term: Term) -> Sequence[str]:
        async def unit(tx: Transaction) -> Sequence[str]:
            await self._beat(tx, process_id, now, term, works=True)
            await tx.run(_FREE_ORPHANS)
            workers, accounts = await tx.one(_COUNTS) or (1, 0)
            share = -(-accounts // workers)
            own = [row[0] for row in await tx.all(_OWN, (process_id,))]
            room = max(share - len(own), 0)
            taken = [row[0] for row in await tx.all(_FREE, (room,))]
            if taken:
                await tx.run_many(_TAKE, [(account_id, process_id) for account_id in taken])
                # Visits of the owner before, which is dead, can write no more.
                await tx.run_many(_CLEAR, [(to_us(now), account_id) for account_id in taken])
                tx.notify_due()
            return (*own[:share], *taken)

        shared = await self._db.write(unit, _EVERYBODY)
        await keep_claims(self._db, now)
        return shared

    async def give_accounts_back(self, process_id: str, keep: Sequence[str]) -> None:
        async def unit(tx: Transaction) -> None:
            own = [row[0] for row in await tx.all(_OWN, (process_id,))]
            spare = [(account_id, process_id) for account_id in own if account_id not in keep]
            if spare:
                await tx.run_many(_RELEASE, spare)

        await self._db.write(unit, _EVERYBODY)

    async def leave(self, process_id: str) -> None:
        async def unit(tx: Transaction) -> None:
            await tx.run(_LEAVE, (process_id,))
            await tx.run(_FREE_ORPHANS)

        await self._db.write(unit, _EVERYBODY)

    async def _beat(
        self, tx: Transaction, process_id: str, now: datetime, term: Term, *, works: bool
    ) -> None:
        known = schema.shipped()[-1].version
        server = self._db.seen_at(process_id)
        expected_by = None if server is None else to_us(now + term.without_session)
        alive_until = to_us(now + term.at_most)
        await tx.run(_BEAT, (process_id, int(works), known, alive_until, server, expected_by))
        await tx.run(BURY, (to_us(now),))
