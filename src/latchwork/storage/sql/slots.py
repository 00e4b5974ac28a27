"""Positions on locks: the ledger of ours, and the codes of others."""

from collections.abc import Iterable, Sequence

import msgspec

from latchwork.domain.pin import Pin
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.window import Window
from latchwork.storage.instants import from_us, from_us_or_none, to_us, to_us_or_none
from latchwork.storage.sql import sql
from latchwork.storage.sql.session import Row, Session, Transaction
from latchwork.storage.vault import Vault

LEDGER = (
    "device_id",
    "position",
    "access_code_id",
    "generation",
    "pins",
    "name",
    "scheduled",
    "starts_at",
    "ends_at",
    "phase",
    "written_at",
    "confirmed_at",
    "appearance",
)
FOREIGN = (
    "device_id",
    "position",
    "unmanaged_access_code_id",
    "pin",
    "pin_hash",
    "name",
    "scheduled",
    "starts_at",
    "ends_at",
    "created_at",
    "failures",
    "retry_at",
)
_AT_POSITION = "ON CONFLICT (device_id, position) DO UPDATE SET"
_SAME_CODE = "WHERE device_id = ? AND position = ? AND access_code_id = ?"
_CHANGE_ENTRY = sql.Disjoint(sql.update("ledger", LEDGER[3:], _SAME_CODE))
_OWNER = ("workspace_id",)
_PUT_ENTRY = sql.Disjoint(
    sql.insert("ledger", (*LEDGER, *_OWNER), f"{_AT_POSITION} {sql.replacing(LEDGER[2:])}")
)
_PUT_FOREIGN = sql.insert(
    "foreign_code", (*FOREIGN, *_OWNER), f"{_AT_POSITION} {sql.replacing(FOREIGN[2:])}"
)
_DROP_ENTRY = sql.Disjoint("DELETE FROM ledger WHERE device_id = ? AND position = ?")
_DROP_FOREIGN = "DELETE FROM foreign_code WHERE device_id = ? AND position = ?"
_OF_DEVICE = "WHERE s.device_id = ? ORDER BY s.position"
_ENTRIES = sql.select(sql.of("s", LEDGER), "FROM ledger s", _OF_DEVICE)
_FOREIGN_CODES = sql.select(sql.of("s", FOREIGN), "FROM foreign_code s", _OF_DEVICE)
_CODE_AT = (
    "SELECT access_code_id, 1 FROM ledger WHERE device_id = ?1 AND position = ?2 UNION ALL "
    "SELECT unmanaged_access_code_id, 0 FROM foreign_code WHERE device_id = ?1 AND position = ?2"
)
_PINS = msgspec.json.Decoder(tuple[str, str | None, list[str]])
"""Sealed as one: what the position shall hold, what was proven there, what came before."""


async def write(
    tx: Transaction,
    workspace_id: str,
    device_id: str,
    *,
    ledger: Sequence[LedgerEntry],
    ledger_removed: Iterable[int],
    foreign: Sequence[ForeignCode],
    foreign_removed: Iterable[int],
) -> None:
    """For units."""
    if removed := [(device_id, position) for position in ledger_removed]:
        await tx.run_many(_DROP_ENTRY, removed)
    if removed := [(device_id, position) for position in foreign_removed]:
        await tx.run_many(_DROP_FOREIGN, removed)
    # Most entries change for the same code, which leaves the index by code alone; what is reserved
    # and not written yet is new most often.
    new: list[Row] = []
    known: list[Row] = []
    for entry in ledger:
        is_new = entry.phase is Phase.RESERVED and entry.written_at is None
        (new if is_new else known).append(_values_of_entry(tx.vault, entry))
    if known:
        counts = await tx.run_each(_CHANGE_ENTRY, [(*v[3:], *v[:3]) for v in known])
        new += [values for values, count in zip(known, counts, strict=True) if not count]
    if new:
        await tx.run_many(_PUT_ENTRY, [(*values, workspace_id) for values in new])
    for code in foreign:
        await tx.run(_PUT_FOREIGN, (*_values_of_foreign(tx.vault, code), workspace_id))


async def entries(session: Session, device_id: str) -> tuple[LedgerEntry, ...]:
    rows = await session.all(_ENTRIES, (device_id,))
    return tuple(entry_of(session.vault, row) for row in rows)


async def foreign_codes(session: Session, device_id: str) -> tuple[ForeignCode, ...]:
    rows = await session.all(_FOREIGN_CODES, (device_id,))
    return tuple(foreign_of(session.vault, row) for row in rows)


async def code_at(session: Session, device_id: str, position: int) -> tuple[str | None, bool]:
    """The id of the code there, and whether it is one of ours."""
    row = await session.one(_CODE_AT, (device_id, position))
    return (None, False) if row is None else (row[0], bool(row[1]))


def _values_of_entry(vault: Vault, entry: LedgerEntry) -> Row:
    confirmed = entry.confirmed_pin
    pins = (
        entry.pin.reveal(),
        None if confirmed is None else confirmed.reveal(),
        [pin.reveal() for pin in entry.earlier_pins],
    )
    row_id = f"{entry.device_id}/{entry.position}"
    return (
        entry.device_id,
        entry.position,
        entry.access_code_id,
        entry.generation,
        vault.seal("ledger", "pins", row_id, msgspec.json.encode(pins)),
        entry.name,
        *_window_values(entry.window),
        entry.phase.value,
        to_us_or_none(entry.written_at),
        to_us_or_none(entry.confirmed_at),
        entry.appearance,
    )


def entry_of(vault: Vault, row: Row) -> LedgerEntry:
    """From the values of LEDGER."""
    device_id, position, access_code_id, generation, sealed, name = row[:6]
    scheduled, starts_at, ends_at, phase, written_at, confirmed_at, appearance = row[6:]
    pins = vault.unseal("ledger", "pins", f"{device_id}/{position}", sealed)
    pin, confirmed, earlier = _PINS.decode(pins)
    return LedgerEntry(
        device_id=device_id,
        position=position,
        access_code_id=access_code_id,
        generation=generation,
        pin=Pin(pin),
        earlier_pins=tuple(Pin(p) for p in earlier),
        name=name,
        window=_window_of(scheduled, starts_at, ends_at),
        phase=Phase(phase),
        written_at=from_us_or_none(written_at),
        confirmed_at=from_us_or_none(confirmed_at),
        confirmed_pin=None if confirmed is None else Pin(confirmed),
        appearance=appearance,
    )


def _values_of_foreign(vault: Vault, code: ForeignCode) -> Row:
    sealed = hashed = None
    if code.pin is not None:
        plain = code.pin.reveal().encode()
        sealed = vault.seal("foreign_code", "pin", code.unmanaged_access_code_id, plain)
        hashed = vault.pin_hash(code.device_id, code.pin)
    return (
        code.device_id,
        code.position,
        code.unmanaged_access_code_id,
        sealed,
        hashed,
        code.name,
        *_window_values(code.window),
        to_us(code.created_at),
        code.failures,
        to_us_or_none(code.retry_at),
    )


def foreign_of(vault: Vault, row: Row) -> ForeignCode:
    """From the values of FOREIGN."""
    device_id, position, code_id, sealed, _hashed, name = row[:6]
    scheduled, starts_at, ends_at, created_at, failures, retry_at = row[6:]
    pin = None
    if sealed is not None:
        pin = Pin(vault.unseal("foreign_code", "pin", code_id, sealed).decode())
    return ForeignCode(
        unmanaged_access_code_id=code_id,
        device_id=device_id,
        position=position,
        pin=pin,
        name=name,
        window=_window_of(scheduled, starts_at, ends_at),
        created_at=from_us(created_at),
        failures=failures,
        retry_at=from_us_or_none(retry_at),
    )


def _window_values(window: Window | None) -> tuple[bool, int | None, int | None]:
    if window is None:
        return False, None, None
    return True, to_us_or_none(window.starts_at), to_us_or_none(window.ends_at)


def _window_of(scheduled: int, starts_at: int | None, ends_at: int | None) -> Window | None:
    if not scheduled:
        return None
    return Window(from_us_or_none(starts_at), from_us_or_none(ends_at))
