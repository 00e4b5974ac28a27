"""Action attempts: what callers poll, and what the engine is asked to carry out."""

from collections.abc import Iterable, Sequence
from typing import Final

from latchwork.domain.action_attempt import (
    ENGINE_ACTIONS,
    HIDDEN,
    ActionAttempt,
    ActionType,
    AttemptStatus,
)
from latchwork.domain.pin import Pin
from latchwork.storage.instants import from_us, to_us
from latchwork.storage.interface import Page
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate, json_or_none, mapping, page
from latchwork.storage.sql.schedule import make_due
from latchwork.storage.sql.session import Row, Session, Transaction
from latchwork.storage.vault import Vault

_COLUMNS: Final = (
    "created_at",
    "action_attempt_id",
    "workspace_id",
    "action_type",
    "status",
    "device_id",
    "access_code_id",
    "generation",
    "error_type",
    "error_message",
    "parameters",
    "code",
)
_SELECTED: Final = sql.of("t", _COLUMNS)
_ADD: Final = sql.Disjoint(sql.insert("action_attempt", _COLUMNS))
_BY_ID: Final = sql.select(
    _SELECTED, "FROM action_attempt t WHERE t.workspace_id = ? AND t.action_attempt_id = ?"
)
_PENDING: Final = sql.select(
    _SELECTED,
    "FROM action_attempt t WHERE t.device_id = ? AND t.status = 'pending' "
    "AND t.access_code_id IS NULL ORDER BY t.created_at, t.action_attempt_id",
)
_END: Final = sql.Disjoint(
    "UPDATE action_attempt SET status = ?, error_type = ?, error_message = ?, parameters = ? "
    "WHERE action_attempt_id = ?"
)
_SUCCEED: Final = sql.Disjoint(
    "UPDATE action_attempt SET status = 'success' "
    "WHERE access_code_id = ? AND status = 'pending' AND generation <= ?"
)


async def add(tx: Transaction, *attempts: ActionAttempt) -> None:
    """For units."""
    await tx.run_many(_ADD, [_values_of(tx.vault, attempt) for attempt in attempts])


def _values_of(vault: Vault, attempt: ActionAttempt) -> Row:
    code = None
    if attempt.code is not None:
        plain = attempt.code.reveal().encode()
        code = vault.seal("action_attempt", "code", attempt.action_attempt_id, plain)
    return (
        to_us(attempt.created_at),
        attempt.action_attempt_id,
        attempt.workspace_id,
        attempt.action_type.value,
        attempt.status.value,
        attempt.device_id,
        attempt.access_code_id,
        attempt.generation,
        attempt.error_type,
        attempt.error_message,
        json_or_none(attempt.values),
        code,
    )


async def end(tx: Transaction, attempts: Iterable[ActionAttempt]) -> None:
    """For units: how actions of the engine went."""
    ended = [
        (
            attempt.status.value,
            attempt.error_type,
            attempt.error_message,
            json_or_none(attempt.values),
            attempt.action_attempt_id,
        )
        for attempt in attempts
    ]
    if ended:
        await tx.run_many(_END, ended)


async def converge(tx: Transaction, codes: Sequence[tuple[str, int]]) -> None:
    """For units: attempts of these codes, up to these generations, have their effect."""
    if codes:
        await tx.run_many(_SUCCEED, codes)


async def pending(session: Session, device_id: str) -> tuple[ActionAttempt, ...]:
    """For the engine to carry out, oldest first."""
    rows = await session.all(_PENDING, (device_id,))
    found = [_attempt_of(session.vault, row) for row in rows]
    return tuple(attempt for attempt in found if attempt.action_type in ENGINE_ACTIONS)


def _attempt_of(vault: Vault, row: Row) -> ActionAttempt:
    created_at, attempt_id, workspace_id, action_type, status, device_id, code_id = row[:7]
    generation, error_type, error_message, parameters, sealed = row[7:]
    code = None
    if sealed is not None:
        code = Pin(vault.unseal("action_attempt", "code", attempt_id, sealed).decode())
    return ActionAttempt(
        action_attempt_id=attempt_id,
        workspace_id=workspace_id,
        action_type=ActionType(action_type),
        created_at=from_us(created_at),
        status=AttemptStatus(status),
        device_id=device_id,
        access_code_id=code_id,
        generation=generation,
        error_type=error_type,
        error_message=error_message,
        values=mapping(parameters),
        code=code,
    )


class AttemptQueries(Aggregate):
    """The attempts of CodeStorage."""

    async def add_attempt(self, attempt: ActionAttempt) -> None:
        keys = () if attempt.device_id is None else (attempt.device_id,)

        async def unit(tx: Transaction) -> None:
            await add(tx, attempt)
            if attempt.device_id is not None:
                await make_due(tx, attempt.device_id, tx.now_us())

        await self._db.write(unit, *keys)

    async def attempt(self, workspace_id: str, attempt_id: str) -> ActionAttempt | None:
        row = await self._db.reading.one(_BY_ID, (workspace_id, attempt_id))
        return None if row is None else _attempt_of(self._db.vault, row)

    async def attempts(
        self,
        workspace_id: str,
        *,
        ids: Sequence[str] | None,
        device_id: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page[ActionAttempt]:
        """Those that are not shown to callers are not listed."""
        where = sql.Where("t.workspace_id = ?", workspace_id)
        for hidden in sorted(HIDDEN):
            where.also("t.action_type <> ?", hidden.value)
        where.any_of("t.action_attempt_id", ids)
        if device_id is not None:
            where.also("t.device_id = ?", device_id)
        return await page(
            self._db.reading,
            _SELECTED,
            "action_attempt t",
            where,
            ("t.created_at", "t.action_attempt_id"),
            lambda row: _attempt_of(self._db.vault, row),
            limit=limit,
            cursor=cursor,
        )
