"""Locks: what providers tell of them, what the API lists of them."""

from collections.abc import Awaitable, Sequence
from datetime import datetime

from latchwork.domain.device import Device
from latchwork.domain.events import NewEvent
from latchwork.storage.instants import to_us
from latchwork.storage.interface import DeviceChange, DeviceFilter, DeviceView, Page
from latchwork.storage.sql import device_rows, slots, sql
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql.aggregate import Aggregate, page
from latchwork.storage.sql.code_rows import unblock_duplicates
from latchwork.storage.sql.schedule import AUDIT, FRESH_SCAN, ask_rescan, make_due
from latchwork.storage.sql.session import Row, Transaction

_COLUMNS = sql.of("d", device_rows.COLUMNS)
_PUT = sql.insert(
    "device",
    device_rows.COLUMNS,
    f"ON CONFLICT (device_id) DO UPDATE SET {sql.replacing(device_rows.TOLD)}",
)
_UPDATE = sql.update("device", device_rows.CHANGEABLE, "WHERE device_id = ?")
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


class DeviceQueries(Aggregate):
    """See DeviceStorage."""

    async def device(
        self,
        workspace_id: str,
        *,
        device_id: str | None = None,
        name: str | None = None,
        is_managed: bool | None = True,
    ) -> DeviceView | None:
        def look_up() -> Awaitable[DeviceView | None]:
            return self._device(workspace_id, device_id, name, is_managed)

        if device_id is None or name is not None:
            return await look_up()
        return await self._db.remembered(device_id, (workspace_id, is_managed), look_up)

    async def _device(
        self, workspace_id: str, device_id: str | None, name: str | None, is_managed: bool | None
    ) -> DeviceView | None:
        where = sql.Where("d.workspace_id = ?", workspace_id)
        if is_managed is not None:
            where.also("d.is_managed = ?", int(is_managed))
        if device_id is not None:
            where.also("d.device_id = ?", device_id)
        if name is not None:
            where.also("(d.nickname = ? OR d.display_name = ?)", name, name)
        oldest = "ORDER BY d.created_at, d.device_id LIMIT 1"
        tables = device_rows.WITH_ACCOUNT_TABLES
        statement = sql.select(device_rows.WITH_ACCOUNT, "FROM", tables, where.sql, oldest)
        row = await self._db.reading.one(statement, where.values)
        return None if row is None else _view_of(row)

    async def devices(
        self, workspace_id: str, where: DeviceFilter, *, limit: int, cursor: str | None
    ) -> Page[DeviceView]:
        return await page(
            self._db.reading,
            device_rows.WITH_ACCOUNT,
            device_rows.WITH_ACCOUNT_TABLES,
            _filtered(workspace_id, where),
            ("d.created_at", "d.device_id"),
            _view_of,
            limit=limit,
            cursor=cursor,
        )

    async def devices_of_account(self, account_id: str) -> Sequence[Device]:
        rows = await self._db.reading.all(_OF_ACCOUNT, (account_id,))
        return [device_rows.device_of(row) for row in rows]

    async def device_by_key(self, account_id: str, provider_key: str) -> Device | None:
        row = await self._db.reading.one(_BY_KEY, (account_id, provider_key))
        return None if row is None else device_rows.device_of(row)

    async def upsert_device(
        self, device: Device, events: Sequence[NewEvent], now: datetime, *, due: bool
    ) -> None:
        values = device_rows.values_of(device)

        async def unit(tx: Transaction) -> None:
            await tx.run(_PUT, values)
            place = (device.device_id, device.workspace_id, device.connected_account_id)
            await tx.run(_SCHEDULE, place)
            await _tell(tx, device, events, now, due=due)

        await self._db.write(unit, device.device_id)

    async def change_device(
        self, device_id: str, change: DeviceChange, now: datetime
    ) -> Device | None:
        async def unit(tx: Transaction) -> Device | None:
            row = await tx.one(_BY_ID, (device_id,))
            if row is None:
                return None
            standing = device_rows.device_of(row)
            device, events, due = change(standing)
            if device != standing:
                values = (*device_rows.changeable_values_of(device), device_id)
                await tx.run(_UPDATE, values)
            await _tell(tx, device, events, now, due=due)
            return device_rows.copied(device, standing)

        return await self._db.write(unit, device_id)

    async def code_at(self, device_id: str, position: int) -> tuple[str | None, bool]:
        return await slots.code_at(self._db.reading, device_id, position)

    async def rescan_device(self, device_id: str, now: datetime, *, positions: bool) -> None:
        async def unit(tx: Transaction) -> None:
            await ask_rescan(tx, device_id, FRESH_SCAN if positions else AUDIT)
            await unblock_duplicates(tx, device_id)
            await make_due(tx, device_id, to_us(now))

        await self._db.write(unit, device_id)


async def _tell(
    tx: Transaction, device: Device, events: Sequence[NewEvent], now: datetime, *, due: bool
) -> None:
    await event_queries.append(tx, device.workspace_id, device.connected_account_id, events)
    if due:
        await make_due(tx, device.device_id, to_us(now))


def _view_of(row: Row) -> DeviceView:
    device, account = device_rows.with_account_of(row)
    return DeviceView(device=device, account=account)


def _filtered(workspace_id: str, where: DeviceFilter) -> sql.Where:
    found = sql.Where("d.workspace_id = ?", workspace_id)
    if where.is_managed is not None:
        found.also("d.is_managed = ?", int(where.is_managed))
    found.any_of("d.connected_account_id", where.connected_account_ids)
    found.any_of("d.device_id", where.device_ids)
    found.any_of("d.device_type", where.device_types)
    if where.manufacturer is not None:
        found.also("d.manufacturer = ?", where.manufacturer)
    if where.created_before is not None:
        found.also("d.created_at < ?", to_us(where.created_before))
    found.any_of("a.provider", where.providers)
    for name, wanted in where.capabilities:
        found.also(f"{'' if wanted else 'NOT '}{sql.has('d.capabilities')}", "true", name)
    found.has("d.custom_metadata", where.custom_metadata_has)
    found.contains(("d.display_name", "d.nickname"), where.search)
    return found
