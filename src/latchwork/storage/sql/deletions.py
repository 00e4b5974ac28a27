"""Forgetting locks and accounts, with all that is theirs. Events are what remains."""

from collections.abc import Sequence
from typing import Final

from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.device import ConnectedAccount
from latchwork.storage.access import AccountDeletion, AccountRenewal
from latchwork.storage.interface import DeviceDeletion
from latchwork.storage.sql import accounts, attempts, code_rows, device_rows, sql
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Transaction

_DEVICE: Final = sql.select(
    device_rows.WITH_ACCOUNT,
    f"FROM {device_rows.WITH_ACCOUNT_TABLES} WHERE d.workspace_id = ? AND d.device_id = ?",
)
_DEVICES: Final = sql.select(
    device_rows.WITH_ACCOUNT,
    f"FROM {device_rows.WITH_ACCOUNT_TABLES} WHERE d.connected_account_id = ? "
    "ORDER BY d.created_at, d.device_id",
)
_ACCOUNT: Final = sql.select(
    sql.of("a", accounts.COLUMNS),
    "FROM connected_account a WHERE a.workspace_id = ? AND a.connected_account_id = ?",
)
_ACCOUNTS: Final = sql.select(
    sql.of("a", accounts.COLUMNS),
    "FROM connected_account a WHERE a.workspace_id = ? "
    "ORDER BY a.created_at, a.connected_account_id",
)
_OF_DEVICE: Final = ("visit", "action_attempt", "foreign_code", "ledger", "access_code", "device")
"""Tables, in an order in which nothing is left that refers to what is gone. First what a visit
must hold to write any of them: one under way ends before, and what it wrote goes too."""


class DeletionQueries(Aggregate):
    """The deletions of DeviceStorage and AccountStorage."""

    async def delete_device(self, workspace_id: str, device_id: str, told: DeviceDeletion) -> bool:
        async def unit(tx: Transaction) -> bool:
            row = await tx.one(_DEVICE, (workspace_id, device_id))
            if row is None:
                return False
            device, account = device_rows.with_account_of(row)
            codes = await code_rows.of_device(tx, device_id)
            await event_queries.append(tx, workspace_id, None, told(device, account, codes))
            await tx.store_recorded()
            await _forget(tx, [device_id])
            return True

        return await self._db.write(unit, device_id)

    async def delete_account(
        self, workspace_id: str, account_id: str, told: AccountDeletion
    ) -> bool:
        async def unit(tx: Transaction) -> bool:
            row = await tx.one(_ACCOUNT, (workspace_id, account_id))
            if row is None:
                return False
            await _forget_account(tx, accounts.account_of(row), told)
            return True

        return await self._db.write(unit, account_id)

    async def reset_workspace(
        self,
        workspace_id: str,
        told: AccountDeletion,
        anew: AccountRenewal,
        attempt: ActionAttempt,
    ) -> None:
        async def unit(tx: Transaction) -> None:
            rows = await tx.all(_ACCOUNTS, (workspace_id,))
            for account in [accounts.account_of(row) for row in rows]:
                settings, secrets = await accounts.settings_of(tx, account.connected_account_id)
                await _forget_account(tx, account, told)
                renewed = anew(account)
                if renewed is not None:
                    await accounts.add_or_renew(tx, renewed, settings, secrets, settings)
            await attempts.add(tx, attempt)

        await self._db.write(unit, workspace_id)


async def _forget_account(
    tx: Transaction, account: ConnectedAccount, told: AccountDeletion
) -> None:
    account_id = account.connected_account_id
    rows = await tx.all(_DEVICES, (account_id,))
    devices = [device_rows.with_account_of(row)[0] for row in rows]
    held = [(d, await code_rows.of_device(tx, d.device_id)) for d in devices]
    await event_queries.append(tx, account.workspace_id, None, told(account, held))
    await tx.store_recorded()
    await _forget(tx, [device.device_id for device in devices])
    for table in ("driver_store", "connected_account"):
        await tx.run(_delete(table, "connected_account_id"), (account_id,))
    tx.notify_accounts()


async def _forget(tx: Transaction, device_ids: Sequence[str]) -> None:
    for table in _OF_DEVICE:
        await tx.run_many(_delete(table, "device_id"), [(device_id,) for device_id in device_ids])


def _delete(table: str, column: str) -> str:
    return f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608 - constants
