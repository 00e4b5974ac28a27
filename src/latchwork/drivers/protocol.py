"""What a driver of locks offers the engine.

A driver holds one connection to one provider (one Z-Wave JS server, one cloud account). It keeps
no opinion on what should be on a lock: it reads, writes, clears and reports. It raises only
the errors of `latchwork.domain.errors`; whatever else escapes is treated as RetryLater. It
serialises its own traffic where the provider needs that. It never logs a PIN.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

import msgspec

from latchwork.domain.access_code import Offline
from latchwork.domain.device import LockCapabilities
from latchwork.domain.observation import Observation
from latchwork.domain.pin import Pin, Secret
from latchwork.domain.provider import SettingField
from latchwork.domain.window import Window


class DiscoveredDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A lock as its provider lists it. `battery_level` is 0.0 to 1.0."""

    provider_key: str
    device_type: str
    display_name: str
    manufacturer: str
    model: str
    capabilities: LockCapabilities
    serial_number: str | None = None
    online: bool = True
    locked: bool | None = None
    door_open: bool | None = None
    battery_level: float | None = None
    time_zone: str | None = None
    auto_lock_enabled: bool | None = None
    auto_lock_delay: float | None = None
    """Seconds."""
    conditions: Mapping[str, bool] = {}
    """As in `DeviceChanged`."""


# Pushes: what a provider tells without being asked. Each may be repeated and may come late.


class DevicesFound(msgspec.Struct, frozen=True):
    """These locks are there. `complete`: whether locks not named are gone from the provider."""

    devices: tuple[DiscoveredDevice, ...]
    complete: bool = False


class DeviceChanged(msgspec.Struct, frozen=True, kw_only=True):
    """New facts of a lock; what is None is not told. `hub_offline`: with `online` False, whether
    it is the hub that is lost. `conditions`: what begins (True) or ends (False) to stand on the
    lock, by Seam's error or warning code, of those in `latchwork.domain.conditions`.
    `auto_lock_delay` is in seconds."""

    provider_key: str
    online: bool | None = None
    hub_offline: bool | None = None
    locked: bool | None = None
    door_open: bool | None = None
    battery_level: float | None = None
    tampered: bool | None = None
    connection_flaky: bool | None = None
    auto_lock_enabled: bool | None = None
    auto_lock_delay: float | None = None
    conditions: Mapping[str, bool] = {}
    occurred_at: datetime | None = None


class LockOperated(msgspec.Struct, frozen=True, kw_only=True):
    """The bolt was moved. `method`: keycode, manual, automatic, remote, card or unknown (Seam's
    words); `position`: whose PIN was typed, when the lock tells; `code`: the PIN itself, of one
    that the lock computes and stores nowhere."""

    provider_key: str
    locked: bool
    method: str
    position: int | None = None
    code: Pin | None = None
    occurred_at: datetime | None = None
    report_id: str | None = None
    """Equal when the same is told again: it becomes one event."""


class AccessDenied(msgspec.Struct, frozen=True, kw_only=True):
    """A wrong PIN was typed, or a right one outside its window."""

    provider_key: str
    occurred_at: datetime | None = None
    report_id: str | None = None
    """As in `LockOperated`."""


class CodesChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Codes on the lock may have changed by another hand. `positions` None: no telling which.
    A driver may also report its own writes: the engine reads before it believes."""

    provider_key: str
    positions: tuple[int, ...] | None = None


class AccountChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What begins (True) or ends (False) to stand on the account, by Seam's warning code, of those
    in `latchwork.domain.conditions`; a text begins too, and tells people what to do."""

    conditions: Mapping[str, bool | str]


Push = DevicesFound | DeviceChanged | LockOperated | AccessDenied | CodesChanged | AccountChanged
Sink = Callable[[Push], Awaitable[None]]
"""Takes one push; returns when it is stored, so that pushes stay in order."""


class Driver(Protocol):
    """One connection to one provider. All methods but `run` and `aclose` need a live connection
    and raise RetryLater without one."""

    @property
    def max_concurrent_visits(self) -> int:
        """How many locks may be worked on at once through this connection; as many doors may be
        moved besides, unless it is 1: then everything is done one after the other."""

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        """Connects, calls `connected` once the provider answers, reports all locks with one
        complete DevicesFound, then pushes until the connection ends.

        Raises RetryLater when the connection is lost or refused, NeedsAttention when the
        credentials or the address are wrong. Called again after each end; cancelled at shutdown.
        """

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        """A fresh read of these positions, past every cache, in any number of radio operations.

        A position that could not be read is NotRead or left out. Raises RetryLater when the
        lock could not be reached at all.
        """

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        """What is known of all positions, for less than reading each; called seldom (adoption,
        changes without a position). Positions not named are unknown.

        Raises Unsupported where the lock tells one after the other: whoever asks then reads them in
        parts, so that others come between."""

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        """Stores the PIN at the position; idempotent. `window` only on natively scheduling
        locks; None means valid always, and removes a schedule that stood there.

        Returning means that the lock acknowledged, nothing more. Raises Conflict for a PIN the
        lock holds already, Rejected for one it will not take, RetryLater when nobody knows.
        """

    async def clear(self, provider_key: str, position: int) -> None:
        """Empties the position, schedule included; idempotent: an empty one is no error."""

    async def lock(self, provider_key: str) -> None:
        """Throws the bolt. Returning means that the lock acknowledged."""

    async def unlock(self, provider_key: str) -> None:
        """Draws the bolt. Returning means that the lock acknowledged."""

    async def probe(self, provider_key: str) -> bool:
        """Whether the lock answers now (a ping); cheaper than a read where the provider can."""

    async def simulate(self, provider_key: str, action: str, values: Mapping[str, Any]) -> bool:
        """Sandbox actions (see the simulator). Raises Unsupported on real locks. The result says
        whether the action had its effect (for a keypad entry: whether the bolt moved)."""

    async def aclose(self) -> None:
        """Ends the connection and frees everything; idempotent."""


@runtime_checkable
class ConfiguresAutoLock(Protocol):
    """A driver with locks whose `capabilities.auto_lock` is set."""

    async def configure_auto_lock(
        self, provider_key: str, *, enabled: bool, delay: float | None
    ) -> None:
        """Has the lock lock itself `delay` seconds after it was unlocked (None: as long as is set
        on the lock, or its own choice), or not any more. Returning means that the lock says so
        when asked. Raises Unsupported for a lock that cannot."""


@runtime_checkable
class ListsAnew(Protocol):
    """A driver that can list its locks again while it is connected; others are reconnected."""

    async def list_anew(self) -> "DevicesFound":
        """All locks, complete, past every cache."""


@runtime_checkable
class OfflineIssuer(Protocol):
    """What a driver offers besides when its provider knows what PINs its locks compute."""

    async def issue(self, provider_key: str, grain: Offline, window: Window, reference: str) -> Pin:
        """The PIN that the lock takes in this window, by its own clock. Nothing is asked of the
        lock. The same `reference` is answered the same PIN; another gets another.

        Raises Rejected for a window that the lock cannot compute a PIN for, Unsupported for a
        lock that computes none."""


@runtime_checkable
class ReceivesDeliveries(Protocol):
    """What a driver offers besides when its provider calls us: webhooks, callbacks."""

    async def receive(self, headers: Mapping[str, str], body: bytes) -> Sequence[Push]:
        """What a delivery to `DriverContext.inbound_url` says. Headers have names in lower case;
        the body is bounded already.

        Raises Rejected for one that its provider did not send or that cannot be read (it is
        answered with 4xx), RetryLater while it cannot be taken (the provider sends it again).
        """


class DriverContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the composition hands to a driver's factory."""

    connected_account_id: str
    settings: Mapping[str, Any]
    """As given at connect time, such as {"url": "ws://host:3000"}; checked by the factory."""
    secrets: Mapping[str, Secret]
    """Tokens and passwords given at connect time."""
    clock: "DriverClock"
    store: "DriverStore"
    inbound_url: str | None = None
    """Where the provider can deliver to this account, as seen from outside: unguessable, and so
    to be told to nobody else. None where no address of ours is known or reachable."""


class DriverClock(Protocol):
    """Time and sleep as arguments, so that a simulated clock can drive a driver."""

    def now(self) -> datetime:
        """The aware UTC instant."""

    async def sleep(self, delay: timedelta) -> None: ...


class DriverStore(Protocol):
    """A small durable store of a driver's own, encrypted at rest, one per account."""

    async def load(self, key: str) -> bytes | None: ...

    async def load_all(self) -> Mapping[str, bytes]: ...

    async def save(self, key: str, value: bytes) -> None:
        """Durable when it returns."""


class DriverFactory(Protocol):
    """What an entry point of the group `latchwork.drivers` names.

    `provider_display_name` is for people; `setting_fields` are what a person who connects the
    provider is asked for, in this order, and the only place that says which settings are
    secrets; calling the factory makes a driver without I/O.
    """

    provider_display_name: str
    setting_fields: tuple[SettingField, ...]

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings but for the secrets, normalised. Raises Rejected naming the setting that
        is wrong; never does I/O. Secrets that are required are there when this is called; they
        reach the driver as `DriverContext.secrets`."""

    def __call__(self, context: DriverContext) -> Driver: ...
