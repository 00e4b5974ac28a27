"""Idempotency keys: who may carry a request out, and what it was answered.

A claim's token begins with the id of the process that holds it. What a process carries out itself
it knows; of another one's claim it asks whether that process is alive.
"""

from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain.idempotency import CLAIM, KEPT, Answered, Claim, Held, Unanswered
from latchwork.storage.instants import to_us
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Database, Row, Transaction

_CLAIM: Final = (
    "scope",
    "created_at",
    "parameters",
    "token",
    "claimed_until",
    "performed",
    "ids",
    "status",
    "body",
)
_ADD: Final = sql.insert(
    "idempotency_key",
    _CLAIM,
    "ON CONFLICT (scope) DO NOTHING",
)
_FIND: Final = (
    "SELECT created_at, parameters, token, claimed_until, performed, ids, status, body "
    "FROM idempotency_key WHERE scope = ?"
)
# Who is taken for dead may carry it out at this very moment: then `performed` is not what was read.
_TAKE_OVER: Final = sql.update(
    "idempotency_key", _CLAIM[1:], "WHERE scope = ? AND token = ? AND performed = ?"
)
_FORGET: Final = "DELETE FROM idempotency_key WHERE scope = ? AND token = ?"
_ANSWER: Final = "UPDATE idempotency_key SET status = ?, body = ? WHERE scope = ? AND token = ?"
ALIVE: Final = "SELECT 1 FROM process WHERE process_id = ? AND alive_until > ?"
_HOLD_UNTIL: Final = "UPDATE idempotency_key SET claimed_until = ? WHERE scope = ? AND token = ?"
_PRUNE: Final = (
    "DELETE FROM idempotency_key WHERE scope IN ("
    "SELECT scope FROM idempotency_key WHERE created_at <= ? ORDER BY created_at LIMIT ?)"
)
_PRUNED_WITH_EACH: Final = 20
_OF_PROCESS: Final = "."
"""Ends the process's id in a token; older releases' tokens have none."""


class IdempotencyQueries(Aggregate):
    """See IdempotencyStorage. Its own writes belong to no claim."""

    async def claim_request(
        self, scope: str, parameters: bytes, token: str, now: datetime
    ) -> Claim | Answered | Unanswered | Held:
        hashed_scope = self._db.vault.request_hash(scope.encode())
        hashed = self._db.vault.request_hash(parameters)
        claim = Claim(scope=hashed_scope, token=f"{self._db.process_id}{_OF_PROCESS}{token}")
        claimed_until = to_us(now + CLAIM)
        values = (to_us(now), hashed, claim.token, claimed_until, 0, "[]", None, None)

        async def unit(tx: Transaction) -> Claim | Answered | Unanswered | Held:
            await tx.run(_PRUNE, (to_us(now - KEPT), _PRUNED_WITH_EACH))
            if await tx.run(_ADD, (hashed_scope, *values)):
                return claim
            row = await tx.one(_FIND, (hashed_scope,))
            if row is None:
                return Held.UNDER_WAY
            standing = await self._standing(tx, row, hashed_scope, hashed, now)
            if standing is not None:
                return standing
            taken = await tx.run(_TAKE_OVER, (*values, hashed_scope, row[2], row[4]))
            return claim if taken else Held.UNDER_WAY

        # Before the write: others may ask in the same transaction.
        self._db.under_way[claim.token] = (claim.scope, to_us(now))
        found: Claim | Answered | Unanswered | Held | None = None
        try:
            found = await self._db.write(unit, hashed_scope.hex())
        finally:
            if found is not claim:
                self.end_request(claim)
        return found

    async def answer_request(self, claim: Claim, answer: Answered) -> None:
        place = claim.scope.hex()
        body = self._db.vault.seal("idempotency_key", "body", place, answer.body)
        values = (answer.status, body, claim.scope, claim.token)
        await self._db.write(lambda tx: tx.run(_ANSWER, values), place)

    async def release_request(self, claim: Claim, now: datetime) -> None:
        await _hold_until(self._db, claim.scope, claim.token, now)

    def end_request(self, claim: Claim) -> None:
        self._db.under_way.pop(claim.token, None)

    async def forget_request(self, claim: Claim) -> None:
        values = (claim.scope, claim.token)
        await self._db.write(lambda tx: tx.run(_FORGET, values), claim.scope.hex())

    async def prune_requests(self, now: datetime, limit: int = 1000) -> int:
        values = (to_us(now - KEPT), limit)
        return await self._db.write(lambda tx: tx.run(_PRUNE, values))

    async def _standing(
        self, tx: Transaction, row: Row, scope: bytes, parameters: bytes, now: datetime
    ) -> Answered | Unanswered | Held | None:
        """What became of the first request; None when it may be begun anew."""
        created_at, first, token, claimed_until, performed, ids, status, body = row
        if created_at <= to_us(now - KEPT):
            return None
        if bytes(first) != parameters:
            return Held.OTHER_PARAMETERS
        if status is not None:
            opened = tx.vault.unseal("idempotency_key", "body", scope.hex(), bytes(body))
            return Answered(status=status, body=opened)
        if await self._is_held(tx, token, claimed_until, to_us(now)):
            return Held.UNDER_WAY
        if not performed:
            return None
        return Unanswered(ids=tuple(msgspec.json.decode(ids, type=list[str])))

    async def _is_held(self, tx: Transaction, token: str, until: int, now_us: int) -> bool:
        process_id, ending, _ = token.rpartition(_OF_PROCESS)
        if ending and process_id == self._db.process_id:
            return token in self._db.under_way
        if until <= now_us:
            return False
        return not ending or await tx.one(ALIVE, (process_id, now_us)) is not None


async def keep_claims(db: Database, now: datetime) -> None:
    """To be called now and then where there are other processes: they take a claim that has been
    held for long for an abandoned one."""
    for token, (scope, begun) in tuple(db.under_way.items()):
        if begun <= to_us(now - CLAIM / 2):
            await _hold_until(db, scope, token, now + CLAIM)


async def _hold_until(db: Database, scope: bytes, token: str, until: datetime) -> None:
    values = (to_us(until), scope, token)
    await db.write(lambda tx: tx.run(_HOLD_UNTIL, values), scope.hex())
