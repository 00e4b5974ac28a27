"""What a request's writes carry along in their own transactions: the mark of its idempotency key,
so that whether it was carried out is known for certain after a crash, and its entry in the audit
log. A unit that wrote nothing, such as one that met a duplicate PIN, carries neither: the request
can be carried out yet."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from latchwork.domain.audit import AuditEntry
from latchwork.domain.errors import Conflict
from latchwork.domain.idempotency import Claim
from latchwork.storage.audited import AUDITED
from latchwork.storage.claimed import CLAIMED
from latchwork.storage.sql import audit
from latchwork.storage.sql.session import Transaction

T = TypeVar("T")

_MARK: Final = "UPDATE idempotency_key SET performed = 1, ids = ? WHERE scope = ? AND token = ?"


def marked(unit: Callable[[Transaction], Awaitable[T]]) -> Callable[[Transaction], Awaitable[T]]:
    """The unit, with the mark of the current context's claim and with its audit entry. To be
    applied to each unit by each database's `write`, in its caller's context."""
    claim, entry = CLAIMED.get(), AUDITED.get()
    if entry is not None:
        unit = _recorded(unit, entry)
    return unit if claim is None else _claimed(unit, claim)


def _claimed(
    unit: Callable[[Transaction], Awaitable[T]], claim: Claim
) -> Callable[[Transaction], Awaitable[T]]:
    async def with_mark(tx: Transaction) -> T:
        before = tx.writes
        result = await unit(tx)
        if tx.writes != before:
            values = (msgspec.json.encode(claim.ids).decode(), claim.scope, claim.token)
            if await tx.run(_MARK, values) == 0:
                raise Conflict("Another request with this Idempotency-Key took over.")
        return result

    return with_mark


def _recorded(
    unit: Callable[[Transaction], Awaitable[T]], entry: AuditEntry
) -> Callable[[Transaction], Awaitable[T]]:
    async def with_entry(tx: Transaction) -> T:
        before = tx.writes
        answer = await unit(tx)
        if tx.writes != before:
            await audit.store(tx, entry)
        return answer

    return with_entry
