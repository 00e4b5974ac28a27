"""When devices are due, and who holds them: the one table that every write to a lock touches."""

from collections.abc import Mapping

from latchwork.storage.sql import sql
from latchwork.storage.sql.session import Transaction

FRESH_SCAN = 1
"""Of the column `rescan`, whose bits wait for the next claim: a visit under way must not undo
them with what it knew before."""
AUDIT = 2
ASKED = FRESH_SCAN | AUDIT
UNREAD = 4
"""A claim has handed these on to a visit, and no visit has read what they are about."""

_MAKE_DUE = sql.Disjoint(
    "UPDATE visit SET due_at = ?2 WHERE device_id = ?1 AND (due_at IS NULL OR due_at > ?2)"
)
_MAKE_ALL_DUE = (
    "UPDATE visit SET due_at = ?2 "
    "WHERE connected_account_id = ?1 AND (due_at IS NULL OR due_at > ?2)"
)
_ASK_RESCAN = "UPDATE visit SET rescan = rescan | ? WHERE device_id = ?"


async def make_due(tx: Transaction, device_id: str, due_at_us: int) -> None:
    """For units: the device is due then at the latest, after the visit that holds it, if any."""
    await make_each_due(tx, {device_id: due_at_us})


async def make_each_due(tx: Transaction, due_at_us: Mapping[str, int]) -> None:
    """For units: like `make_due`, for devices with an instant for each."""
    if any(await tx.run_each(_MAKE_DUE, due_at_us.items())):
        tx.notify_due()


async def make_all_due(tx: Transaction, account_id: str, due_at_us: int) -> None:
    """For units: like `make_due`, for all devices of an account."""
    if await tx.run(_MAKE_ALL_DUE, (account_id, due_at_us)):
        tx.notify_due()


async def ask_rescan(tx: Transaction, device_id: str, bits: int) -> None:
    """For units: FRESH_SCAN or AUDIT, with the next visit."""
    await tx.run(_ASK_RESCAN, (bits, device_id))
