"""Connect webviews, and the accounts that they bring."""

from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain.connect_webview import (
    ConnectWebview,
    WebviewStatus,
    WebviewWish,
    authorized,
    events_of_success,
)
from latchwork.domain.device import ConnectedAccount
from latchwork.domain.events import WEBVIEW_FAILED, NewEvent
from latchwork.domain.pin import Secret
from latchwork.domain.provider import CheckedSettings
from latchwork.storage.access import WebviewFilter
from latchwork.storage.instants import from_us, from_us_or_none, to_us, to_us_or_none
from latchwork.storage.page import Page
from latchwork.storage.sql import sessions, sql
from latchwork.storage.sql.accounts import add_or_renew
from latchwork.storage.sql.aggregate import Aggregate, json_text, mapping, page
from latchwork.storage.sql.session import Row, Transaction
from latchwork.storage.vault import Vault

_STATE: Final = ("status", "selected_provider", "connected_account_id", "authorized_at")
_COLUMNS: Final = (
    "created_at",
    "connect_webview_id",
    "workspace_id",
    "token",
    "wish",
    "custom_metadata",
    "customer_key",
    "client_session_id",
    *_STATE,
)
_SELECTED: Final = sql.of("v", _COLUMNS)
_ADD: Final = sql.insert("connect_webview", _COLUMNS)
_BY_ID: Final = sql.select(_SELECTED, "FROM connect_webview v WHERE v.connect_webview_id = ?")
_IN_WORKSPACE: Final = f"{_BY_ID} AND v.workspace_id = ?"
_SET_STATE: Final = sql.update("connect_webview", _STATE, "WHERE connect_webview_id = ?")
_SET_FAILED: Final = f"{_SET_STATE} AND status <> 'authorized'"
_DELETE: Final = "DELETE FROM connect_webview WHERE connect_webview_id = ? AND workspace_id = ?"


class WebviewQueries(Aggregate):
    """See WebviewStorage."""

    async def add_webview(self, webview: ConnectWebview) -> None:
        values = _values_of(self._db.vault, webview)

        async def unit(tx: Transaction) -> None:
            await tx.run(_ADD, values)
            if webview.client_session_id is not None:
                made = (webview.connect_webview_id,)
                await sessions.grant(tx, webview.workspace_id, webview.client_session_id, (), made)

        await self._db.write(unit)

    async def webview(self, workspace_id: str, webview_id: str) -> ConnectWebview | None:
        row = await self._db.reading.one(_IN_WORKSPACE, (webview_id, workspace_id))
        return None if row is None else _webview_of(self._db.vault, row)

    async def webview_by_id(self, webview_id: str) -> ConnectWebview | None:
        row = await self._db.reading.one(_BY_ID, (webview_id,))
        return None if row is None else _webview_of(self._db.vault, row)

    async def webviews(
        self, workspace_id: str, where: WebviewFilter, *, limit: int, cursor: str | None
    ) -> Page[ConnectWebview]:
        filtered = sql.Where("v.workspace_id = ?", workspace_id)
        filtered.any_of("v.connect_webview_id", where.ids)
        if where.customer_key is not None:
            filtered.also("v.customer_key = ?", where.customer_key)
        filtered.has("v.custom_metadata", where.custom_metadata_has)
        filtered.contains(("v.custom_metadata", "v.selected_provider"), where.search)
        return await page(
            self._db.reading,
            _SELECTED,
            "connect_webview v",
            filtered,
            ("v.created_at", "v.connect_webview_id"),
            lambda row: _webview_of(self._db.vault, row),
            limit=limit,
            cursor=cursor,
        )

    async def delete_webview(self, workspace_id: str, webview_id: str) -> bool:
        values = (webview_id, workspace_id)
        return await self._db.write(lambda tx: tx.run(_DELETE, values)) > 0

    async def fail_webview(self, webview: ConnectWebview, now: datetime) -> None:
        webview_id = webview.connect_webview_id
        told = NewEvent(
            event_type=WEBVIEW_FAILED,
            occurred_at=now,
            payload={"connect_webview_id": webview_id},
        )

        async def unit(tx: Transaction) -> None:
            if await tx.run(_SET_FAILED, (*_state_of(webview), webview_id)):
                await tx.record(webview.workspace_id, [told])

        await self._db.write(unit, webview_id)

    async def authorize_webview(
        self,
        webview: ConnectWebview,
        account: ConnectedAccount,
        checked: CheckedSettings,
        now: datetime,
    ) -> tuple[ConnectWebview, ConnectedAccount]:
        async def unit(tx: Transaction) -> tuple[ConnectWebview, ConnectedAccount]:
            made, is_new = await add_or_renew(
                tx, account, checked.settings, checked.secrets, checked.identity, anew=True
            )
            done = authorized(webview, account.provider, made.connected_account_id, now)
            await tx.run(_SET_STATE, (*_state_of(done), webview.connect_webview_id))
            await tx.record(webview.workspace_id, events_of_success(done, now, is_new=is_new))
            return done, made

        return await self._db.write(unit, webview.connect_webview_id)


def _state_of(webview: ConnectWebview) -> Row:
    return (
        webview.status.value,
        webview.selected_provider,
        webview.connected_account_id,
        to_us_or_none(webview.authorized_at),
    )


def _values_of(vault: Vault, webview: ConnectWebview) -> Row:
    token = webview.token.reveal().encode()
    return (
        to_us(webview.created_at),
        webview.connect_webview_id,
        webview.workspace_id,
        vault.seal("connect_webview", "token", webview.connect_webview_id, token),
        json_text(webview.wish),
        json_text(webview.custom_metadata),
        webview.customer_key,
        webview.client_session_id,
        *_state_of(webview),
    )


def _webview_of(vault: Vault, row: Row) -> ConnectWebview:
    created_at, webview_id, workspace_id, token, wish, metadata, *rest = row
    customer_key, session_id, status, provider, account_id, authorized_at = rest
    opened = vault.unseal("connect_webview", "token", webview_id, bytes(token))
    return ConnectWebview(
        connect_webview_id=webview_id,
        workspace_id=workspace_id,
        created_at=from_us(created_at),
        token=Secret(opened.decode()),
        wish=_wishes.decode(wish),
        custom_metadata=mapping(metadata),
        customer_key=customer_key,
        client_session_id=session_id,
        status=WebviewStatus(status),
        selected_provider=provider,
        connected_account_id=account_id,
        authorized_at=from_us_or_none(authorized_at),
    )


_wishes: Final = msgspec.json.Decoder(WebviewWish)
