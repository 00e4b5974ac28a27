"""Codes of other hands, as the API lists them."""

from typing import Final

from latchwork.domain.pin import Pin
from latchwork.storage.interface import Page, UnmanagedFilter, UnmanagedView
from latchwork.storage.sql import device_rows, slots, sql
from latchwork.storage.sql.aggregate import Aggregate, page
from latchwork.storage.sql.session import Row
from latchwork.storage.vault import Vault

_KEY: Final = ("s.created_at", "s.unmanaged_access_code_id")
_COLUMNS: Final = ", ".join((*_KEY, sql.of("s", slots.FOREIGN), device_rows.WITH_ACCOUNT))
_TABLES: Final = (
    "foreign_code s JOIN device d ON d.device_id = s.device_id "
    "JOIN connected_account a ON a.connected_account_id = d.connected_account_id"
)
_CODE_ENDS: Final = len(_KEY) + len(slots.FOREIGN)


class UnmanagedQueries(Aggregate):
    """The codes of other hands of CodeStorage."""

    async def unmanaged_code(
        self,
        workspace_id: str,
        *,
        access_code_id: str | None = None,
        device_id: str | None = None,
        pin: Pin | None = None,
    ) -> UnmanagedView | None:
        where = sql.Where("d.workspace_id = ?", workspace_id)
        if access_code_id is not None:
            where.also("s.unmanaged_access_code_id = ?", access_code_id)
        if device_id is not None:
            where.also("s.device_id = ?", device_id)
            if pin is not None:
                where.also("s.pin_hash = ?", self._db.vault.pin_hash(device_id, pin))
        statement = sql.select(_COLUMNS, "FROM", _TABLES, where.sql, "LIMIT 1")
        row = await self._db.reading.one(statement, where.values)
        return None if row is None else _view_of(self._db.vault, row)

    async def unmanaged_codes(
        self, workspace_id: str, where: UnmanagedFilter, *, limit: int, cursor: str | None
    ) -> Page[UnmanagedView]:
        found = sql.Where("d.workspace_id = ?", workspace_id)
        if where.device_id is not None:
            found.also("s.device_id = ?", where.device_id)
        found.any_of("d.connected_account_id", where.connected_account_ids)
        found.contains(("s.name",), where.search)
        return await page(
            self._db.reading,
            _COLUMNS,
            _TABLES,
            found,
            _KEY,
            lambda row: _view_of(self._db.vault, row),
            limit=limit,
            cursor=cursor,
        )


def _view_of(vault: Vault, row: Row) -> UnmanagedView:
    device, account = device_rows.with_account_of(row[_CODE_ENDS:])
    code = slots.foreign_of(vault, row[len(_KEY) : _CODE_ENDS])
    return UnmanagedView(code=code, device=device, account=account)
