"""Client sessions and their tokens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from latchwork.domain.credentials import TOKENS_OF_SESSION, ClientSession, granted
from latchwork.domain.events import SESSION_DELETED, NewEvent
from latchwork.domain.pin import Secret
from latchwork.storage.access import SessionFilter
from latchwork.storage.instants import from_us, to_us
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate, json_text
from latchwork.storage.sql.session import Row, Transaction, Values

_COLUMNS: Final = (
    "created_at",
    "client_session_id",
    "workspace_id",
    "expires_at",
    "user_identifier_key",
    "connected_account_ids",
    "connect_webview_ids",
    "user_identity_ids",
    "customer_key",
)
_SELECTED: Final = sql.of("s", _COLUMNS)
_ADD: Final = sql.insert("client_session", _COLUMNS)
_BY_ID: Final = sql.select(
    _SELECTED, "FROM client_session s WHERE s.workspace_id = ? AND s.client_session_id = ?"
)
_GRANT: Final = (
    "UPDATE client_session SET connected_account_ids = ?, connect_webview_ids = ? "
    "WHERE client_session_id = ?"
)
_END: Final = (
    "UPDATE client_session SET expires_at = ? "
    "WHERE workspace_id = ? AND client_session_id = ? AND expires_at > ?"
)
_DELETE: Final = "DELETE FROM client_session WHERE workspace_id = ? AND client_session_id = ?"
_ADD_TOKEN: Final = sql.insert(
    "client_session_token", ("hash", "client_session_id", "created_at", "workspace_id")
)
_END_TOKENS: Final = "DELETE FROM client_session_token WHERE client_session_id = ?"
_END_OLD_TOKENS: Final = (
    "DELETE FROM client_session_token WHERE hash IN ("
    "SELECT hash FROM client_session_token WHERE client_session_id = ? "
    "ORDER BY created_at DESC, hash LIMIT 1000 OFFSET ?)"
)
_BY_TOKEN: Final = sql.select(
    _SELECTED,
    "FROM client_session_token t JOIN client_session s "
    "ON s.client_session_id = t.client_session_id WHERE t.hash = ? AND s.expires_at > ?",
)
_BROUGHT: Final = (
    "SELECT connected_account_id FROM connect_webview "  # noqa: S608 - constants
    f"WHERE workspace_id = ? AND connect_webview_id {sql.ANY_OF} "
    "AND connected_account_id IS NOT NULL"
)
_DEVICES: Final = (
    "SELECT count(*) FROM device "  # noqa: S608 - constants
    f"WHERE removed = 0 AND connected_account_id {sql.ANY_OF}"
)


class SessionQueries(Aggregate):
    """See SessionStorage."""

    async def add_session(self, session: ClientSession, token: Secret) -> None:
        named = self._token(session, token, session.created_at)

        async def unit(tx: Transaction) -> None:
            await tx.run(_ADD, _values_of(session))
            await tx.run(_ADD_TOKEN, named)

        await self._db.write(unit)

    async def add_session_token(self, session: ClientSession, token: Secret, now: datetime) -> None:
        named = self._token(session, token, now)

        async def unit(tx: Transaction) -> None:
            await tx.run(_ADD_TOKEN, named)
            await tx.run(_END_OLD_TOKENS, (session.client_session_id, TOKENS_OF_SESSION))

        await self._db.write(unit)

    def _token(self, session: ClientSession, token: Secret, at: datetime) -> Values:
        hashed = self._db.vault.key_hash(token)
        return hashed, session.client_session_id, to_us(at), session.workspace_id

    async def session(self, workspace_id: str, session_id: str) -> ClientSession | None:
        row = await self._db.reading.one(_BY_ID, (workspace_id, session_id))
        return None if row is None else _session_of(row)

    async def sessions(
        self, workspace_id: str, where: SessionFilter, limit: int
    ) -> Sequence[ClientSession]:
        filtered = sql.Where("s.workspace_id = ?", workspace_id)
        if where.client_session_id is not None:
            filtered.also("s.client_session_id = ?", where.client_session_id)
        if where.user_identifier_key is not None:
            filtered.also("s.user_identifier_key = ?", where.user_identifier_key)
        if where.without_user_identifier_key:
            filtered.also("s.user_identifier_key IS NULL")
        if where.connect_webview_id is not None:
            quoted = json_text(where.connect_webview_id)
            filtered.contains(("s.connect_webview_ids",), quoted)
        rest = "ORDER BY s.created_at DESC, s.client_session_id DESC LIMIT ?"
        statement = sql.select(_SELECTED, "FROM client_session s", filtered.sql, rest)
        rows = await self._db.reading.all(statement, (*filtered.values, limit))
        return [_session_of(row) for row in rows]

    async def grant_session(
        self,
        workspace_id: str,
        session_id: str,
        account_ids: tuple[str, ...],
        webview_ids: tuple[str, ...],
    ) -> ClientSession | None:
        async def unit(tx: Transaction) -> ClientSession | None:
            return await grant(tx, workspace_id, session_id, account_ids, webview_ids)

        return await self._db.write(unit, session_id)

    async def end_session(self, workspace_id: str, session_id: str, now: datetime) -> bool:
        values = (to_us(now), workspace_id, session_id, to_us(now))

        async def unit(tx: Transaction) -> bool:
            if await tx.one(_BY_ID, (workspace_id, session_id)) is None:
                return False
            await tx.run(_END, values)
            await tx.run(_END_TOKENS, (session_id,))
            return True

        return await self._db.write(unit, session_id)

    async def delete_session(self, workspace_id: str, session_id: str, now: datetime) -> bool:
        told = NewEvent(
            event_type=SESSION_DELETED,
            occurred_at=now,
            payload={"client_session_id": session_id},
        )

        async def unit(tx: Transaction) -> bool:
            if not await tx.run(_DELETE, (workspace_id, session_id)):
                return False
            await tx.record(workspace_id, [told])
            return True

        return await self._db.write(unit, session_id)

    async def authenticate_session(
        self, token: Secret, now: datetime
    ) -> tuple[ClientSession, tuple[str, ...]] | None:
        # The hash is keyed: how long its look-up takes tells nothing of the token.
        hashed = self._db.vault.key_hash(token)
        async with self._db.view() as view:
            row = await view.one(_BY_TOKEN, (hashed, to_us(now)))
            if row is None:
                return None
            session = _session_of(row)
            reached = list(session.connected_account_ids)
            if session.connect_webview_ids:
                webviews = sql.listed(session.connect_webview_ids)
                brought = await view.all(_BROUGHT, (session.workspace_id, webviews))
                reached += [account_id for (account_id,) in brought]
        return session, tuple(dict.fromkeys(reached))

    async def count_devices(self, account_ids: Sequence[str]) -> int:
        if not account_ids:
            return 0
        row = await self._db.reading.one(_DEVICES, (sql.listed(account_ids),))
        return 0 if row is None else int(row[0])


async def grant(
    tx: Transaction,
    workspace_id: str,
    session_id: str,
    account_ids: tuple[str, ...],
    webview_ids: tuple[str, ...],
) -> ClientSession | None:
    """For units: see SessionStorage.grant_session."""
    row = await tx.one(_BY_ID, (workspace_id, session_id))
    if row is None:
        return None
    session = granted(_session_of(row), account_ids, webview_ids)
    lists = (session.connected_account_ids, session.connect_webview_ids)
    await tx.run(_GRANT, (*map(json_text, lists), session_id))
    return session


def _values_of(session: ClientSession) -> Row:
    return (
        to_us(session.created_at),
        session.client_session_id,
        session.workspace_id,
        to_us(session.expires_at),
        session.user_identifier_key,
        json_text(session.connected_account_ids),
        json_text(session.connect_webview_ids),
        json_text(session.user_identity_ids),
        session.customer_key,
    )


def _session_of(row: Row) -> ClientSession:
    created_at, session_id, workspace_id, expires_at, user_key, *lists, customer_key = row
    accounts, webviews, identities = (_ids.decode(text) for text in lists)
    return ClientSession(
        client_session_id=session_id,
        workspace_id=workspace_id,
        created_at=from_us(created_at),
        expires_at=from_us(expires_at),
        user_identifier_key=user_key,
        connected_account_ids=accounts,
        connect_webview_ids=webviews,
        user_identity_ids=identities,
        customer_key=customer_key,
    )


_ids: Final = msgspec.json.Decoder(tuple[str, ...])
