"""Every write of a request with an idempotency key marks the key in its own transaction, so that
whether the request was carried out is known for certain after a crash. A unit that wrote nothing,
such as one that met a duplicate PIN, marks nothing: the request can be carried out yet."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from latchwork.domain.errors import Conflict
from latchwork.storage.claimed import CLAIMED
from latchwork.storage.sql.session import Transaction

T = TypeVar("T")

_MARK: Final = "UPDATE idempotency_key SET performed = 1, ids = ? WHERE scope = ? AND token = ?"


def marked(unit: Callable[[Transaction], Awaitable[T]]) -> Callable[[Transaction], Awaitable[T]]:
    """The unit, with the mark of the current context's claim. To be applied to each unit by each
    database's `write`, in its caller's context."""
    claim = CLAIMED.get()
    if claim is None:
        return unit

    async def with_mark(tx: Transaction) -> T:
        before = tx.writes
        result = await unit(tx)
        if tx.writes != before:
            values = (msgspec.json.encode(claim.ids).decode(), claim.scope, claim.token)
            if await tx.run(_MARK, values) == 0:
                raise Conflict("Another request with this Idempotency-Key took over.")
        return result

    return with_mark
