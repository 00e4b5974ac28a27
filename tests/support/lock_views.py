"""Small builders of what a visit knows of a lock, for tests of the pure functions."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from latchwork.domain.access_code import AccessCode, CodeStatus, CodeType
from latchwork.domain.device import ConnectedAccount, Device, LockCapabilities
from latchwork.domain.lock_state import LockState
from latchwork.domain.pin import Pin
from latchwork.domain.policy import Policy
from latchwork.domain.slots import ForeignCode, LedgerEntry
from latchwork.domain.visit import LockView

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
POLICY = Policy()
HOUR = timedelta(hours=1)


def device(**fields: Any) -> Device:
    capabilities = fields.pop("capabilities", LockCapabilities(positions=5))
    return Device(
        **{
            "device_id": "dev",
            "workspace_id": "ws",
            "connected_account_id": "acc",
            "provider_key": "key",
            "device_type": "yale_lock",
            "display_name": "Front door",
            "manufacturer": "yale",
            "model": "Assure",
            "capabilities": capabilities,
            "created_at": NOW - 24 * HOUR,
            "scanned_at": NOW - 24 * HOUR,
            "audit_at": NOW + 6 * HOUR,
            **fields,
        }
    )


def account(**fields: Any) -> ConnectedAccount:
    return ConnectedAccount(
        **{
            "connected_account_id": "acc",
            "workspace_id": "ws",
            "provider": "simulator",
            "display_name": "Simulator",
            "created_at": NOW - 24 * HOUR,
            "connected": True,
            **fields,
        }
    )


def code(pin: str = "4711", **fields: Any) -> AccessCode:
    """Ongoing without ends_at, time-bound with it; wished a day ago."""
    bound = fields.get("ends_at") is not None
    made = fields.pop("created_at", NOW - 24 * HOUR)
    return AccessCode(
        **{
            "access_code_id": "code",
            "workspace_id": "ws",
            "device_id": "dev",
            "connected_account_id": "acc",
            "type": CodeType.TIME_BOUND if bound else CodeType.ONGOING,
            "name": "Guest",
            "pin": Pin(pin),
            "created_at": made,
            "changed_at": made,
            "status": CodeStatus.UNSET if bound else CodeStatus.SETTING,
            **fields,
        }
    )


def entry(position: int = 1, pin: str = "4711", **fields: Any) -> LedgerEntry:
    return LedgerEntry(
        **{
            "device_id": "dev",
            "position": position,
            "access_code_id": "code",
            "generation": 1,
            "pin": Pin(pin),
            **fields,
        }
    )


def foreign(position: int, pin: str | None = None) -> ForeignCode:
    return ForeignCode(
        unmanaged_access_code_id=f"foreign-{position}",
        device_id="dev",
        position=position,
        pin=None if pin is None else Pin(pin),
        created_at=NOW,
    )


def state(
    *codes: AccessCode,
    ledger: tuple[LedgerEntry, ...] = (),
    others: tuple[ForeignCode, ...] = (),
    on: Device | None = None,
    via: ConnectedAccount | None = None,
) -> LockState:
    ids = count()
    return LockState(
        LockView(
            device=on or device(),
            account=via or account(),
            codes=codes,
            ledger=ledger,
            foreign=others,
        ),
        lambda: f"new-{next(ids)}",
    )


def told(of: LockState) -> list[str]:
    """The event types that wait to be written, drained."""
    return [event.event_type for event in of.drain().events]
