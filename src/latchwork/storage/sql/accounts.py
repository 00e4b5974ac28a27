"""Connected accounts, their settings and secrets, and their drivers' own store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from latchwork.domain.device import ConnectedAccount, SyncDue
from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Secret
from latchwork.storage.instants import (
    from_us,
    from_us_or_none,
    span_from_us,
    span_to_us,
    to_us,
    to_us_or_none,
)
from latchwork.storage.interface import AccountChange, Page
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import (
    Aggregate,
    json_or_none,
    json_text,
    mapping,
    page,
    problems,
)
from latchwork.storage.sql.schedule import make_all_due
from latchwork.storage.sql.session import Row, Session, Transaction
from latchwork.storage.vault import Vault

COLUMNS = (
    "created_at",
    "connected_account_id",
    "workspace_id",
    "provider",
    "display_name",
    "connected",
    "lead_time",
    "custom_metadata",
    "automatically_manage_new_devices",
    "accepted_capabilities",
    "suspended",
    "sync_requested_at",
    "sync_due",
    "errors",
    "warnings",
    "renewed_at",
)
_CAPABILITIES = msgspec.json.Decoder(tuple[str, ...])
_COLUMNS = sql.of("a", COLUMNS)
_FROM = "FROM connected_account a"
_ADD = sql.insert("connected_account", (*COLUMNS, "settings", "settings_hash", "secrets"))
_SAME = sql.select(
    _COLUMNS, _FROM, "WHERE a.workspace_id = ? AND a.provider = ? AND a.settings_hash = ?"
)
_BY_ID = sql.select(_COLUMNS, _FROM, "WHERE a.workspace_id = ? AND a.connected_account_id = ?")
_BY_ID_ALONE = sql.select(_COLUMNS, _FROM, "WHERE a.connected_account_id = ?")
_ALL = sql.select(_COLUMNS, _FROM, "ORDER BY a.created_at, a.connected_account_id")
_SETTINGS = "SELECT settings, secrets FROM connected_account WHERE connected_account_id = ?"
_WAS_CONNECTED = "SELECT connected FROM connected_account WHERE connected_account_id = ?"
_SET_STATE = sql.update(
    "connected_account",
    ("connected", "sync_due", "errors", "warnings"),
    "WHERE connected_account_id = ?",
)
_REPLACE = sql.update("connected_account", COLUMNS, "WHERE connected_account_id = ?")
_WORKSPACE = "SELECT workspace_id FROM connected_account WHERE connected_account_id = ?"
_STORE_LOAD = "SELECT key, value FROM driver_store WHERE connected_account_id = ?"
_STORE_VALUE = "SELECT value FROM driver_store WHERE connected_account_id = ? AND key = ?"
_STORE_SAVE = sql.insert(
    "driver_store",
    ("workspace_id", "connected_account_id", "key", "value"),
    "ON CONFLICT (connected_account_id, key) DO UPDATE SET value = excluded.value",
)


_RENEW = sql.update(
    "connected_account", ("secrets", "renewed_at"), "WHERE connected_account_id = ?"
)


async def add_or_renew(
    tx: Transaction,
    account: ConnectedAccount,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Secret],
    identity: Mapping[str, Any],
    *,
    anew: bool = False,
) -> tuple[ConnectedAccount, bool]:
    """For units: the account as stored, or the one of the same identity with these secrets;
    whether it is new. `anew`: its connection is made anew even if its secrets stay."""
    known = tx.vault.settings_hash(json_text(dict(identity)).encode())
    standing = await tx.one(_SAME, (account.workspace_id, account.provider, known))
    found = account if standing is None else account_of(standing)
    account_id = found.connected_account_id
    if standing is not None:
        _, held = await settings_of(tx, account_id)
        if anew or (secrets and secrets != held):
            sealed = _sealed(tx.vault, account_id, secrets or held)
            await tx.run(_RENEW, (sealed, tx.now_us(), account_id))
            tx.notify_accounts()
        return found, False
    sealed = _sealed(tx.vault, account_id, secrets)
    plain = json_text(dict(settings)).encode()
    settings_blob = tx.vault.seal("connected_account", "settings", account_id, plain)
    await tx.run(_ADD, (*_values_of(account), settings_blob, known, sealed))
    tx.notify_accounts()
    return found, True


def _sealed(vault: Vault, account_id: str, secrets: Mapping[str, Secret]) -> bytes:
    revealed = json_text({name: s.reveal() for name, s in secrets.items()}).encode()
    return vault.seal("connected_account", "secrets", account_id, revealed)


async def settings_of(
    session: Session, account_id: str
) -> tuple[Mapping[str, Any], Mapping[str, Secret]]:
    """See AccountStorage.account_settings."""
    row = await session.one(_SETTINGS, (account_id,))
    if row is None:
        return {}, {}
    unseal = session.vault.unseal
    settings = unseal("connected_account", "settings", account_id, row[0])
    secrets = unseal("connected_account", "secrets", account_id, row[1])
    revealed = msgspec.json.decode(secrets, type=dict[str, str])
    return (
        mapping(settings.decode()),
        {name: Secret(value) for name, value in revealed.items()},
    )


class AccountQueries(Aggregate):
    """See AccountStorage."""

    async def add_account(
        self,
        account: ConnectedAccount,
        settings: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        identity: Mapping[str, Any] | None = None,
    ) -> ConnectedAccount:
        known = identity or settings

        async def unit(tx: Transaction) -> ConnectedAccount:
            return (await add_or_renew(tx, account, settings, secrets, known))[0]

        return await self._db.write(unit, account.workspace_id)

    async def account(self, workspace_id: str, account_id: str) -> ConnectedAccount | None:
        row = await self._db.reading.one(_BY_ID, (workspace_id, account_id))
        return None if row is None else account_of(row)

    async def accounts(
        self,
        workspace_id: str,
        *,
        limit: int,
        cursor: str | None,
        search: str | None = None,
        custom_metadata_has: Mapping[str, Any] | None = None,
    ) -> Page[ConnectedAccount]:
        where = sql.Where("a.workspace_id = ?", workspace_id)
        where.has("a.custom_metadata", custom_metadata_has)
        where.contains(("a.display_name",), search)
        return await page(
            self._db.reading,
            _COLUMNS,
            "connected_account a",
            where,
            ("a.created_at", "a.connected_account_id"),
            account_of,
            limit=limit,
            cursor=cursor,
        )

    def listen_accounts(self, listener: Callable[[], None]) -> None:
        self._db.account_listeners.append(listener)

    async def all_accounts(self) -> Sequence[ConnectedAccount]:
        return [account_of(row) for row in await self._db.reading.all(_ALL)]

    async def account_by_id(self, account_id: str) -> ConnectedAccount | None:
        row = await self._db.reading.one(_BY_ID_ALONE, (account_id,))
        return None if row is None else account_of(row)

    async def account_settings(
        self, account_id: str
    ) -> tuple[Mapping[str, Any], Mapping[str, Secret]]:
        """Both empty for an account that does not exist."""
        return await settings_of(self._db.reading, account_id)

    async def set_account_state(
        self, account: ConnectedAccount, events: Sequence[NewEvent], now: datetime
    ) -> None:
        db, account_id = self._db, account.connected_account_id

        async def unit(tx: Transaction) -> None:
            was = await tx.one(_WAS_CONNECTED, (account_id,))
            state = (
                account.connected,
                account.sync_due,
                json_or_none(account.errors),
                json_or_none(account.warnings),
            )
            await tx.run(_SET_STATE, (*state, account_id))
            if account.connected and was == (0,):
                await make_all_due(tx, account_id, to_us(now))
            await event_queries.append(tx, account.workspace_id, account_id, events)

        await db.write(unit, account_id)

    async def change_account(
        self, workspace_id: str, account_id: str, change: AccountChange
    ) -> ConnectedAccount | None:
        async def unit(tx: Transaction) -> ConnectedAccount | None:
            row = await tx.one(_BY_ID, (workspace_id, account_id))
            if row is None:
                return None
            standing = account_of(row)
            account, events = change(standing)
            if account != standing:
                await tx.run(_REPLACE, (*_values_of(account), account_id))
                tx.notify_accounts()
            await event_queries.append(tx, workspace_id, account_id, events)
            return account

        return await self._db.write(unit, account_id)

    async def driver_store_load(self, account_id: str) -> Mapping[str, bytes]:
        rows = await self._db.reading.all(_STORE_LOAD, (account_id,))
        return {key: self._stored(account_id, key, value) for key, value in rows}

    async def driver_store_value(self, account_id: str, key: str) -> bytes | None:
        row = await self._db.reading.one(_STORE_VALUE, (account_id, key))
        return None if row is None else self._stored(account_id, key, row[0])

    def _stored(self, account_id: str, key: str, sealed: bytes) -> bytes:
        return self._db.vault.unseal("driver_store", "value", f"{account_id}/{key}", sealed)

    async def driver_store_save(self, account_id: str, key: str, value: bytes) -> None:
        sealed = self._db.vault.seal("driver_store", "value", f"{account_id}/{key}", value)

        async def unit(tx: Transaction) -> None:
            # The account may have been deleted while its driver was at work.
            if (row := await tx.one(_WORKSPACE, (account_id,))) is not None:
                await tx.run(_STORE_SAVE, (row[0], account_id, key, sealed))

        await self._db.write(unit, account_id)


def _values_of(account: ConnectedAccount) -> Row:
    return (
        to_us(account.created_at),
        account.connected_account_id,
        account.workspace_id,
        account.provider,
        account.display_name,
        account.connected,
        None if account.lead_time is None else span_to_us(account.lead_time),
        json_text(account.custom_metadata),
        account.automatically_manage_new_devices,
        json_text(account.accepted_capabilities),
        account.suspended,
        to_us_or_none(account.sync_requested_at),
        account.sync_due,
        json_or_none(account.errors),
        json_or_none(account.warnings),
        to_us_or_none(account.renewed_at),
    )


@lru_cache(maxsize=1024)
def account_of(row: Row) -> ConnectedAccount:
    """From the values of COLUMNS, as a tuple. Kept: a page of a hundred locks or codes has few
    accounts."""
    (
        created_at,
        connected_account_id,
        workspace_id,
        provider,
        display_name,
        connected,
        lead_time,
        custom_metadata,
        manages_new,
        accepted,
        suspended,
        sync_requested_at,
        sync_due,
        errors,
        warnings,
        renewed_at,
    ) = row
    return ConnectedAccount(
        connected_account_id=connected_account_id,
        workspace_id=workspace_id,
        provider=provider,
        display_name=display_name,
        created_at=from_us(created_at),
        connected=bool(connected),
        lead_time=None if lead_time is None else span_from_us(lead_time),
        custom_metadata=mapping(custom_metadata),
        automatically_manage_new_devices=bool(manages_new),
        accepted_capabilities=_CAPABILITIES.decode(accepted),
        suspended=bool(suspended),
        sync_requested_at=from_us_or_none(sync_requested_at),
        sync_due=None if sync_due is None else SyncDue(sync_due),
        errors=problems(errors),
        warnings=problems(warnings),
        renewed_at=from_us_or_none(renewed_at),
    )
