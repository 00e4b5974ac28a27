"""Locks: what providers tell of them, what the API lists of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from latchwork.domain.device import Device
from latchwork.domain.events import NewEvent
from latchwork.storage.instants import to_us
from latchwork.storage.interface import DeviceChange, DeviceFilter, DeviceView, Page
from latchwork.storage.sqlite import device_rows, slots, sql
from latchwork.storage.sqlite import events as event_queries
from latchwork.storage.sqlite.aggregate import Aggregate, json_text, page
from latchwork.storage.sqlite.code_rows import unblock_duplicates
from latchwork.storage.sqlite.database import Database
from latchwork.storage.sqlite.schedule import AUDIT, FRESH_SCAN, ask_rescan, make_due
from latchwork.storage.sqlite.session import Row

_COLUMNS = sql.of("d", device_rows.COLUMNS)
_PUT = sql.insert(
    "device",
    device_rows.COLUMNS,
    f"ON CONFLICT (device_id) DO UPDATE SET {sql.replacing(device_rows.TOLD)}",
)
_UPDATE = sql.update("device", device_rows.TOLD, "WHERE device_id = ?")
_SCHEDULE = sql.insert(
    "visit",
    ("device_id", "workspace_id", "connected_account_id"),
    "ON CONFLICT (device_id) DO NOTHING",
)
_BY_ID = sql.select(_COLUMNS, "FROM device d WHERE d.device_id = ?")
_OF_ACCOUNT = sql.select(
    _COLUMNS,
    "FROM device d WHERE d.connected_account_id = ? ORDER BY d.created_at, d.device_id",
)
_BY_KEY = sql.select(
    _COLUMNS, "FROM device d WHERE d.connected_account_id = ? AND d.provider_key = ?"
)


class SqliteDevices(Aggregate):
    """See DeviceStorage."""

    async def device(
        self, workspace_id: str, *, device_id: str | None = None, name: str | None = None
    ) -> DeviceView | None:
        where = sql.Where("d.workspace_id = ?", workspace_id)
        if device_id is not None:
            where.also("d.device_id = ?", device_id)
        if name is not None:
            where.also("(d.nickname = ? OR d.display_name = ?)", name, name)
        oldest = "ORDER BY d.created_at, d.device_id LIMIT 1"
        tables = device_rows.WITH_ACCOUNT_TABLES
        statement = sql.select(device_rows.WITH_ACCOUNT, "FROM", tables, where.sql, oldest)
        row = self._db.reading.one(statement, where.values)
        return None if row is None else _view_of(row)

    async def devices(
        self, workspace_id: str, where: DeviceFilter, *, limit: int, cursor: str | None
    ) -> Page[DeviceView]:
        return page(
            self._db,
            device_rows.WITH_ACCOUNT,
            device_rows.WITH_ACCOUNT_TABLES,
            _filtered(workspace_id, where),
            ("d.created_at", "d.device_id"),
            lambda rows: [_view_of(row) for row in rows],
            limit=limit,
            cursor=cursor,
        )

    async def devices_of_account(self, account_id: str) -> Sequence[Device]:
        rows = self._db.reading.all(_OF_ACCOUNT, (account_id,))
        return [device_rows.device_of(row) for row in rows]

    async def device_by_key(self, account_id: str, provider_key: str) -> Device | None:
        row = self._db.reading.one(_BY_KEY, (account_id, provider_key))
        return None if row is None else device_rows.device_of(row)

    async def upsert_device(
        self, device: Device, events: Sequence[NewEvent], now: datetime, *, due: bool
    ) -> None:
        db = self._db
        values = device_rows.values_of(device)

        def unit() -> None:
            db.writing.run(_PUT, values)
            place = (device.device_id, device.workspace_id, device.connected_account_id)
            db.writing.run(_SCHEDULE, place)
            _tell(db, device, events, now, due=due)

        await db.write(unit)

    async def change_device(
        self, device_id: str, change: DeviceChange, now: datetime
    ) -> Device | None:
        db = self._db

        def unit() -> Device | None:
            row = db.writing.one(_BY_ID, (device_id,))
            if row is None:
                return None
            standing = device_rows.device_of(row)
            device, events, due = change(standing)
            if device != standing:
                values = (*device_rows.told_values_of(device), device_id)
                db.writing.run(_UPDATE, values)
            _tell(db, device, events, now, due=due)
            return device_rows.copied(device, standing)

        return await db.write(unit)

    async def code_at(self, device_id: str, position: int) -> tuple[str | None, bool]:
        return slots.code_at(self._db.reading, device_id, position)

    async def rescan_device(self, device_id: str, now: datetime, *, positions: bool) -> None:
        db = self._db

        def unit() -> None:
            ask_rescan(db, device_id, FRESH_SCAN if positions else AUDIT)
            unblock_duplicates(db, device_id)
            make_due(db, device_id, to_us(now))

        await db.write(unit)


def _tell(
    db: Database, device: Device, events: Sequence[NewEvent], now: datetime, *, due: bool
) -> None:
    event_queries.append(db, device.workspace_id, device.connected_account_id, events)
    if due:
        make_due(db, device.device_id, to_us(now))


def _view_of(row: Row) -> DeviceView:
    device, account = device_rows.with_account_of(row)
    return DeviceView(device=device, account=account)


def _filtered(workspace_id: str, where: DeviceFilter) -> sql.Where:
    found = sql.Where("d.workspace_id = ?", workspace_id)
    found.any_of("d.connected_account_id", where.connected_account_ids)
    found.any_of("d.device_id", where.device_ids)
    found.any_of("d.device_type", where.device_types)
    if where.manufacturer is not None:
        found.also("d.manufacturer = ?", where.manufacturer)
    if where.created_before is not None:
        found.also("d.created_at < ?", to_us(where.created_before))
    _has_metadata(found, where.custom_metadata_has or {})
    found.contains(("d.display_name", "d.nickname"), where.search)
    return found


def _has_metadata(found: sql.Where, wanted: Mapping[str, Any]) -> None:
    """Each key with just this value: true is neither 1 nor "true"."""
    for key, value in wanted.items():
        as_json = json_text(value)
        found.also(
            "EXISTS (SELECT 1 FROM json_each(d.custom_metadata) m "
            "JOIN json_each(json_array(json(?))) w ON w.type = m.type AND w.value IS m.value "
            "WHERE m.key = ?)",
            as_json,
            key,
        )
