"""Idempotency keys: who may carry a request out, and what it was answered."""

from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain.idempotency import CLAIM, KEPT, Answered, Claim, Held, Unanswered
from latchwork.storage.instants import to_us
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Row, Transaction

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
_TAKE_OVER: Final = sql.update("idempotency_key", _CLAIM[1:], "WHERE scope = ? AND token = ?")
_FORGET: Final = "DELETE FROM idempotency_key WHERE scope = ? AND token = ?"
_ANSWER: Final = "UPDATE idempotency_key SET status = ?, body = ? WHERE scope = ? AND token = ?"
END_CLAIMS: Final = "UPDATE idempotency_key SET claimed_until = ? WHERE status IS NULL"
"""For the one process that owns the database, at its start: nobody is carrying anything out."""
_RELEASE: Final = "UPDATE idempotency_key SET claimed_until = ? WHERE scope = ? AND token = ?"
_PRUNE: Final = (
    "DELETE FROM idempotency_key WHERE scope IN ("
    "SELECT scope FROM idempotency_key WHERE created_at <= ? ORDER BY created_at LIMIT ?)"
)
_PRUNED_WITH_EACH: Final = 20


class IdempotencyQueries(Aggregate):
    """See IdempotencyStorage. Its own writes belong to no claim."""

    async def claim_request(
        self, scope: str, parameters: bytes, token: str, now: datetime
    ) -> Claim | Answered | Unanswered | Held:
        hashed_scope = self._db.vault.request_hash(scope.encode())
        hashed = self._db.vault.request_hash(parameters)
        claim = Claim(scope=hashed_scope, token=token)
        claimed_until = to_us(now + CLAIM)
        values = (to_us(now), hashed, token, claimed_until, 0, "[]", None, None)

        async def unit(tx: Transaction) -> Claim | Answered | Unanswered | Held:
            await tx.run(_PRUNE, (to_us(now - KEPT), _PRUNED_WITH_EACH))
            if await tx.run(_ADD, (hashed_scope, *values)):
                return claim
            row = await tx.one(_FIND, (hashed_scope,))
            if row is None:
                return Held.UNDER_WAY
            standing = _standing(tx, row, hashed_scope, hashed, now)
            if standing is not None:
                return standing
            taken = await tx.run(_TAKE_OVER, (*values, hashed_scope, row[2]))
            return claim if taken else Held.UNDER_WAY

        return await self._db.write(unit, hashed_scope.hex())

    async def answer_request(self, claim: Claim, answer: Answered) -> None:
        place = claim.scope.hex()
        body = self._db.vault.seal("idempotency_key", "body", place, answer.body)
        values = (answer.status, body, claim.scope, claim.token)
        await self._db.write(lambda tx: tx.run(_ANSWER, values), place)

    async def release_request(self, claim: Claim, now: datetime) -> None:
        values = (to_us(now), claim.scope, claim.token)
        await self._db.write(lambda tx: tx.run(_RELEASE, values), claim.scope.hex())

    async def forget_request(self, claim: Claim) -> None:
        values = (claim.scope, claim.token)
        await self._db.write(lambda tx: tx.run(_FORGET, values), claim.scope.hex())

    async def prune_requests(self, now: datetime, limit: int = 1000) -> int:
        values = (to_us(now - KEPT), limit)
        return await self._db.write(lambda tx: tx.run(_PRUNE, values))


def _standing(
    tx: Transaction, row: Row, scope: bytes, parameters: bytes, now: datetime
) -> Answered | Unanswered | Held | None:
    """What became of the first request; None when it may be begun anew."""
    created_at, first, _token, claimed_until, performed, ids, status, body = row
    if created_at <= to_us(now - KEPT):
        return None
    if bytes(first) != parameters:
        return Held.OTHER_PARAMETERS
    if status is not None:
        opened = tx.vault.unseal("idempotency_key", "body", scope.hex(), bytes(body))
        return Answered(status=status, body=opened)
    if claimed_until > to_us(now):
        return Held.UNDER_WAY
    return Unanswered(ids=tuple(msgspec.json.decode(ids, type=list[str]))) if performed else None
