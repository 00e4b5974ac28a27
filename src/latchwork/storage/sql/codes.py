"""Access codes: the wishes of the API, and the views that it serves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.storage.instants import from_us_or_none, to_us, to_us_or_none
from latchwork.storage.interface import (
    CodeFilter,
    CodeView,
    Duplicate,
    Page,
    StaleTokenError,
)
from latchwork.storage.sql import attempts, code_rows, device_rows, slots, sql
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql.aggregate import Aggregate, page
from latchwork.storage.sql.schedule import make_due
from latchwork.storage.sql.session import Row, Session, Transaction

_COLUMNS: Final = sql.of("c", code_rows.COLUMNS)
_SAME_PIN: Final = (
    "SELECT access_code_id, NULL, starts_at, ends_at FROM access_code "
    "WHERE device_id = ?1 AND pin_hash = ?2 AND deleted_at IS NULL AND access_code_id <> ?3 "
    "UNION ALL SELECT NULL, unmanaged_access_code_id, starts_at, ends_at FROM foreign_code "
    "WHERE device_id = ?1 AND pin_hash = ?2"
)
_STANDING: Final = (
    "SELECT generation, pin_hash, starts_at, ends_at FROM access_code "
    "WHERE access_code_id = ? AND deleted_at IS NULL"
)
_DEVICES: Final = sql.select(
    device_rows.WITH_ACCOUNT,
    f"FROM {device_rows.WITH_ACCOUNT_TABLES} WHERE d.device_id {sql.ANY_OF}",
)
_ENTRIES: Final = sql.select(
    sql.of("s", slots.LEDGER), f"FROM ledger s WHERE s.access_code_id {sql.ANY_OF}"
)


class CodeQueries(Aggregate):
    """See CodeStorage."""

    async def create_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        db = self._db
        pin_hash = db.vault.pin_hash(code.device_id, code.pin)

        async def unit(tx: Transaction) -> Duplicate | None:
            duplicate = await _duplicate(tx, code, pin_hash)
            if duplicate is None:
                await code_rows.add(tx, code, pin_hash)
                await _follow_up(tx, code, attempt, events, due_at)
            return duplicate

        return await db.write(unit, code.device_id)

    async def update_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        """What was proven of the lock (`evidence`, `scheduled_on_device`, `deleted_at`) is not
        written: visits may know better by now. Neither a deletion nor an update that leaves PIN
        and window as they are can make a duplicate."""
        db = self._db
        pin_hash = db.vault.pin_hash(code.device_id, code.pin)
        stays = (pin_hash, to_us_or_none(code.starts_at), to_us_or_none(code.ends_at))

        async def unit(tx: Transaction) -> Duplicate | None:
            standing = await tx.one(_STANDING, (code.access_code_id,))
            if standing is None or standing[0] != code.generation - 1:
                raise StaleTokenError("The access code was changed by another request.")
            if code.delete_requested_at is None and standing[1:] != stays:
                duplicate = await _duplicate(tx, code, pin_hash)
                if duplicate is not None:
                    return duplicate
            await code_rows.replace_wish(tx, code, pin_hash)
            await _follow_up(tx, code, attempt, events, due_at)
            return None

        return await db.write(unit, code.device_id)

    async def code(
        self,
        workspace_id: str,
        *,
        access_code_id: str | None = None,
        device_id: str | None = None,
        pin: Pin | None = None,
    ) -> CodeView | None:
        where = _live(workspace_id, device_id)
        if access_code_id is not None:
            where.also("c.access_code_id = ?", access_code_id)
        if device_id is not None and pin is not None:
            where.also("c.pin_hash = ?", self._db.vault.pin_hash(device_id, pin))
        newest = "ORDER BY c.created_at DESC, c.access_code_id DESC LIMIT 1"
        async with self._db.view() as session:
            rows = await session.all(
                sql.select(_COLUMNS, "FROM access_code c", where.sql, newest), where.values
            )
            views = await _views(session, rows)
        return views[0] if views else None

    async def codes(
        self, workspace_id: str, where: CodeFilter, *, limit: int, cursor: str | None
    ) -> Page[CodeView]:
        found = _live(workspace_id, where.device_id)
        found.any_of("c.access_code_id", where.access_code_ids)
        found.any_of("c.connected_account_id", where.connected_account_ids)
        found.contains(("c.name",), where.search)
        async with self._db.view() as session:
            rows = await page(
                session,
                _COLUMNS,
                "access_code c",
                found,
                ("c.created_at", "c.access_code_id"),
                tuple,
                limit=limit,
                cursor=cursor,
            )
            return Page(tuple(await _views(session, rows.items)), rows.next_cursor)

    async def pins_on(self, device_id: str) -> Sequence[Pin]:
        async with self._db.view() as session:
            codes = await code_rows.of_device(session, device_id)
            ledger = await slots.entries(session, device_id)
            foreign = await slots.foreign_codes(session, device_id)
        pins = {code.pin for code in codes}
        pins.update(code.pin for code in foreign if code.pin is not None)
        for entry in ledger:
            # An earlier PIN opens the lock until the new one is written over it.
            pins.update((entry.pin, *entry.earlier_pins))
            if entry.confirmed_pin is not None:
                pins.add(entry.confirmed_pin)
        return sorted(pins, key=Pin.reveal)


def _live(workspace_id: str, device_id: str | None) -> sql.Where:
    where = sql.Where("c.deleted_at IS NULL")
    if device_id is None:
        where.also("c.workspace_id = ?", workspace_id)
    else:
        where.also(f"c.device_id = ? AND {sql.UNSORTED}c.workspace_id = ?", device_id, workspace_id)
    return where


async def _duplicate(tx: Transaction, code: AccessCode, pin_hash: bytes) -> Duplicate | None:
    same = await tx.all(_SAME_PIN, (code.device_id, pin_hash, code.access_code_id))
    for access_code_id, unmanaged_id, starts_at, ends_at in same:
        window = Window(from_us_or_none(starts_at), from_us_or_none(ends_at))
        if window.overlaps(code.window):
            return Duplicate(access_code_id, unmanaged_id)
    return None


async def _follow_up(
    tx: Transaction,
    code: AccessCode,
    attempt: ActionAttempt,
    events: Sequence[NewEvent],
    due_at: datetime,
) -> None:
    await attempts.add(tx, attempt)
    await event_queries.append(tx, code.workspace_id, code.connected_account_id, events)
    await make_due(tx, code.device_id, to_us(due_at))


async def _views(session: Session, rows: Sequence[Row]) -> list[CodeView]:
    codes = [code_rows.code_of(session.vault, row) for row in rows]
    devices = sql.listed({code.device_id for code in codes})
    found = await session.all(_DEVICES, (devices,))
    places = [device_rows.with_account_of(row) for row in found]
    place_of = {device.device_id: (device, account) for device, account in places}
    ids = sql.listed(code.access_code_id for code in codes)
    listed = await session.all(_ENTRIES, (ids,))
    entries = [slots.entry_of(session.vault, row) for row in listed]
    entry_of = {entry.access_code_id: entry for entry in entries}
    return [
        CodeView(
            code=code,
            device=place_of[code.device_id][0],
            account=place_of[code.device_id][1],
            entry=entry_of.get(code.access_code_id),
        )
        for code in codes
    ]
