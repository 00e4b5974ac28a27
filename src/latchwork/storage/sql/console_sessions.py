"""Who is signed in at the console, and the links that open it once."""

from datetime import datetime
from typing import Final

from latchwork.domain.console_session import ConsoleLink, ConsoleSession
from latchwork.domain.pin import Secret
from latchwork.storage.instants import from_us, to_us
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Transaction

_SESSION: Final = ("session_id", "workspace_id", "created_at", "expires_at", "api_key_id")
_LINK: Final = ("workspace_id", "created_at", "expires_at")
_ADD_SESSION: Final = sql.insert("console_session", (*_SESSION, "hash"))
_ADD_LINK: Final = sql.insert("console_link", (*_LINK, "hash"))
_LIVE: Final = sql.select(
    sql.of("s", _SESSION),
    "FROM console_session s LEFT JOIN api_key k ON k.api_key_id = s.api_key_id "
    "WHERE s.hash = ? AND s.expires_at > ? "
    "AND (s.api_key_id IS NULL OR (k.api_key_id IS NOT NULL AND k.revoked_at IS NULL))",
)
_END: Final = "DELETE FROM console_session WHERE hash = ?"
_TAKE: Final = (
    "DELETE FROM console_link WHERE hash = ? RETURNING workspace_id, created_at, expires_at"
)
_SWEEP_SESSIONS: Final = "DELETE FROM console_session WHERE expires_at <= ?"
_SWEEP_LINKS: Final = "DELETE FROM console_link WHERE expires_at <= ?"


class ConsoleSessionQueries(Aggregate):
    """The part of ConsoleStorage about people. Hashes are keyed: how long a look-up takes tells
    nothing of the token."""

    async def add_console_session(self, session: ConsoleSession, token: Secret) -> None:
        values = (
            session.session_id,
            session.workspace_id,
            to_us(session.created_at),
            to_us(session.expires_at),
            session.api_key_id,
            self._db.vault.key_hash(token),
        )

        async def unit(tx: Transaction) -> None:
            await tx.run(_SWEEP_SESSIONS, (to_us(session.created_at),))
            await tx.run(_ADD_SESSION, values)

        await self._db.write(unit)

    async def console_session(self, token: Secret, now: datetime) -> ConsoleSession | None:
        values = (self._db.vault.key_hash(token), to_us(now))
        row = await self._db.reading.one(_LIVE, values)
        if row is None:
            return None
        session_id, workspace_id, created_at, expires_at, api_key_id = row
        return ConsoleSession(
            session_id=session_id,
            workspace_id=workspace_id,
            created_at=from_us(created_at),
            expires_at=from_us(expires_at),
            api_key_id=api_key_id,
        )

    async def end_console_session(self, token: Secret) -> None:
        values = (self._db.vault.key_hash(token),)
        await self._db.write(lambda tx: tx.run(_END, values))

    async def add_console_link(self, link: ConsoleLink, token: Secret) -> None:
        times = (to_us(link.created_at), to_us(link.expires_at))
        values = (link.workspace_id, *times, self._db.vault.key_hash(token))

        async def unit(tx: Transaction) -> None:
            await tx.run(_SWEEP_LINKS, (to_us(link.created_at),))
            await tx.run(_ADD_LINK, values)

        await self._db.write(unit)

    async def take_console_link(self, token: Secret, now: datetime) -> ConsoleLink | None:
        values = (self._db.vault.key_hash(token),)
        row = await self._db.write(lambda tx: tx.one(_TAKE, values))
        if row is None or row[2] <= to_us(now):
            return None
        return ConsoleLink(
            workspace_id=row[0], created_at=from_us(row[1]), expires_at=from_us(row[2])
        )
