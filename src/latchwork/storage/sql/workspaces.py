"""Workspaces and the personal tokens that open them; customization profiles."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from hmac import compare_digest
from typing import Final

import msgspec

from latchwork.domain.credentials import PersonalToken
from latchwork.domain.customization import CustomizationProfile, WebviewCustomization
from latchwork.domain.device import Workspace
from latchwork.domain.pin import Secret
from latchwork.storage.instants import from_us, from_us_or_none, to_us, to_us_or_none
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate, json_or_none, json_text
from latchwork.storage.sql.session import Row, Transaction

_CHANGEABLE: Final = (
    "name",
    "connect_partner_name",
    "is_suspended",
    "publishable_key",
    "is_publishable_key_auth_enabled",
    "organization_id",
    "webview_customization",
)
COLUMNS: Final = ("workspace_id", "is_sandbox", "created_at", *_CHANGEABLE)
_WORKSPACES: Final = sql.select(sql.of("w", COLUMNS), "FROM workspace w")
_ADD: Final = sql.insert("workspace", COLUMNS)
_OLDEST_OF_KIND: Final = (
    f"{_WORKSPACES} WHERE w.is_sandbox = ? ORDER BY w.created_at, w.workspace_id LIMIT 1"
)
_UPDATE: Final = sql.update("workspace", _CHANGEABLE, "WHERE workspace_id = ?")

_TOKEN: Final = (
    "personal_token_id",
    "name",
    "hint",
    "created_at",
    "workspace_ids",
    "revoked_at",
)
_ADD_TOKEN: Final = sql.insert("personal_token", (*_TOKEN, "hash"))
_TOKENS: Final = sql.select(
    sql.of("t", _TOKEN), "FROM personal_token t ORDER BY created_at, personal_token_id"
)
_TOKEN_BY_HASH: Final = sql.select(
    sql.of("t", (*_TOKEN, "hash")), "FROM personal_token t WHERE hash = ?"
)
_WORKSPACES_OF: Final = "SELECT workspace_ids FROM personal_token WHERE personal_token_id = ?"
_OPEN: Final = "UPDATE personal_token SET workspace_ids = ? WHERE personal_token_id = ?"
_REVOKE: Final = (
    "UPDATE personal_token SET revoked_at = ? WHERE personal_token_id = ? AND revoked_at IS NULL"
)


class WorkspaceQueries(Aggregate):
    """See KeyStorage and WorkspaceStorage."""

    async def add_workspace(self, workspace: Workspace) -> None:
        created = (workspace.workspace_id, workspace.is_sandbox, to_us(workspace.created_at))
        values = (*created, *_changeable(workspace))
        await self._db.write(lambda tx: tx.run(_ADD, values))

    async def first_workspace(self, workspace: Workspace) -> Workspace:
        created = (workspace.workspace_id, workspace.is_sandbox, to_us(workspace.created_at))
        values = (*created, *_changeable(workspace))

        async def unit(tx: Transaction) -> Workspace:
            row = await tx.one(_OLDEST_OF_KIND, (int(workspace.is_sandbox),))
            if row is not None:
                return workspace_of(tuple(row))
            await tx.run(_ADD, values)
            return workspace

        return await self._db.write(unit, "first workspace")

    async def workspaces(self) -> Sequence[Workspace]:
        rows = await self._db.reading.all(f"{_WORKSPACES} ORDER BY created_at, workspace_id")
        return [workspace_of(tuple(row)) for row in rows]

    async def workspace(self, workspace_id: str) -> Workspace | None:
        row = await self._db.reading.one(f"{_WORKSPACES} WHERE workspace_id = ?", (workspace_id,))
        return None if row is None else workspace_of(tuple(row))

    async def update_workspace(self, workspace: Workspace) -> None:
        values = (*_changeable(workspace), workspace.workspace_id)
        await self._db.write(lambda tx: tx.run(_UPDATE, values))

    async def workspace_of_publishable_key(self, key: str) -> Workspace | None:
        row = await self._db.reading.one(f"{_WORKSPACES} WHERE publishable_key = ?", (key,))
        return None if row is None else workspace_of(tuple(row))

    async def add_personal_token(self, token: PersonalToken, secret: Secret) -> None:
        values = (
            token.personal_token_id,
            token.name,
            token.hint,
            to_us(token.created_at),
            None if token.workspace_ids is None else json_text(token.workspace_ids),
            to_us_or_none(token.revoked_at),
            self._db.vault.key_hash(secret),
        )
        await self._db.write(lambda tx: tx.run(_ADD_TOKEN, values))

    async def personal_tokens(self) -> Sequence[PersonalToken]:
        return [_token_of(row) for row in await self._db.reading.all(_TOKENS)]

    async def revoke_personal_token(self, personal_token_id: str, now: datetime) -> bool:
        values = (to_us(now), personal_token_id)
        return await self._db.write(lambda tx: tx.run(_REVOKE, values)) > 0

    async def authenticate_person(self, secret: Secret) -> PersonalToken | None:
        hashed = self._db.vault.key_hash(secret)
        row = await self._db.reading.one(_TOKEN_BY_HASH, (hashed,))
        if row is None or not compare_digest(bytes(row[-1]), hashed):
            return None
        token = _token_of(row[:-1])
        return token if token.revoked_at is None else None

    async def open_workspace_to(self, personal_token_id: str, workspace_id: str) -> None:
        async def unit(tx: Transaction) -> None:
            row = await tx.one(_WORKSPACES_OF, (personal_token_id,))
            if row is None or row[0] is None:
                return
            opened = dict.fromkeys((*_ids.decode(row[0]), workspace_id))
            await tx.run(_OPEN, (json_text(tuple(opened)), personal_token_id))

        await self._db.write(unit, personal_token_id)


def _changeable(workspace: Workspace) -> Row:
    return (
        workspace.name,
        workspace.connect_partner_name,
        workspace.is_suspended,
        workspace.publishable_key,
        workspace.is_publishable_key_auth_enabled,
        workspace.organization_id,
        json_text(workspace.webview_customization),
    )


@lru_cache(maxsize=256)
def workspace_of(row: Row) -> Workspace:
    """From the values of COLUMNS, as a tuple. Kept: every request is of one."""
    workspace_id, is_sandbox, created_at, name, partner, suspended, *rest = row
    publishable_key, publishable, organization_id, customization = rest
    return Workspace(
        workspace_id=workspace_id,
        name=name,
        is_sandbox=bool(is_sandbox),
        created_at=from_us(created_at),
        connect_partner_name=partner,
        is_suspended=bool(suspended),
        publishable_key=publishable_key,
        is_publishable_key_auth_enabled=bool(publishable),
        organization_id=organization_id,
        webview_customization=_customizations.decode(customization),
    )


def _token_of(row: Row) -> PersonalToken:
    personal_token_id, name, hint, created_at, workspace_ids, revoked_at = row
    return PersonalToken(
        personal_token_id=personal_token_id,
        name=name,
        hint=hint,
        created_at=from_us(created_at),
        workspace_ids=None if workspace_ids is None else _ids.decode(workspace_ids),
        revoked_at=from_us_or_none(revoked_at),
    )


_ids: Final = msgspec.json.Decoder(tuple[str, ...])
_customizations: Final = msgspec.json.Decoder(WebviewCustomization)

_LOOKS: Final = (
    "name",
    "primary_color",
    "secondary_color",
    "customer_portal_theme",
    "message_overrides",
)
_PROFILE: Final = ("created_at", "customization_profile_id", "workspace_id", *_LOOKS, "logo_kind")
_ADD_PROFILE: Final = sql.insert("customization_profile", _PROFILE[:-1])
_PROFILES: Final = sql.select(
    sql.of("p", _PROFILE), "FROM customization_profile p WHERE p.workspace_id = ?"
)
_UPDATE_PROFILE: Final = sql.update(
    "customization_profile", _LOOKS, "WHERE workspace_id = ? AND customization_profile_id = ?"
)
_SET_LOGO: Final = sql.update(
    "customization_profile",
    ("logo", "logo_kind"),
    "WHERE workspace_id = ? AND customization_profile_id = ?",
)
_LOGO: Final = (
    "SELECT logo, logo_kind FROM customization_profile "
    "WHERE customization_profile_id = ? AND logo IS NOT NULL"
)


class ProfileQueries(Aggregate):
    """See ProfileStorage."""

    async def add_profile(self, profile: CustomizationProfile) -> None:
        made = (to_us(profile.created_at), profile.customization_profile_id, profile.workspace_id)
        values = (*made, *_looks_of(profile))
        await self._db.write(lambda tx: tx.run(_ADD_PROFILE, values))

    async def profile(self, workspace_id: str, profile_id: str) -> CustomizationProfile | None:
        statement = f"{_PROFILES} AND p.customization_profile_id = ?"
        row = await self._db.reading.one(statement, (workspace_id, profile_id))
        return None if row is None else _profile_of(row)

    async def profiles(self, workspace_id: str) -> Sequence[CustomizationProfile]:
        statement = f"{_PROFILES} ORDER BY p.created_at DESC, p.customization_profile_id DESC"
        return [_profile_of(row) for row in await self._db.reading.all(statement, (workspace_id,))]

    async def update_profile(self, profile: CustomizationProfile) -> bool:
        named = (profile.workspace_id, profile.customization_profile_id)
        values = (*_looks_of(profile), *named)
        return await self._db.write(lambda tx: tx.run(_UPDATE_PROFILE, values)) > 0

    async def set_logo(self, workspace_id: str, profile_id: str, content: bytes, kind: str) -> bool:
        values = (content, kind, workspace_id, profile_id)
        return await self._db.write(lambda tx: tx.run(_SET_LOGO, values)) > 0

    async def logo(self, profile_id: str) -> tuple[bytes, str] | None:
        row = await self._db.reading.one(_LOGO, (profile_id,))
        return None if row is None else (bytes(row[0]), row[1])


def _looks_of(profile: CustomizationProfile) -> Row:
    return (
        profile.name,
        profile.primary_color,
        profile.secondary_color,
        json_or_none(profile.customer_portal_theme),
        json_or_none(profile.message_overrides),
    )


def _profile_of(row: Row) -> CustomizationProfile:
    created_at, profile_id, workspace_id, name, primary, secondary, theme, words, logo = row
    return CustomizationProfile(
        customization_profile_id=profile_id,
        workspace_id=workspace_id,
        created_at=from_us(created_at),
        name=name,
        primary_color=primary,
        secondary_color=secondary,
        customer_portal_theme=None if theme is None else msgspec.json.decode(theme),
        message_overrides=None if words is None else msgspec.json.decode(words),
        has_logo=logo is not None,
    )
