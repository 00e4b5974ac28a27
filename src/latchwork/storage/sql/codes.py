"""Access codes: the wishes of the API, and the views that it serves."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from latchwork.domain.access_code import AccessCode
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.commands import Command
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
from latchwork.storage.sql.schedule import make_each_due
from latchwork.storage.sql.session import Row, Session, Transaction
from latchwork.storage.vault import Vault

Hashed = tuple[AccessCode, bytes]
"""A code with the hash of its PIN."""

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
_BACKED: Final = (
    f"SELECT device_id FROM access_code WHERE device_id {sql.ANY_OF} "  # noqa: S608 - constants
    "AND pool IS NOT NULL AND pool = 'waiting' AND status = 'set' AND deleted_at IS NULL"
)
_ENTRIES: Final = sql.select(
    sql.of("s", slots.LEDGER), f"FROM ledger s WHERE s.access_code_id {sql.ANY_OF}"
)


class CodeQueries(Aggregate):
    """See CodeStorage."""

    async def create_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        command = Command(code, attempt, tuple(events), due_at)
        return (await self.create_codes([command]))[0]

    async def create_codes(self, commands: Sequence[Command]) -> Sequence[Duplicate | None]:
        db = self._db
        hashed = _hashed(db.vault, [command.code for command in commands])

        async def unit(tx: Transaction) -> Sequence[Duplicate | None]:
            found = await _duplicates(tx, hashed)
            if not any(found):
                await code_rows.add(tx, hashed)
                await _follow_up(tx, commands)
            return found

        return await db.write(unit, *_devices_of(commands))

    async def update_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        command = Command(code, attempt, tuple(events), due_at)
        return (await self.update_codes([command]))[0]

    async def update_codes(self, commands: Sequence[Command]) -> Sequence[Duplicate | None]:
        """What was proven of the lock (`evidence`, `scheduled_on_device`, `deleted_at`) is not
        written: visits may know better by now. Neither a deletion nor an update that leaves PIN
        and window as they are can make a duplicate."""
        db = self._db
        hashed = _hashed(db.vault, [command.code for command in commands])

        async def unit(tx: Transaction) -> Sequence[Duplicate | None]:
            found = await _change_duplicates(tx, hashed)
            if not any(found):
                await code_rows.replace_wishes(tx, hashed)
                await _follow_up(tx, commands)
            return found

        return await db.write(unit, *_devices_of(commands))

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
        statement = sql.select(_COLUMNS, "FROM access_code c", where.sql, newest)

        async def unit(session: Session) -> CodeView | None:
            views = await _views(session, await session.all(statement, where.values))
            return views[0] if views else None

        return await self._db.read(unit)

    async def codes(
        self, workspace_id: str, where: CodeFilter, *, limit: int, cursor: str | None
    ) -> Page[CodeView]:
        found = _live(workspace_id, where.device_id, where.common_code_key)
        found.any_of("c.access_code_id", where.access_code_ids)
        found.any_of("c.connected_account_id", where.connected_account_ids)
        found.contains(("c.name",), where.search)
        if where.pool is not None:
            found.also("c.pool = ?", where.pool.value)
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
        async def unit(session: Session) -> Sequence[Pin]:
            codes = await code_rows.of_device(session, device_id)
            ledger = await slots.entries(session, device_id)
            foreign = await slots.foreign_codes(session, device_id)
            pins = {code.pin for code in codes if code.is_issued}
            pins.update(code.pin for code in foreign if code.pin is not None)
            pins.update(*(entry.pins for entry in ledger))
            return sorted(pins, key=Pin.reveal)

        return await self._db.read(unit)


def _live(workspace_id: str, device_id: str | None, key: str | None = None) -> sql.Where:
    where = sql.Where("c.deleted_at IS NULL")
    if device_id is None and key is None:
        where.also("c.workspace_id = ?", workspace_id)
        return where
    where.also(f"{sql.UNSORTED}c.workspace_id = ?", workspace_id)
    if device_id is not None:
        where.also("c.device_id = ?", device_id)
    if key is not None:
        where.also("c.common_code_key = ?", key)
    return where


def _devices_of(commands: Sequence[Command]) -> set[str]:
    return {command.code.device_id for command in commands}


def _hashed(vault: Vault, codes: Iterable[AccessCode]) -> Sequence[Hashed]:
    return [(code, vault.pin_hash(code.device_id, code.pin)) for code in codes]


async def _duplicates(tx: Transaction, hashed: Sequence[Hashed]) -> Sequence[Duplicate | None]:
    asked = [(code.device_id, pin_hash, code.access_code_id) for code, pin_hash in hashed]
    found = await tx.all_each(_SAME_PIN, asked)
    return [_duplicate(code, rows) for (code, _), rows in zip(hashed, found, strict=True)]


def _duplicate(code: AccessCode, same: Sequence[Row]) -> Duplicate | None:
    """Of the codes with its PIN on its lock, one that is valid at the same time."""
    if not code.is_issued:
        return None
    for access_code_id, unmanaged_id, starts_at, ends_at in same:
        window = Window(from_us_or_none(starts_at), from_us_or_none(ends_at))
        if window.overlaps(code.window):
            return Duplicate(access_code_id, unmanaged_id)
    return None


async def _change_duplicates(
    tx: Transaction, hashed: Sequence[Hashed]
) -> Sequence[Duplicate | None]:
    standing = await tx.all_each(_STANDING, [(code.access_code_id,) for code, _ in hashed])
    found = await _duplicates(tx, hashed)
    return [
        None if _stays(code, pin_hash, rows) else duplicate
        for (code, pin_hash), rows, duplicate in zip(hashed, standing, found, strict=True)
    ]


def _stays(code: AccessCode, pin_hash: bytes, standing: Sequence[Row]) -> bool:
    """Whether the change leaves PIN and window as they are, or takes them away."""
    if not standing or standing[0][0] != code.generation - 1:
        raise StaleTokenError("The access code was changed by another request.")
    stays = (pin_hash, to_us_or_none(code.starts_at), to_us_or_none(code.ends_at))
    return code.delete_requested_at is not None or tuple(standing[0][1:]) == stays


async def add(tx: Transaction, codes: Iterable[AccessCode]) -> None:
    """For units: stores codes, whatever stands."""
    await code_rows.add(tx, _hashed(tx.vault, codes))


async def add_unless_taken(tx: Transaction, codes: Sequence[AccessCode]) -> set[str]:
    """For units: stores codes that the engine wishes for; answers the ids of those left out
    because their PIN is on the lock by now."""
    left_out = set()
    for one in _hashed(tx.vault, codes):
        if (await _duplicates(tx, [one]))[0] is None:
            await code_rows.add(tx, [one])
        else:
            left_out.add(one[0].access_code_id)
    return left_out


async def _follow_up(tx: Transaction, commands: Sequence[Command]) -> None:
    await attempts.add(tx, *(command.attempt for command in commands))
    due_at: dict[str, int] = {}
    for command in commands:
        code = command.code
        await event_queries.append(tx, code.workspace_id, code.connected_account_id, command.events)
        wished = to_us(command.due_at)
        due_at[code.device_id] = min(wished, due_at.get(code.device_id, wished))
    await make_each_due(tx, due_at)


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
    backed = await _with_backups(session, codes)
    return [
        CodeView(
            code=code,
            device=place_of[code.device_id][0],
            account=place_of[code.device_id][1],
            entry=entry_of.get(code.access_code_id),
            backup_available=code.device_id in backed and _may_pull(code),
        )
        for code in codes
    ]


def _may_pull(code: AccessCode) -> bool:
    return code.wants_pool and code.pulled_backup_id is None


async def _with_backups(session: Session, codes: Sequence[AccessCode]) -> set[str]:
    """The devices, of those asked for, on which a backup code is proven to stand."""
    asked = {code.device_id for code in codes if _may_pull(code)}
    if not asked:
        return set()
    return {row[0] for row in await session.all(_BACKED, (sql.listed(asked),))}
