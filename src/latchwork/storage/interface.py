"""What the rest of the house asks of storage. One protocol; SQLite and PostgreSQL implement it.

Rules for every implementation:
- Each method that writes is one durable transaction: when it returns, it is on disk; when it
  raises, nothing of it is. Many callers' writes may share one commit.
- An event given with a change is stored in the change's transaction, with a webhook message for
  each endpoint that wants it (the outbox).
- Every query takes the workspace, except those of the engine, the deliverer and the key look-up.
- PINs, provider secrets and webhook secrets are encrypted at rest and come back as Secret.
- A method that makes a device due calls the `on_due` listener after the commit.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from latchwork.domain.access_code import AccessCode, Pool
from latchwork.domain.action_attempt import ActionAttempt
from latchwork.domain.commands import Command
from latchwork.domain.credentials import ApiKey as ApiKey  # noqa: PLC0414 - part of the interface
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.events import Event, NewEvent
from latchwork.domain.pin import Pin, Secret
from latchwork.domain.slots import ForeignCode, LedgerEntry
from latchwork.domain.visit import LockView, VisitChanges
from latchwork.storage.access import (
    AccountDeletion,
    IdempotencyStorage,
    KeyStorage,
    ProfileStorage,
    SessionStorage,
    WebviewStorage,
    WorkspaceStorage,
)
from latchwork.storage.backlog import BacklogStorage
from latchwork.storage.console import ConsoleStorage
from latchwork.storage.errors import StaleTokenError as StaleTokenError  # noqa: PLC0414 - likewise
from latchwork.storage.errors import StorageUnavailable as StorageUnavailable  # noqa: PLC0414
from latchwork.storage.inbound import InboundStorage
from latchwork.storage.outbox import WebhookStorage as WebhookStorage  # noqa: PLC0414 - likewise
from latchwork.storage.ownership import OwnershipStorage
from latchwork.storage.page import Page as Page  # noqa: PLC0414 - part of the interface
from latchwork.storage.retention import RetentionStorage


class CodeView(msgspec.Struct, frozen=True, kw_only=True):
    """A code with what its serializer needs."""

    code: AccessCode
    device: Device
    account: ConnectedAccount
    entry: LedgerEntry | None
    backup_available: bool = False
    """Whether a backup code stands on its lock that can be pulled for it."""


class UnmanagedView(msgspec.Struct, frozen=True, kw_only=True):
    """A code of another hand with what its serializer needs."""

    code: ForeignCode
    device: Device
    account: ConnectedAccount


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    device: Device
    account: ConnectedAccount


class Duplicate(msgspec.Struct, frozen=True):
    """The PIN is on the lock already in an overlapping window: by which code."""

    access_code_id: str | None = None
    unmanaged_access_code_id: str | None = None


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed device. The token fences every write-back of the visit. `for_doors`: the visit
    carries out what somebody at the door waits for, and leaves all else to the next. `suspected`:
    the lock said that its codes were changed by another hand, and no visit has read what it spoke
    of; `scan_anew`: it did so since the last claim, without naming positions."""

    device_id: str
    connected_account_id: str
    token: int
    leased_until: datetime
    for_doors: bool = False
    suspected: bool = False
    scan_anew: bool = False


class CodeFilter(msgspec.Struct, frozen=True, kw_only=True):
    device_id: str | None = None
    access_code_ids: tuple[str, ...] | None = None
    connected_account_ids: tuple[str, ...] | None = None
    search: str | None = None
    common_code_key: str | None = None
    pool: Pool | None = None


class UnmanagedFilter(msgspec.Struct, frozen=True, kw_only=True):
    device_id: str | None = None
    connected_account_ids: tuple[str, ...] | None = None
    search: str | None = None


class DeviceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`is_managed` None: all of them. `capabilities`: names of LockCapabilities' flags, and
    whether a device shall have them. `providers`: of their accounts."""

    is_managed: bool | None = True
    capabilities: tuple[tuple[str, bool], ...] = ()
    providers: tuple[str, ...] | None = None
    connected_account_ids: tuple[str, ...] | None = None
    device_ids: tuple[str, ...] | None = None
    device_types: tuple[str, ...] | None = None
    manufacturer: str | None = None
    custom_metadata_has: Mapping[str, Any] | None = None
    search: str | None = None
    created_before: datetime | None = None


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime | None = None
    until: datetime | None = None
    event_ids: tuple[str, ...] | None = None
    event_types: tuple[str, ...] | None = None
    device_ids: tuple[str, ...] | None = None
    access_code_ids: tuple[str, ...] | None = None
    connected_account_id: str | None = None
    connected_account_ids: tuple[str, ...] | None = None
    offset: int = 0
    """How many to pass over."""


DeviceChange = Callable[[Device], tuple[Device, Sequence[NewEvent], bool]]
AccountChange = Callable[[ConnectedAccount], tuple[ConnectedAccount, Sequence[NewEvent]]]
DeviceDeletion = Callable[[Device, ConnectedAccount, Sequence[AccessCode]], Sequence[NewEvent]]
"""The events that tell of a deletion; the codes are those that were not deleted before."""


class AccountStorage(Protocol):
    """Connected accounts, their settings, and their drivers' own store."""

    async def add_account(
        self,
        account: ConnectedAccount,
        settings: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        identity: Mapping[str, Any] | None = None,
    ) -> ConnectedAccount:
        """Idempotent by workspace, provider and `identity` (see CheckedSettings; None: by the
        settings): answers the one that stands, which gets the new secrets."""

    async def account(self, workspace_id: str, account_id: str) -> ConnectedAccount | None: ...
    async def accounts(
        self,
        workspace_id: str,
        *,
        limit: int,
        cursor: str | None,
        search: str | None = None,
        custom_metadata_has: Mapping[str, Any] | None = None,
    ) -> Page[ConnectedAccount]: ...
    def listen_accounts(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every commit, of any process, that added, changed, renewed or
        deleted an account, or kept a delivery for one."""

    async def all_accounts(self) -> Sequence[ConnectedAccount]: ...
    async def account_by_id(self, account_id: str) -> ConnectedAccount | None:
        """In whatever workspace it is."""

    async def account_settings(
        self, account_id: str
    ) -> tuple[Mapping[str, Any], Mapping[str, Secret]]: ...
    async def set_account_state(
        self, account: ConnectedAccount, events: Sequence[NewEvent], now: datetime
    ) -> None:
        """Writes `connected`, `sync_due`, `errors`, `warnings`; makes all its devices due when it
        connects."""

    async def change_account(
        self, workspace_id: str, account_id: str, change: AccountChange
    ) -> ConnectedAccount | None:
        """Applies a pure function to the stored account and writes what it answers, with its
        events, in one transaction. None: no such account."""

    async def delete_account(
        self, workspace_id: str, account_id: str, told: AccountDeletion
    ) -> bool:
        """Forgets the account, its devices, their codes and its driver's store. Visits under way
        lose their leases. False: no such account."""

    async def driver_store_load(self, account_id: str) -> Mapping[str, bytes]: ...
    async def driver_store_value(self, account_id: str, key: str) -> bytes | None: ...
    async def driver_store_save(self, account_id: str, key: str, value: bytes) -> None: ...


class DeviceStorage(Protocol):
    async def device(
        self,
        workspace_id: str,
        *,
        device_id: str | None = None,
        name: str | None = None,
        is_managed: bool | None = True,
    ) -> DeviceView | None:
        """By id or by name, of managed (True), unmanaged (False) or all devices (None)."""

    async def devices(
        self, workspace_id: str, where: DeviceFilter, *, limit: int, cursor: str | None
    ) -> Page[DeviceView]: ...
    async def devices_of_account(self, account_id: str) -> Sequence[Device]: ...
    async def device_by_key(self, account_id: str, provider_key: str) -> Device | None: ...
    async def upsert_device(
        self, device: Device, events: Sequence[NewEvent], now: datetime, *, due: bool
    ) -> None:
        """Inserts, or replaces what the provider tells of a standing one (never the engine's own
        fields: failures, retry_at, scanned_at, audit_at, lead_time; nor its owner's: nickname,
        custom_metadata, is_managed, reported_time_zone);
        `due`: the engine shall visit it now. `online`, `errors`, `warnings` are written."""

    async def change_device(
        self, device_id: str, change: DeviceChange, now: datetime
    ) -> Device | None:
        """Applies a pure function to the stored device and writes what it answers (the fields of
        upsert_device and the owner's), with its events, in one transaction, so that no
        concurrent change is lost. Its third answer: whether the engine shall visit the lock now.
        None: no such device."""

    async def delete_device(self, workspace_id: str, device_id: str, told: DeviceDeletion) -> bool:
        """Forgets the device and its codes. A visit under way loses its lease. False: no such
        device."""

    async def code_at(self, device_id: str, position: int) -> tuple[str | None, bool]:
        """The id of the code at a position, and whether it is one of ours."""

    async def add_events(self, workspace_id: str, events: Sequence[NewEvent]) -> None: ...
    async def rescan_device(self, device_id: str, now: datetime, *, positions: bool) -> None:
        """Makes the device due at once; `positions` True: with a fresh scan of all of them,
        False: with an audit of ours. Clears `blocked` of DUPLICATE on its codes."""


class CodeStorage(Protocol):
    async def create_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        """Stores code, attempt and events and makes the device due at `due_at` at the latest.
        With a duplicate on the lock (same PIN, overlapping window, code not gone; unmanaged ones
        with a known PIN count) nothing is stored, and the duplicate is answered."""

    async def update_code(
        self, code: AccessCode, attempt: ActionAttempt, events: Sequence[NewEvent], due_at: datetime
    ) -> Duplicate | None:
        """Like create_code, for a changed desired state: `code.generation` is the new one and
        must be the stored one plus one, else StaleTokenError (read again, apply again)."""

    async def create_codes(self, commands: Sequence[Command]) -> Sequence[Duplicate | None]:
        """Like create_code for codes on different devices: all are stored when no duplicate is
        answered for any, else none."""

    async def update_codes(self, commands: Sequence[Command]) -> Sequence[Duplicate | None]:
        """Like update_code: all changes are stored when no duplicate is answered for any, else
        none."""

    async def code(
        self,
        workspace_id: str,
        *,
        access_code_id: str | None = None,
        device_id: str | None = None,
        pin: Pin | None = None,
    ) -> CodeView | None:
        """By id, or by device and PIN; None for one that is deleted."""

    async def codes(
        self, workspace_id: str, where: CodeFilter, *, limit: int, cursor: str | None
    ) -> Page[CodeView]: ...
    async def pins_on(self, device_id: str) -> Sequence[Pin]:
        """Every PIN known on the lock, ours not yet gone and unmanaged ones."""

    async def unmanaged_code(
        self,
        workspace_id: str,
        *,
        access_code_id: str | None = None,
        device_id: str | None = None,
        pin: Pin | None = None,
    ) -> UnmanagedView | None:
        """A code of another hand by its id, or by device and PIN."""

    async def unmanaged_codes(
        self, workspace_id: str, where: UnmanagedFilter, *, limit: int, cursor: str | None
    ) -> Page[UnmanagedView]: ...
    async def add_attempt(self, attempt: ActionAttempt) -> None:
        """One for the engine to carry out: makes its device due at once."""

    async def attempt(self, workspace_id: str, attempt_id: str) -> ActionAttempt | None: ...
    async def attempts(
        self,
        workspace_id: str,
        *,
        ids: Sequence[str] | None,
        device_id: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page[ActionAttempt]: ...


class VisitStorage(Protocol):
    """What one visit reads and writes back."""

    async def load_visit(self, lease: Lease) -> LockView:
        """Raises StaleTokenError when the lease is lost."""

    async def pending_actions(self, lease: Lease) -> Sequence[ActionAttempt]:
        """What the engine is to carry out on the device, oldest first. Raises StaleTokenError."""

    async def checkpoint(
        self, lease: Lease, changes: VisitChanges, now: datetime, extend_to: datetime
    ) -> Lease:
        """Writes back and keeps the lease, extended. Raises StaleTokenError."""

    async def release(
        self, lease: Lease, changes: VisitChanges, now: datetime, due_at: datetime | None
    ) -> None:
        """Writes back, sets the next due time, frees the lease. A due time that an API write
        moved closer during the visit is kept when it is earlier. Raises StaleTokenError."""


class EngineStorage(VisitStorage, Protocol):
    """Claims and write-backs. `on_due` is called (from the event loop) after each commit that
    may have made a device due earlier than before."""

    def listen_due(self, listener: Callable[[], None]) -> None: ...
    async def clear_leases(self) -> int:
        """For the one process that owns a SQLite file, at its start: ends what a process before it
        held, leases of messages too. How many devices were held."""

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
        """Claims up to `limit` devices whose due_at has come, earliest first, of an account that
        `rooms` names at most so many; of these accounts alone, if any are named. `for_doors`: only
        those that an action of AT_THE_DOOR waits for, with leases that say so."""

    async def next_due(self, accounts: Sequence[str] | None = None) -> datetime | None:
        """The earliest due_at of a device without a lease in force, of all or of these accounts."""


class EventStorage(Protocol):
    async def event(
        self,
        workspace_id: str,
        *,
        event_id: str | None = None,
        event_type: str | None = None,
        device_id: str | None = None,
    ) -> Event | None:
        """By id, or the newest of a type and device."""

    async def event_by_id(self, event_id: str) -> Event | None:
        """For the deliverer, across workspaces."""

    async def events(
        self, workspace_id: str, where: EventFilter, *, limit: int, cursor: str | None
    ) -> Page[Event]: ...


class Storage(
    KeyStorage,
    WorkspaceStorage,
    SessionStorage,
    WebviewStorage,
    ProfileStorage,
    IdempotencyStorage,
    AccountStorage,
    DeviceStorage,
    CodeStorage,
    EngineStorage,
    OwnershipStorage,
    RetentionStorage,
    InboundStorage,
    BacklogStorage,
    WebhookStorage,
    EventStorage,
    ConsoleStorage,
    Protocol,
):
    """The whole."""

    async def healthy(self) -> None:
        """Raises when the database does not answer."""

    async def aclose(self) -> None: ...
