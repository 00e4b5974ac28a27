"""Locks and codes as the console lists them: few columns, no PIN, so that many cost little."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from latchwork.domain.access_code import CodeStatus, CodeType, Evidence, EvidenceKind
from latchwork.domain.device import LOST
from latchwork.domain.window import NATIVE_PRELOAD
from latchwork.storage.console import COUNTED, Census, CodeGlance, LockGlance
from latchwork.storage.instants import from_us, from_us_or_none, span_from_us, to_us
from latchwork.storage.interface import Page
from latchwork.storage.sql import sql
from latchwork.storage.sql.aggregate import Aggregate, capabilities, problems
from latchwork.storage.sql.session import Row

_LIVE: Final = "deleted_at IS NULL"
_TROUBLED: Final = "(errors IS NOT NULL OR warnings IS NOT NULL)"
_OUT: Final = "(d.online = 0 OR a.connected = 0 OR d.removed = 1)"
_AILING: Final = "(d.errors IS NOT NULL OR d.warnings IS NOT NULL)"
_DEVICES: Final = (
    "device d JOIN connected_account a ON a.connected_account_id = d.connected_account_id"
)
_COUNT_LOCKS: Final = (
    f"SELECT CASE WHEN {_OUT} THEN 2 WHEN {_AILING} THEN 1 ELSE 0 END AS health, count(*) "  # noqa: S608 - constants
    f"FROM {_DEVICES} WHERE d.workspace_id = ? AND d.is_managed = 1 GROUP BY 1"
)
_COUNT_CODES: Final = (
    "SELECT status, count(*) FROM (SELECT status FROM access_code "  # noqa: S608 - constants
    f"WHERE workspace_id = ? AND {_LIVE} LIMIT ?) c GROUP BY status"
)
_COUNT_TROUBLED: Final = (
    f"SELECT count(*) FROM access_code WHERE workspace_id = ? AND {_LIVE} AND {_TROUBLED}"  # noqa: S608 - constants
)
_LOCK: Final = (
    "d.device_id, d.nickname, d.display_name, a.display_name, a.provider, d.online, a.connected, "
    "d.removed, d.locked, d.battery_level, d.reported_time_zone, d.time_zone, d.errors, d.warnings"
)
_LOCKS_ORDER: Final = (
    f"ORDER BY CASE WHEN {_OUT} THEN 0 WHEN {_AILING} THEN 1 ELSE 2 END, "
    "folded(COALESCE(d.nickname, d.display_name)), d.device_id LIMIT ? OFFSET ?"
)
_ON_LOCKS: Final = (
    f"SELECT device_id, count(*), sum(CASE WHEN {_TROUBLED} THEN 1 ELSE 0 END) "  # noqa: S608 - constants
    f"FROM access_code WHERE device_id {sql.ANY_OF} AND {_LIVE} GROUP BY device_id"
)
_CODE: Final = (
    "c.access_code_id, c.device_id, COALESCE(d.nickname, d.display_name), d.reported_time_zone, "
    "d.time_zone, d.capabilities, c.name, c.type, c.status, c.created_at, c.changed_at, "
    "c.starts_at, c.ends_at, c.prefer_native_scheduling, c.evidence_kind, c.evidence_position, "
    "c.evidence_generation, c.evidence_at, c.scheduled_on_device, c.delete_requested_at, c.pool, "
    "c.offline, c.errors, c.warnings, a.connected, a.errors, d.lead_time, a.lead_time"
)
_CODES: Final = sql.select(
    _CODE,
    "FROM access_code c JOIN device d ON d.device_id = c.device_id "
    "JOIN connected_account a ON a.connected_account_id = c.connected_account_id "
    "WHERE c.deleted_at IS NULL",
)
_IN_TROUBLE: Final = (
    f"{_CODES} AND c.workspace_id = ? AND (c.errors IS NOT NULL OR c.warnings IS NOT NULL) "
    "ORDER BY CASE WHEN c.errors IS NOT NULL THEN 0 ELSE 1 END, "
    "COALESCE(c.starts_at, c.created_at) LIMIT ?"
)
_TURNING: Final = (
    f"{_CODES} AND c.workspace_id = ?1 AND ((c.starts_at >= ?2 AND c.starts_at < ?3) "
    "OR (c.ends_at >= ?2 AND c.ends_at < ?3)) LIMIT ?4"
)
_DURING: Final = (
    f"{_CODES} AND c.device_id {sql.ANY_OF} AND (c.ends_at IS NULL OR c.ends_at > ?) "
    "AND COALESCE(c.starts_at, c.created_at) < ? "
    "ORDER BY COALESCE(c.starts_at, c.created_at), c.access_code_id LIMIT ?"
)
_NEWEST: Final = (
    "SELECT event_id FROM event WHERE workspace_id = ? ORDER BY created_at DESC LIMIT 1"
)


class GlanceQueries(Aggregate):
    """The part of ConsoleStorage about locks and codes."""

    async def census(self, workspace_id: str) -> Census:
        async with self._db.view() as view:
            locks = {row[0]: row[1] for row in await view.all(_COUNT_LOCKS, (workspace_id,))}
            codes = await view.all(_COUNT_CODES, (workspace_id, COUNTED + 1))
            troubled = await view.one(_COUNT_TROUBLED, (workspace_id,))
        return Census(
            locks=sum(locks.values()),
            unreachable=locks.get(2, 0),
            ailing=locks.get(1, 0),
            codes={CodeStatus(status): count for status, count in codes},
            troubled=0 if troubled is None else troubled[0],
            is_partial=sum(count for _, count in codes) > COUNTED,
        )

    async def locks_at_a_glance(
        self,
        workspace_id: str,
        *,
        limit: int,
        offset: int = 0,
        search: str | None = None,
        device_id: str | None = None,
    ) -> Page[LockGlance]:
        where = sql.Where("d.workspace_id = ? AND d.is_managed = 1", workspace_id)
        where.contains(("d.display_name", "d.nickname"), search)
        if device_id is not None:
            where.also("d.device_id = ?", device_id)
        statement = sql.select(_LOCK, "FROM", _DEVICES, where.sql, _LOCKS_ORDER)
        async with self._db.view() as view:
            rows = await view.all(statement, (*where.values, limit + 1, offset))
            shown = rows[:limit]
            counted = await view.all(_ON_LOCKS, (sql.listed(row[0] for row in shown),))
        counts = {row[0]: (row[1], row[2]) for row in counted}
        more = str(offset + limit) if len(rows) > limit else None
        return Page(tuple(_lock_of(row, *counts.get(row[0], (0, 0))) for row in shown), more)

    async def codes_in_trouble(self, workspace_id: str, limit: int) -> Sequence[CodeGlance]:
        return await self._codes(_IN_TROUBLE, workspace_id, limit)

    async def codes_turning(
        self, workspace_id: str, since: datetime, until: datetime, limit: int
    ) -> Sequence[CodeGlance]:
        return await self._codes(_TURNING, workspace_id, to_us(since), to_us(until), limit)

    async def codes_during(
        self, device_ids: Sequence[str], since: datetime, until: datetime, limit: int
    ) -> Sequence[CodeGlance]:
        return await self._codes(_DURING, sql.listed(device_ids), to_us(since), to_us(until), limit)

    async def newest_event(self, workspace_id: str) -> str | None:
        row = await self._db.reading.one(_NEWEST, (workspace_id,))
        return None if row is None else str(row[0])

    async def _codes(self, statement: str, *values: object) -> Sequence[CodeGlance]:
        return [_code_of(row) for row in await self._db.reading.all(statement, values)]


def _lock_of(row: Row, codes: int, troubled: int) -> LockGlance:
    device_id, nickname, display_name, account_name, provider, online, connected = row[:7]
    removed, locked, battery_level, reported_zone, zone, errors, warnings = row[7:]
    return LockGlance(
        device_id=device_id,
        name=nickname or display_name,
        account_name=account_name,
        provider=provider,
        online=bool(online),
        connected=bool(connected),
        removed=bool(removed),
        locked=None if locked is None else bool(locked),
        battery_level=battery_level,
        zone=reported_zone or zone,
        errors=problems(errors),
        warnings=problems(warnings),
        codes=codes,
        troubled=troubled,
    )


def _code_of(row: Row) -> CodeGlance:
    code_id, device_id, device_name, reported_zone, zone, capable, name, kind, status = row[:9]
    created_at, changed_at, starts_at, ends_at, prefers_native = row[9:14]
    evidence = None
    if row[14] is not None:
        evidence = Evidence(EvidenceKind(row[14]), row[15], row[16], from_us(row[17]))
    scheduled, delete_requested_at, pool, offline, errors, warnings = row[18:24]
    connected, account_errors, device_lead, account_lead = row[24:]
    is_native = (
        capabilities(capable).native_scheduling
        and bool(prefers_native)
        and kind == CodeType.TIME_BOUND
        and offline is None
    )
    lead = span_from_us(device_lead if account_lead is None else account_lead)
    return CodeGlance(
        access_code_id=code_id,
        device_id=device_id,
        device_name=device_name,
        zone=reported_zone or zone,
        name=name,
        status=CodeStatus(status),
        created_at=from_us(created_at),
        changed_at=from_us(changed_at),
        starts_at=from_us_or_none(starts_at),
        ends_at=from_us_or_none(ends_at),
        ahead=NATIVE_PRELOAD if is_native else lead,
        evidence=evidence,
        scheduled_on_device=bool(scheduled),
        is_leaving=delete_requested_at is not None,
        is_backup=pool is not None,
        is_offline=offline is not None,
        is_lost=not connected and any(p.code in LOST for p in problems(account_errors)),
        errors=problems(errors),
        warnings=problems(warnings),
    )
