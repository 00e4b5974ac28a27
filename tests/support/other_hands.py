"""Codes of other hands in storage, as a visit writes them."""

from datetime import datetime, timedelta
from typing import Any

from latchwork.domain.pin import Pin
from latchwork.domain.slots import ForeignCode
from latchwork.domain.visit import VisitChanges
from latchwork.storage.interface import Storage


async def put_foreign(
    storage: Storage, now: datetime, new_id: str, device_id: str, position: int, **fields: Any
) -> ForeignCode:
    """`pin` None: the lock hides it."""
    pin = fields.pop("pin", None)
    code = ForeignCode(
        unmanaged_access_code_id=new_id,
        device_id=device_id,
        position=position,
        pin=None if pin is None else Pin(pin),
        created_at=now,
        **fields,
    )
    await storage.rescan_device(device_id, now, positions=False)
    minute = timedelta(minutes=1)
    leases = await storage.claim_due(now, minute, 1000, rooms={})
    for lease in leases:
        held = VisitChanges(foreign=(code,)) if lease.device_id == device_id else VisitChanges()
        await storage.release(lease, held, now, None)
    return code
