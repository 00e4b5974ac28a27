"""Locks and the accounts they are reached through."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from latchwork.domain.customization import WebviewCustomization
from latchwork.domain.problem import Problems
from latchwork.domain.window import LEAD_TIME


class Reads(StrEnum):
    """What a read of a position can show."""

    PIN = "pin"
    """The PIN itself."""
    OCCUPANCY = "occupancy"
    """That something is stored, not what."""
    NOTHING = "nothing"
    """Nothing: `set` can never be proven by a read."""


class CodeConstraint(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of Seam's code_constraints; lengths only for `name_length`."""

    constraint_type: str
    min_length: int | None = None
    max_length: int | None = None


class OfflineCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Which codes the lock computes by itself: for whole hours, for whole days, for one use."""

    longest_hours: int = 672
    days: tuple[int, int] | None = (29, 367)
    """The fewest and the most days of a code that ends at the time of day at which it starts."""
    one_time_hours: int | None = 24
    """For how long a code for one use waits for it; None: there are none."""


class LockCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock can do, as its driver states it."""

    access_codes: bool = True
    """Whether PINs can be programmed online at all."""
    offline: OfflineCodes | None = None
    """None: the lock computes no codes by itself."""
    code_lengths: tuple[int, ...] = (4, 5, 6, 7, 8)
    characters: str = "0123456789"
    constraints: tuple[CodeConstraint, ...] = ()
    first_position: int = 1
    positions: int = 30
    max_active_codes: int | None = None
    """When the lock holds fewer codes at once than it has positions."""
    native_scheduling: bool = False
    """Whether the lock itself stores and enforces a validity window with a code."""
    name_max_length: int | None = None
    """How long a name the lock stores with a code; None: it stores none."""
    splits_names: bool = False
    """Whether the lock stores a first and a last name: the first word, and the rest."""
    reads: Reads = Reads.PIN
    read_cost: int = 1
    """How many radio operations a fresh read of one position takes at most; 0 where one call tells
    of all positions."""
    pushes_changes: bool = False
    """Whether the lock tells of codes changed by another hand."""
    refuses_duplicates: bool = False
    can_lock: bool = True
    can_unlock: bool = True
    auto_lock: bool = False
    """Whether the lock can be told to lock itself after a while."""
    scan_on_adoption: bool = True
    """Whether reading all positions once, when the lock is found, is affordable."""

    @property
    def room(self) -> int:
        """How many codes the lock holds at once."""
        if self.max_active_codes is None:
            return self.positions
        return min(self.positions, self.max_active_codes)

    @property
    def last_position(self) -> int:
        return self.first_position + self.positions - 1


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A lock: what it is, how it is, and where the engine stands with it."""

    device_id: str
    workspace_id: str
    connected_account_id: str
    provider_key: str
    """The driver's own name of the lock, unique within the account."""
    device_type: str
    display_name: str
    manufacturer: str
    model: str
    capabilities: LockCapabilities
    """As the driver states them."""
    created_at: datetime
    is_managed: bool = True
    nickname: str | None = None
    serial_number: str | None = None
    online: bool = True
    locked: bool | None = None
    door_open: bool | None = None
    battery_level: float | None = None
    """0.0 to 1.0."""
    auto_lock_enabled: bool | None = None
    auto_lock_delay: float | None = None
    """Seconds from unlocking until the lock locks itself."""
    time_zone: str | None = None
    """IANA name, as the provider tells it."""
    backup_pool_enabled: bool = True
    """Whether a pool of backup codes may be kept on it, where codes ask for one."""
    reported_time_zone: str | None = None
    """IANA name, as a caller reported it; goes before the provider's."""
    custom_metadata: dict[str, Any] = {}
    errors: Problems = ()
    warnings: Problems = ()
    reported_code_lengths: tuple[int, ...] | None = None
    """What a caller found out of the lengths that the lock takes, instead of the driver's word."""
    lead_time: timedelta = LEAD_TIME
    removed: bool = False
    """Whether the provider no longer lists the lock."""
    scanned_at: datetime | None = None
    """When all positions were last read; None: never."""
    audit_at: datetime | None = None
    """When the next proof of a standing code is due."""
    failures: int = 0
    """Consecutive failures to reach the lock."""
    retry_at: datetime | None = None
    """No radio to this lock before then."""

    @property
    def name(self) -> str:
        """What people call it: the caller's name for it, else the provider's."""
        return self.nickname or self.display_name

    @property
    def zone(self) -> str | None:
        """The IANA time zone that it is in, as far as anybody said."""
        return self.reported_time_zone or self.time_zone

    @property
    def code_rules(self) -> LockCapabilities:
        """The capabilities with the lengths that bind new PINs."""
        if self.reported_code_lengths is None:
            return self.capabilities
        return msgspec.structs.replace(self.capabilities, code_lengths=self.reported_code_lengths)


class SyncDue(StrEnum):
    FIRST = "first"
    AFTER_RECONNECTION = "after_reconnection"


class ConnectedAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One connection to a provider (a Z-Wave JS server, a cloud account, the simulator)."""

    connected_account_id: str
    workspace_id: str
    provider: str
    """The driver's name in the registry, such as `zwave_js`."""
    display_name: str
    created_at: datetime
    connected: bool = False
    lead_time: timedelta | None = None
    """For all its locks, instead of `LEAD_TIME`."""
    custom_metadata: dict[str, Any] = {}
    automatically_manage_new_devices: bool = True
    accepted_capabilities: tuple[str, ...] = ("lock",)
    suspended: bool = False
    """Whether it shall stay disconnected until somebody asks for it again."""
    sync_requested_at: datetime | None = None
    """When a caller last asked for a fresh list of its locks."""
    renewed_at: datetime | None = None
    """When its secrets were renewed: its connection is made anew with them."""
    sync_due: SyncDue | None = SyncDue.FIRST
    """Which complete list of its locks has still to be told of."""
    errors: Problems = ()
    warnings: Problems = ()


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """What keys, accounts, locks and codes belong to."""

    workspace_id: str
    name: str
    is_sandbox: bool
    """Whether its locks are simulated."""
    created_at: datetime
    connect_partner_name: str | None = None
    """Who asks people to connect their locks, on the page where they do; None: `name`."""
    is_suspended: bool = False
    """Whether all but reading is refused."""
    publishable_key: str | None = None
    """Not a secret: with it a browser can begin a session, where that is allowed."""
    is_publishable_key_auth_enabled: bool = False
    organization_id: str | None = None
    webview_customization: WebviewCustomization = WebviewCustomization()


LOST = frozenset(("account_disconnected", "bridge_disconnected"))
"""Errors of an account with which nobody knows what is on its locks."""
LOW_BATTERY = 0.2
CRITICAL_BATTERY = 0.05


def battery_status(level: float) -> str:
    """Seam's word for a level of 0.0 to 1.0."""
    if level < CRITICAL_BATTERY:
        return "critical"
    if level < LOW_BATTERY:
        return "low"
    return "good" if level < 0.9 else "full"
