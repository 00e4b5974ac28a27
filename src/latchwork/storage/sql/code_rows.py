"""Access codes as rows, and what visits write of them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from latchwork.domain.access_code import (
    AccessCode,
    Blocked,
    CodeStatus,
    CodeType,
    Evidence,
    EvidenceKind,
    Offline,
    Pool,
)
from latchwork.domain.pin import Pin
from latchwork.storage.instants import from_us, from_us_or_none, to_us, to_us_or_none
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import json_or_none, problems
from latchwork.storage.sql.session import Row, Session, Transaction
from latchwork.storage.vault import Vault

EVIDENCE: Final = (
    "evidence_kind",
    "evidence_position",
    "evidence_generation",
    "evidence_at",
)
"""Small columns, so that a row hardly grows when its code is proven."""

COLUMNS: Final = (
    "created_at",
    "access_code_id",
    "workspace_id",
    "device_id",
    "connected_account_id",
    *EVIDENCE,
    "scheduled_on_device",
    "deleted_at",
    "type",
    "name",
    "pin",
    "starts_at",
    "ends_at",
    "generation",
    "changed_at",
    "allow_external_modification",
    "prefer_native_scheduling",
    "attempt_for_offline_device",
    "common_code_key",
    "use_backup_pool",
    "pool",
    "pulled_backup_id",
    "offline",
    "status",
    "delete_requested_at",
    "errors",
    "warnings",
    "failures",
    "retry_at",
    "blocked",
)
_WISH: Final = (*COLUMNS[11:], "pin_hash")
"""What an update replaces; what was proven of the lock stays the engine's to write."""
_STATE: Final = (
    "status",
    *EVIDENCE,
    "scheduled_on_device",
    "errors",
    "warnings",
    "failures",
    "retry_at",
    "blocked",
)
_TYPES: Final = {member.value: member for member in CodeType}
_STATUSES: Final = {member.value: member for member in CodeStatus}
_ADD: Final = sql.Disjoint(sql.insert("access_code", (*COLUMNS, "pin_hash")))
_REPLACE: Final = sql.Disjoint(sql.update("access_code", _WISH, "WHERE access_code_id = ?"))
_OF_DEVICE: Final = sql.select(
    sql.of("c", COLUMNS),
    "FROM access_code c WHERE c.device_id = ? AND c.deleted_at IS NULL "
    "ORDER BY c.created_at, c.access_code_id",
)
_WRITE_STATE: Final = sql.Disjoint(
    sql.update("access_code", _STATE, "WHERE access_code_id = ? AND generation = ?")
)
_WRITE_PIN: Final = "UPDATE access_code SET pin = ?, pin_hash = ? WHERE access_code_id = ?"
_WRITE_DELETED: Final = sql.Disjoint(
    "UPDATE access_code SET deleted_at = ? WHERE access_code_id = ?"
)
_RETIRE: Final = (
    "UPDATE access_code SET delete_requested_at = ? "
    "WHERE access_code_id = ? AND generation = ? AND pool = 'waiting'"
)
_UNBLOCK: Final = (
    "UPDATE access_code SET blocked = NULL "
    "WHERE device_id = ? AND deleted_at IS NULL AND blocked = 'duplicate'"
)


async def add(tx: Transaction, codes: Iterable[tuple[AccessCode, bytes]]) -> None:
    """For units: codes, each with the hash of its PIN."""
    await tx.run_many(_ADD, [_values_of(tx.vault, code, pin_hash) for code, pin_hash in codes])


def _values_of(vault: Vault, code: AccessCode, pin_hash: bytes) -> Row:
    return (
        to_us(code.created_at),
        code.access_code_id,
        code.workspace_id,
        code.device_id,
        code.connected_account_id,
        *_evidence_values(code.evidence),
        code.scheduled_on_device,
        to_us_or_none(code.deleted_at),
        *_wish_values(vault, code),
        pin_hash,
    )


async def replace_wishes(tx: Transaction, codes: Iterable[tuple[AccessCode, bytes]]) -> None:
    """For units: codes, each with the hash of its PIN."""
    values = [
        (*_wish_values(tx.vault, code), pin_hash, code.access_code_id) for code, pin_hash in codes
    ]
    await tx.run_many(_REPLACE, values)


async def write_states(
    tx: Transaction, codes: Sequence[AccessCode], repinned: Collection[str]
) -> set[str]:
    """For units: what a visit found of the present generations of codes; of another generation
    nothing is written, and the code's id is in the answer. Of those `repinned` the visit changed
    the PIN too."""
    counts = await tx.run_each(_WRITE_STATE, [_state_values(code) for code in codes])
    stored = [code for code, count in zip(codes, counts, strict=True) if count]
    for code in stored:
        if code.access_code_id in repinned:
            # Changed by hand, as its owner allows, or issued: it is the code's own from now on.
            pin_hash = tx.vault.pin_hash(code.device_id, code.pin)
            await tx.run(_WRITE_PIN, (_sealed_pin(tx.vault, code), pin_hash, code.access_code_id))
        if code.pool is Pool.WAITING and code.delete_requested_at is not None:
            # The pool is the engine's own wish; any other code is removed at a caller's word alone.
            retired = (to_us(code.delete_requested_at), code.access_code_id, code.generation)
            await tx.run(_RETIRE, retired)
    if gone := [code for code in stored if code.deleted_at is not None]:
        values = [(to_us_or_none(code.deleted_at), code.access_code_id) for code in gone]
        await tx.run_many(_WRITE_DELETED, values)
    return {code.access_code_id for code in codes} - {code.access_code_id for code in stored}


def _state_values(code: AccessCode) -> Row:
    """Of _STATE, then the code and its generation."""
    return (
        code.status.value,
        *_evidence_values(code.evidence),
        code.scheduled_on_device,
        json_or_none(code.errors),
        json_or_none(code.warnings),
        code.failures,
        to_us_or_none(code.retry_at),
        None if code.blocked is None else code.blocked.value,
        code.access_code_id,
        code.generation,
    )


async def unblock_duplicates(tx: Transaction, device_id: str) -> None:
    """For units: PINs that the lock refused as duplicates may be tried again."""
    await tx.run(_UNBLOCK, (device_id,))


async def of_device(session: Session, device_id: str) -> tuple[AccessCode, ...]:
    """All that are not deleted, oldest first."""
    rows = await session.all(_OF_DEVICE, (device_id,))
    return tuple(code_of(session.vault, row) for row in rows)


def _wish_values(vault: Vault, code: AccessCode) -> Row:
    """Of _WISH, but for the hash."""
    return (
        code.type.value,
        code.name,
        _sealed_pin(vault, code),
        to_us_or_none(code.starts_at),
        to_us_or_none(code.ends_at),
        code.generation,
        to_us(code.changed_at),
        code.allow_external_modification,
        code.prefer_native_scheduling,
        code.attempt_for_offline_device,
        code.common_code_key,
        code.use_backup_pool,
        None if code.pool is None else code.pool.value,
        code.pulled_backup_id,
        None if code.offline is None else code.offline.value,
        code.status.value,
        to_us_or_none(code.delete_requested_at),
        json_or_none(code.errors),
        json_or_none(code.warnings),
        code.failures,
        to_us_or_none(code.retry_at),
        None if code.blocked is None else code.blocked.value,
    )


def _evidence_values(evidence: Evidence | None) -> Row:
    if evidence is None:
        return (None, None, None, None)
    observed_at = to_us(evidence.observed_at)
    return (evidence.kind.value, evidence.position, evidence.generation, observed_at)


def _evidence_of(values: Row) -> Evidence | None:
    kind, position, generation, observed_at = values
    if kind is None:
        return None
    return Evidence(EvidenceKind(kind), position, generation, from_us(observed_at))


def _sealed_pin(vault: Vault, code: AccessCode) -> bytes:
    return vault.seal("access_code", "pin", code.access_code_id, code.pin.reveal().encode())


def code_of(vault: Vault, row: Row) -> AccessCode:
    """From the values of COLUMNS."""
    created_at, access_code_id, workspace_id, device_id, connected_account_id = row[:5]
    scheduled_on_device, deleted_at, kind, name, pin = row[9:14]
    starts_at, ends_at, generation, changed_at, external, native, when_offline = row[14:21]
    common_code_key, use_backup_pool, pool, pulled_backup_id, offline = row[21:26]
    status, delete_requested_at, errors, warnings, failures, retry_at, blocked = row[26:]
    return AccessCode(
        access_code_id=access_code_id,
        workspace_id=workspace_id,
        device_id=device_id,
        connected_account_id=connected_account_id,
        type=_TYPES[kind],
        name=name,
        pin=Pin(vault.unseal("access_code", "pin", access_code_id, pin).decode()),
        created_at=from_us(created_at),
        starts_at=from_us_or_none(starts_at),
        ends_at=from_us_or_none(ends_at),
        generation=generation,
        changed_at=from_us(changed_at),
        allow_external_modification=bool(external),
        prefer_native_scheduling=bool(native),
        attempt_for_offline_device=bool(when_offline),
        common_code_key=common_code_key,
        use_backup_pool=bool(use_backup_pool),
        pool=None if pool is None else Pool(pool),
        pulled_backup_id=pulled_backup_id,
        offline=None if offline is None else Offline(offline),
        status=_STATUSES[status],
        evidence=_evidence_of(row[5:9]),
        scheduled_on_device=bool(scheduled_on_device),
        delete_requested_at=from_us_or_none(delete_requested_at),
        deleted_at=from_us_or_none(deleted_at),
        errors=problems(errors),
        warnings=problems(warnings),
        failures=failures,
        retry_at=from_us_or_none(retry_at),
        blocked=None if blocked is None else Blocked(blocked),
    )
