"""API keys."""

from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from latchwork.domain.device import Workspace
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Secret
from latchwork.storage.instants import from_us, from_us_or_none, to_us, to_us_or_none
from latchwork.storage.interface import ApiKey
from latchwork.storage.sql import sql, workspaces
from latchwork.storage.sql.aggregate import Aggregate
from latchwork.storage.sql.session import Row, Transaction

_KEY = ("api_key_id", "workspace_id", "name", "hint", "created_at", "revoked_at", "api_version")
_ADD_KEY = sql.insert("api_key", (*_KEY, "hash"))
_KEYS = sql.select(sql.of("k", _KEY), "FROM api_key k ORDER BY created_at, api_key_id")
_KEY_BY_HASH = sql.select(sql.of("k", (*_KEY, "hash")), "FROM api_key k WHERE hash = ?")
_OPENED_BY_HASH = sql.select(
    f"{sql.of('k', _KEY)}, {sql.of('w', workspaces.COLUMNS)}, k.hash",
    "FROM api_key k JOIN workspace w ON w.workspace_id = k.workspace_id WHERE k.hash = ?",
)
_REVOKE = "UPDATE api_key SET revoked_at = ? WHERE api_key_id = ? AND revoked_at IS NULL"


class KeyQueries(Aggregate):
    """See KeyStorage."""

    async def add_api_key(self, key: ApiKey, secret: Secret) -> None:
        """Raises Rejected("api_key") for a key of another workspace."""
        hashed = self._db.vault.key_hash(secret)
        values = (
            key.api_key_id,
            key.workspace_id,
            key.name,
            key.hint,
            to_us(key.created_at),
            to_us_or_none(key.revoked_at),
            key.api_version,
            hashed,
        )

        async def unit(tx: Transaction) -> None:
            standing = await tx.one(_KEY_BY_HASH, (hashed,))
            if standing is None:
                await tx.run(_ADD_KEY, values)
            elif _key_of(standing[:-1]).workspace_id != key.workspace_id:
                raise Rejected("api_key", "This API key belongs to another workspace.")

        await self._db.write(unit, hashed.hex())

    async def api_keys(self) -> Sequence[ApiKey]:
        return [_key_of(row) for row in await self._db.reading.all(_KEYS)]

    async def revoke_api_key(self, api_key_id: str, now: datetime) -> bool:
        values = (to_us(now), api_key_id)
        return await self._db.write(lambda tx: tx.run(_REVOKE, values)) > 0

    async def authenticate(self, secret: Secret) -> tuple[ApiKey, Workspace] | None:
        hashed = self._db.vault.key_hash(secret)
        return await self._db.remembered(None, hashed, lambda: self._opened_by(hashed))

    async def _opened_by(self, hashed: bytes) -> tuple[ApiKey, Workspace] | None:
        row = await self._db.reading.one(_OPENED_BY_HASH, (hashed,))
        if row is None or not compare_digest(row[-1], hashed):
            return None
        key = _key_of(row[: len(_KEY)])
        if key.revoked_at is not None:
            return None
        return key, workspaces.workspace_of(tuple(row[len(_KEY) : -1]))


def _key_of(row: Row) -> ApiKey:
    api_key_id, workspace_id, name, hint, created_at, revoked_at, api_version = row
    return ApiKey(
        api_key_id=api_key_id,
        workspace_id=workspace_id,
        name=name,
        hint=hint,
        created_at=from_us(created_at),
        revoked_at=from_us_or_none(revoked_at),
        api_version=api_version,
    )
