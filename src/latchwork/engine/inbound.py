"""Pushes from locks: facts are stored, people are told, and the engine is woken where a push
may concern a code. A push is a hint: what it says of codes is believed only after a read."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import msgspec
import structlog

from latchwork.domain import contact, events
from latchwork.domain.access_code import Offline
from latchwork.domain.conditions import OF_DEVICES
from latchwork.domain.device import ConnectedAccount, Device
from latchwork.domain.offline import used_up
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem, added
from latchwork.domain.recent import Recent
from latchwork.domain.time_zone import zone_judged
from latchwork.drivers.protocol import (
    AccessDenied,
    AccountChanged,
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    DiscoveredDevice,
    LockOperated,
    Push,
)
from latchwork.engine import account_state
from latchwork.engine.clock import Clock
from latchwork.storage.interface import StaleTokenError, Storage

Changed = tuple[Device, list[events.NewEvent], bool]

DEVICES_AT_ONCE = 200
"""How many listed locks are stored side by side, so that they share commits."""

TRIES = 8
"""How often the end of a code is written anew when a caller's change came between."""

log = structlog.get_logger(__name__)


class Inbound:
    """Takes the pushes of all drivers. `suspect(device_id, positions)` notes positions to read
    and says whether any is more than the echo of our own write."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        new_id: Callable[[], str],
        suspect: Callable[[str, Sequence[int] | None], bool],
    ) -> None:
        self._storage = storage
        self._clock = clock
        self._new_id = new_id
        self._suspect = suspect
        self._reported = Recent()

    async def take(self, account_id: str, push: Push) -> None:
        """Stores what one push says; a push of an unknown lock is dropped."""
        account = await self._storage.account_by_id(account_id)
        if account is None:
            return
        if isinstance(push, DevicesFound):
            await self._found(account, push)
            return
        if isinstance(push, AccountChanged):
            await self._account_changed(account, push)
            return
        device = await self._storage.device_by_key(account_id, push.provider_key)
        if device is None:
            log.info("push.unknown_lock", connected_account_id=account_id, push=type(push).__name__)
        elif isinstance(push, DeviceChanged):
            await self._changed(account, device, push)
        elif isinstance(push, LockOperated | AccessDenied):
            await self._reported_once(account, device, push)
        else:
            await self._codes_changed(device, push)

    async def _reported_once(
        self, account: ConnectedAccount, device: Device, push: LockOperated | AccessDenied
    ) -> None:
        """What the provider tells again by the same id was stored before."""
        key = (device.device_id, push.report_id)
        if push.report_id is not None and key in self._reported:
            return
        if isinstance(push, LockOperated):
            await self._operated(account, device, push)
        else:
            await self._denied(account, device, push)
        if push.report_id is not None:
            self._reported.add(key)

    async def _found(self, account: ConnectedAccount, push: DevicesFound) -> None:
        now = self._clock.now()
        standing = {
            d.provider_key: d
            for d in await self._storage.devices_of_account(account.connected_account_id)
        }
        for some in _batched(push.devices, DEVICES_AT_ONCE):
            await asyncio.gather(
                *(
                    self._found_one(account, standing.get(found.provider_key), found, now)
                    for found in some
                )
            )
        if push.complete:
            named = {found.provider_key for found in push.devices}
            for key, device in standing.items():
                if key not in named and not device.removed:
                    await self._gone(account, device, now)
            changed, told = account_state.listed_all(account, now)
            if told:
                await self._storage.set_account_state(changed, told, now)

    async def _account_changed(self, account: ConnectedAccount, push: AccountChanged) -> None:
        now = self._clock.now()
        changed, told = account_state.conditions_changed(account, push.conditions, now)
        if changed != account:
            await self._storage.set_account_state(changed, told, now)

    async def _found_one(
        self,
        account: ConnectedAccount,
        standing: Device | None,
        found: DiscoveredDevice,
        now: datetime,
    ) -> None:
        if standing is None:
            device = _new_device(account, found, now, self._new_id)
            device, told, _ = _as_found(device, account, found, now)
            first = [contact.device_event(events.DEVICE_ADDED, device, account, now)]
            if found.online:
                told.append(contact.device_event(events.DEVICE_CONNECTED, device, account, now))
            await self._storage.upsert_device(device, [*first, *told], now, due=True)
            return
        if _as_found(standing, account, found, now)[0] != standing:
            await self._storage.change_device(
                standing.device_id, lambda d: _as_found(d, account, found, now), now
            )

    async def _gone(self, account: ConnectedAccount, device: Device, now: datetime) -> None:
        def gone(standing: Device) -> Changed:
            text = "The lock was removed from its hub or account."
            changed = msgspec.structs.replace(
                standing,
                removed=True,
                online=False,
                errors=added(standing.errors, Problem("device_removed", text, now)),
            )
            event = contact.device_event(events.DEVICE_REMOVED, changed, account, now)
            return changed, [event], True

        await self._storage.change_device(device.device_id, gone, now)

    async def _changed(
        self, account: ConnectedAccount, device: Device, push: DeviceChanged
    ) -> None:
        now = push.occurred_at or self._clock.now()
        if _with_push(device, account, push, now)[:2] != (device, []):
            await self._storage.change_device(
                device.device_id, lambda d: _with_push(d, account, push, now), self._clock.now()
            )

    async def _operated(
        self, account: ConnectedAccount, device: Device, push: LockOperated
    ) -> None:
        now = push.occurred_at or self._clock.now()
        payload: dict[str, object] = {"method": push.method}
        code_id = None
        if push.position is not None:
            code_id, is_managed = await self._storage.code_at(device.device_id, push.position)
            if code_id is not None:
                payload["access_code_is_managed"] = is_managed
        elif push.code is not None:
            code_id = await self._code_typed(device, push.code)
            if code_id is not None:
                payload["access_code_is_managed"] = True
        event = events.NewEvent(
            event_type=events.LOCK_LOCKED if push.locked else events.LOCK_UNLOCKED,
            occurred_at=now,
            device_id=device.device_id,
            connected_account_id=account.connected_account_id,
            access_code_id=code_id,
            payload=payload,
        )
        await self._storage.change_device(
            device.device_id,
            lambda d: (msgspec.structs.replace(d, locked=push.locked), [event], False),
            self._clock.now(),
        )

    async def _code_typed(self, device: Device, pin: Pin) -> str | None:
        """The id of the code with this PIN, which is over when it was for one use."""
        for _ in range(TRIES):
            view = await self._storage.code(
                device.workspace_id, device_id=device.device_id, pin=pin
            )
            if view is None or view.code.offline is not Offline.ONE_TIME:
                break
            try:
                await self._storage.update_codes(
                    [used_up(view.code, self._clock.now(), self._new_id)]
                )
            except StaleTokenError:
                continue
            break
        return None if view is None else view.code.access_code_id

    async def _denied(self, account: ConnectedAccount, device: Device, push: AccessDenied) -> None:
        now = push.occurred_at or self._clock.now()
        event = contact.device_event(events.LOCK_ACCESS_DENIED, device, account, now)
        await self._storage.add_events(device.workspace_id, [event])

    async def _codes_changed(self, device: Device, push: CodesChanged) -> None:
        if self._suspect(device.device_id, push.positions):
            await self._storage.rescan_device(
                device.device_id, self._clock.now(), positions=push.positions is None
            )


def _new_device(
    account: ConnectedAccount, found: DiscoveredDevice, now: datetime, new_id: Callable[[], str]
) -> Device:
    return Device(
        device_id=new_id(),
        workspace_id=account.workspace_id,
        connected_account_id=account.connected_account_id,
        provider_key=found.provider_key,
        device_type=found.device_type,
        display_name=found.display_name,
        manufacturer=found.manufacturer,
        model=found.model,
        capabilities=found.capabilities,
        created_at=now,
        # Whether it is online is left to the step that tells of it.
        online=found.online,
        is_managed=account.automatically_manage_new_devices,
    )


def _as_found(
    device: Device, account: ConnectedAccount, found: DiscoveredDevice, now: datetime
) -> Changed:
    """What the provider lists, on top of what stands; facts that it does not tell are kept."""
    was_online = device.online
    facts = {
        "device_type": found.device_type,
        "display_name": found.display_name,
        "manufacturer": found.manufacturer,
        "model": found.model,
        "capabilities": found.capabilities,
        "serial_number": found.serial_number,
        "locked": found.locked,
        "door_open": found.door_open,
        "time_zone": found.time_zone,
    }
    before = device
    device = msgspec.structs.replace(device, **{k: v for k, v in facts.items() if v is not None})
    device = zone_judged(device, now)
    renamed = contact.renamed(before, device, account, now)
    push = DeviceChanged(
        provider_key=found.provider_key,
        online=found.online,
        battery_level=found.battery_level,
        auto_lock_enabled=found.auto_lock_enabled,
        auto_lock_delay=found.auto_lock_delay,
        conditions=found.conditions,
    )
    device, told, _ = _with_push(device, account, push, now)
    return device, [*renamed, *told], device.online and not was_online


def _with_push(
    device: Device, account: ConnectedAccount, push: DeviceChanged, now: datetime
) -> Changed:
    """New facts of a lock, and the events that tell of them."""
    was_online = device.online
    told: list[events.NewEvent] = []
    for step in _steps(account, push, now):
        device, new = step(device)
        told += new
    facts = {
        "locked": push.locked,
        "door_open": push.door_open,
        "auto_lock_enabled": push.auto_lock_enabled,
        "auto_lock_delay": push.auto_lock_delay,
    }
    device = msgspec.structs.replace(device, **{k: v for k, v in facts.items() if v is not None})
    if push.tampered:
        told.append(contact.device_event(events.DEVICE_TAMPERED, device, account, now))
    return device, told, device.online and not was_online


def _batched(items: Sequence[DiscoveredDevice], size: int) -> list[Sequence[DiscoveredDevice]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _steps(
    account: ConnectedAccount, push: DeviceChanged, now: datetime
) -> list[Callable[[Device], contact.Changed]]:
    steps: list[Callable[[Device], contact.Changed]] = []
    if push.online is True:
        steps.append(lambda d: contact.went_online(d, account, now))
    elif push.online is False:
        why = "hub_disconnected" if push.hub_offline else "device_disconnected"
        steps.append(lambda d: contact.went_offline(d, account, now, why))
    if push.connection_flaky is True:
        steps.append(lambda d: contact.became_flaky(d, account, now))
    elif push.connection_flaky is False:
        steps.append(lambda d: contact.stabilized(d, account, now))
    for code, stands in push.conditions.items():
        if code in OF_DEVICES:
            steps.append(partial(_condition, account, now, code, stands))
        else:
            log.warning("driver.unknown_condition", provider=account.provider, condition=code)
    level = push.battery_level
    if level is not None:
        steps.append(lambda d: contact.battery_changed(d, account, level, now))
    return steps


def _condition(
    account: ConnectedAccount,
    now: datetime,
    code: str,
    stands: bool,
    device: Device,
) -> contact.Changed:
    return contact.condition_changed(device, account, code, now, stands=stands)
