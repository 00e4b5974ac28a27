"""Claims and write-backs of visits, fenced by the lease's token."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from latchwork.domain.action_attempt import AT_THE_DOOR, ActionAttempt
from latchwork.domain.events import DELETED, SCHEDULED_ON_DEVICE, SET_ON_DEVICE
from latchwork.domain.visit import LockView, VisitChanges
from latchwork.storage.instants import from_us, to_us, to_us_or_none
from latchwork.storage.interface import Lease, StaleTokenError
from latchwork.storage.sql import attempts, code_rows, codes, device_rows, slots, sql
from latchwork.storage.sql import events as event_queries
from latchwork.storage.sql.aggregate import Aggregate, json_text
from latchwork.storage.sql.schedule import ASKED, AUDIT, FRESH_SCAN, UNREAD
from latchwork.storage.sql.session import Row, Session, Transaction
from latchwork.storage.sql.webhooks import END_LEASES

_HAS_ROOM: Final = "connected_account_id NOT IN (SELECT key FROM json_each(?3) WHERE value <= 0)"
# Account by account, so that the due devices of a busy one are never waded through.
DUE: Final = (
    "SELECT v.device_id, v.connected_account_id, v.token, v.rescan, v.due_at AS since "  # noqa: S608 - constants
    "FROM connected_account a JOIN visit v ON v.device_id IN ("
    "SELECT device_id FROM visit WHERE connected_account_id = a.connected_account_id "
    "AND leased_until IS NULL AND due_at <= ?1 ORDER BY due_at LIMIT ?2) "
    f"WHERE a.{_HAS_ROOM} "
    "AND (?4 IS NULL OR a.connected_account_id IN (SELECT value FROM json_each(?4))) "
    "UNION ALL "
    "SELECT device_id, connected_account_id, token, rescan, leased_until FROM visit "
    f"WHERE leased_until <= ?1 AND {_HAS_ROOM} "
    "AND (?4 IS NULL OR connected_account_id IN (SELECT value FROM json_each(?4))) "
    "ORDER BY since"
)
CLAIM: Final = DUE + sql.CLAIMING
_AT_THE_DOOR: Final = ", ".join(f"'{kind.value}'" for kind in sorted(AT_THE_DOOR))
WAITED_FOR: Final = (
    "SELECT DISTINCT device_id, workspace_id FROM action_attempt "  # noqa: S608 - constants
    "WHERE status = 'pending' AND access_code_id IS NULL AND device_id IS NOT NULL "
    f"AND action_type IN ({_AT_THE_DOOR}) ORDER BY device_id LIMIT 1000"
)
"""Few at any time: an action of the engine is carried out or refused within a minute."""
DOORS: Final = (
    "SELECT device_id, connected_account_id, token, rescan, due_at AS since FROM visit "  # noqa: S608 - constants
    f"WHERE device_id IN (SELECT device_id FROM ({WAITED_FOR})) "
    f"AND leased_until IS NULL AND due_at <= ?1 AND {_HAS_ROOM} "
    "AND (?4 IS NULL OR connected_account_id IN (SELECT value FROM json_each(?4))) "
    "ORDER BY since LIMIT ?2"
)
CLAIM_DOORS: Final = DOORS + sql.CLAIMING
_NEXT_DUE: Final = (
    "SELECT due_at FROM ("
    "SELECT (SELECT due_at FROM visit WHERE connected_account_id = a.connected_account_id "
    "AND leased_until IS NULL AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS due_at "
    "FROM connected_account a "
    "WHERE ?2 IS NULL OR a.connected_account_id IN (SELECT value FROM json_each(?2)) UNION ALL "
    "SELECT leased_until FROM visit WHERE leased_until <= ?1 "
    "AND (?2 IS NULL OR connected_account_id IN (SELECT value FROM json_each(?2)))) d "
    "WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1"
)
_TAKE: Final = sql.Disjoint(
    "UPDATE visit SET due_at = NULL, leased_until = ?, token = ?, "  # noqa: S608 - constants
    f"rescan = CASE WHEN rescan = 0 THEN 0 ELSE {UNREAD} END WHERE device_id = ?"
)
_SCAN_AFRESH: Final = "UPDATE device SET scanned_at = NULL WHERE device_id = ?"
_AUDIT_NOW: Final = "UPDATE device SET audit_at = ? WHERE device_id = ?"
_CLEAR: Final = (
    "UPDATE visit SET leased_until = NULL, due_at = ?, token = token + 1 "
    "WHERE leased_until IS NOT NULL"
)
_HELD: Final = sql.select(
    device_rows.WITH_ACCOUNT,
    f"FROM {device_rows.WITH_ACCOUNT_TABLES} JOIN visit v ON v.device_id = d.device_id "
    "WHERE d.device_id = ? AND v.token = ? AND v.leased_until IS NOT NULL",
)
_IS_HELD: Final = (
    "SELECT 1 FROM visit WHERE device_id = ? AND token = ? AND leased_until IS NOT NULL"
)
_EXTEND: Final = sql.Disjoint(
    "UPDATE visit SET leased_until = ? "
    "WHERE device_id = ? AND token = ? AND leased_until IS NOT NULL RETURNING workspace_id"
)
_RELEASE: Final = sql.Disjoint(
    "UPDATE visit SET leased_until = NULL, "  # noqa: S608 - constants
    "due_at = CASE WHEN due_at < ?3 OR ?3 IS NULL THEN due_at ELSE ?3 END, "
    f"rescan = (rescan & {ASKED}) | ?4 "
    "WHERE device_id = ?1 AND token = ?2 AND leased_until IS NOT NULL "
    "RETURNING workspace_id, due_at"
)

_STATES: Final = frozenset({SET_ON_DEVICE, SCHEDULED_ON_DEVICE, DELETED})
"""Events that tell of a state: of a code whose wish changed during the visit it is not stored."""


class EngineQueries(Aggregate):
    """See EngineStorage."""

    def listen_due(self, listener: Callable[[], None]) -> None:
        self._db.due_listeners.append(listener)

    async def clear_leases(self) -> int:
        """Devices and messages are due at once, and visits that held a device can write no more."""
        db = self._db

        async def unit(tx: Transaction) -> int:
            await tx.run(END_LEASES, (tx.now_us(),))
            cleared = await tx.run(_CLEAR, (tx.now_us(),))
            if cleared:
                tx.notify_due()
            return cleared

        return await db.write(unit)

    async def claim_due(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        *,
        rooms: Mapping[str, int],
        accounts: Sequence[str] | None = None,
        for_doors: bool = False,
    ) -> Sequence[Lease]:
        if limit <= 0 or accounts == []:
            return ()
        some = _Claim(now, now + lease, limit, rooms, for_doors=for_doors)
        due, claiming = (DOORS, CLAIM_DOORS) if for_doors else (DUE, CLAIM)
        values = (
            to_us(now),
            limit,
            json_text({account: room for account, room in rooms.items() if room < limit}),
            _listed_or_none(accounts),
        )

        async def unit(tx: Transaction) -> Sequence[Lease]:
            rows = _fair(await tx.all(claiming, values), some)
            leased_until = to_us(some.leased_until)
            await tx.run_many(_TAKE, [(leased_until, row[2] + 1, row[0]) for row in rows])
            return [await _taken(tx, row, some) for row in rows]

        # Looking first costs no commit when there is nothing to claim.
        if not await self._db.reading.all(due, values):
            return ()
        return await self._db.write(unit)

    async def next_due(self, accounts: Sequence[str] | None = None) -> datetime | None:
        values = (self._db.now_us(), _listed_or_none(accounts))
        row = await self._db.reading.one(_NEXT_DUE, values)
        return None if row is None else from_us(row[0])

    async def load_visit(self, lease: Lease) -> LockView:
        device_id = lease.device_id

        async def unit(session: Session) -> LockView:
            row = await session.one(_HELD, (device_id, lease.token))
            if row is None:
                raise _lost(lease)
            device, account = device_rows.with_account_of(row)
            return LockView(
                device=device,
                account=account,
                codes=await code_rows.of_device(session, device_id),
                ledger=await slots.entries(session, device_id),
                foreign=await slots.foreign_codes(session, device_id),
                actions=await attempts.pending(session, device_id),
            )

        return await self._db.read(unit)

    async def pending_actions(self, lease: Lease) -> Sequence[ActionAttempt]:
        async def unit(session: Session) -> Sequence[ActionAttempt]:
            if await session.one(_IS_HELD, (lease.device_id, lease.token)) is None:
                raise _lost(lease)
            return await attempts.pending(session, lease.device_id)

        return await self._db.read(unit)

    async def checkpoint(
        self,
        lease: Lease,
        changes: VisitChanges,
        now: datetime,  # noqa: ARG002 - part of the interface; events carry their own time
        extend_to: datetime,
    ) -> Lease:
        db = self._db

        async def unit(tx: Transaction) -> None:
            values = (to_us(extend_to), lease.device_id, lease.token)
            held = await tx.one(_EXTEND, values)
            if held is None:
                raise _lost(lease)
            await _write_back(tx, lease, held[0], changes)

        await db.write(unit, lease.device_id)
        return msgspec.structs.replace(lease, leased_until=extend_to)

    async def release(
        self,
        lease: Lease,
        changes: VisitChanges,
        now: datetime,  # noqa: ARG002 - part of the interface; events carry their own time
        due_at: datetime | None,
    ) -> None:
        db = self._db

        async def unit(tx: Transaction) -> None:
            unread = UNREAD if changes.suspected else 0
            values = (lease.device_id, lease.token, to_us_or_none(due_at), unread)
            held = await tx.one(_RELEASE, values)
            if held is None:
                raise _lost(lease)
            await _write_back(tx, lease, held[0], changes)
            if held[1] is not None:
                tx.notify_due()

        await db.write(unit, lease.device_id)


def _listed_or_none(accounts: Sequence[str] | None) -> str | None:
    return None if accounts is None else sql.listed(accounts)


class _Claim(msgspec.Struct, frozen=True):
    """What is claimed of what is due: so many at most, and so many of some accounts."""

    now: datetime
    leased_until: datetime
    limit: int
    rooms: Mapping[str, int]
    for_doors: bool = False


def _fair(rows: Sequence[Row], some: _Claim) -> list[Row]:
    """Those that are taken, earliest first."""
    left: dict[str, int] = {}
    found: list[Row] = []
    for row in rows:
        account_id = row[1]
        room = left.get(account_id, some.rooms.get(account_id, some.limit))
        if room > 0:
            left[account_id] = room - 1
            found.append(row)
            if len(found) == some.limit:
                break
    return found


async def _taken(tx: Transaction, row: Row, some: _Claim) -> Lease:
    device_id, account_id, token, rescan, _since = row
    if rescan & FRESH_SCAN:
        await tx.run(_SCAN_AFRESH, (device_id,))
    if rescan & AUDIT:
        await tx.run(_AUDIT_NOW, (to_us(some.now), device_id))
    if rescan & ASKED:
        await code_rows.unblock_duplicates(tx, device_id)
    return Lease(
        device_id=device_id,
        connected_account_id=account_id,
        token=token + 1,
        leased_until=some.leased_until,
        for_doors=some.for_doors,
        suspected=rescan != 0,
        scan_anew=rescan & FRESH_SCAN != 0,
    )


async def _write_back(
    tx: Transaction, lease: Lease, workspace_id: str, changes: VisitChanges
) -> None:
    if changes.adopted:
        await codes.add(tx, changes.adopted)
    left_out = await codes.add_unless_taken(tx, changes.new_codes)
    overtaken = await code_rows.write_states(tx, changes.codes, changes.repinned)
    await slots.write(
        tx,
        workspace_id,
        lease.device_id,
        ledger=changes.ledger,
        ledger_removed=changes.ledger_removed,
        foreign=changes.foreign,
        foreign_removed=changes.foreign_removed,
    )
    if changes.device is not None:
        await device_rows.write_engine_fields(tx, changes.device, changes.device_was)
    await attempts.end(tx, changes.attempts)
    await attempts.converge(tx, changes.converged)
    told = [
        event
        for event in changes.events
        if event.access_code_id not in left_out
        and not (event.access_code_id in overtaken and event.event_type in _STATES)
    ]
    await event_queries.append(tx, workspace_id, lease.connected_account_id, told)


def _lost(lease: Lease) -> StaleTokenError:
    return StaleTokenError(f"The lease of device {lease.device_id} was lost.")
