"""What a person, a hub or a provider does to a simulated lock: the actions of `simulate`."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

import msgspec

from latchwork.domain.conditions import OF_ACCOUNTS, OF_DEVICES
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.protocol import (
    AccessDenied,
    AccountChanged,
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    LockOperated,
    Push,
)
from latchwork.drivers.simulator.faults import Faults, set_fault
from latchwork.drivers.simulator.house import House
from latchwork.drivers.simulator.lock import SWITCHED_OFF, SimulatedLock, Stored

T = TypeVar("T")


class Act(msgspec.Struct, frozen=True):
    """One action on one lock. `tell` pushes to the engine."""

    house: House
    lock: SimulatedLock
    values: Mapping[str, Any]
    now: datetime
    tell: Callable[[Push], None]

    def value(self, name: str, kind: type[T]) -> T:
        """Raises Rejected naming the value that is missing or of another kind."""
        found = self.optional(name, kind)
        if found is None:
            raise Rejected(name, f"The value {name} is missing.")
        return found

    def optional(self, name: str, kind: type[T]) -> T | None:
        """None for a value that is not given; raises Rejected for one of another kind."""
        found = self.values.get(name)
        if found is None:
            return None
        try:
            return msgspec.convert(found, kind)
        except msgspec.ValidationError:
            raise Rejected(name, f"The value {name} must be {kind.__name__}.") from None

    def pin(self) -> Pin:
        code = self.values.get("code")
        if isinstance(code, Pin):
            return code
        if not isinstance(code, str) or not code:
            raise Rejected("code", "The value code must be a PIN.")
        return Pin(code)

    def position(self) -> int | None:
        positions = self.lock.capabilities
        position = self.optional("position", int)
        if position is None:
            return None
        if not positions.first_position <= position <= positions.last_position:
            raise Rejected("position", f"The lock has no position {position}.")
        return position

    def required_position(self) -> int:
        position = self.position()
        if position is None:
            raise Rejected("position", "The value position is missing.")
        return position

    def report(self, push: Push) -> None:
        """What the lock itself tells, by radio: lost while it is out of reach."""
        if self.lock.is_reachable(self.now):
            self.tell(push)

    def report_codes(self, position: int) -> None:
        """Of a change by hand: told when the lock tells of such, or `told` says otherwise."""
        told = self.optional("told", bool)
        if self.lock.capabilities.pushes_changes if told is None else told:
            self.report(CodesChanged(provider_key=self.lock.key, positions=(position,)))


def _connectivity(lock: SimulatedLock) -> DeviceChanged:
    online = lock.online and not lock.faults.hub_offline
    return DeviceChanged(
        provider_key=lock.key, online=online, hub_offline=lock.faults.hub_offline or None
    )


async def _connect(act: Act) -> bool:
    act.lock.online = True
    act.tell(_connectivity(act.lock))
    return True


async def _disconnect(act: Act) -> bool:
    act.lock.online = False
    act.tell(_connectivity(act.lock))
    return True


async def _connect_to_hub(act: Act) -> bool:
    act.lock.faults.hub_offline = False
    act.tell(_connectivity(act.lock))
    return True


async def _disconnect_from_hub(act: Act) -> bool:
    act.lock.faults.hub_offline = True
    act.tell(_connectivity(act.lock))
    return True


async def _paid_subscription(act: Act) -> bool:
    expired = act.value("is_expired", bool)
    act.lock.faults.subscription_expired = expired
    conditions = {"subscription_required": expired}
    act.tell(DeviceChanged(provider_key=act.lock.key, conditions=conditions))
    return True


async def _condition(act: Act) -> bool:
    """What stands on the lock, by Seam's code: see `domain.conditions`."""
    name = act.value("name", str)
    if name not in OF_DEVICES:
        raise Rejected("name", f"There is no such condition; known are: {', '.join(OF_DEVICES)}.")
    stands = act.value("stands", bool)
    act.tell(DeviceChanged(provider_key=act.lock.key, conditions={name: stands}))
    return True


async def _account_condition(act: Act) -> bool:
    """The same of the account that the lock is reached through."""
    name = act.value("name", str)
    if name not in OF_ACCOUNTS:
        raise Rejected("name", f"There is no such condition; known are: {', '.join(OF_ACCOUNTS)}.")
    act.tell(AccountChanged(conditions={name: act.value("stands", bool)}))
    return True


async def _tamper(act: Act) -> bool:
    act.report(DeviceChanged(provider_key=act.lock.key, tampered=True))
    return True


async def _remove(act: Act) -> bool:
    await act.house.remove(act.lock)
    act.tell(DevicesFound(act.house.discovered(), complete=True))
    return True


async def _keypad_code_entry(act: Act) -> bool:
    lock, key, pin = act.lock, act.lock.key, act.pin()
    position = lock.position_of(pin, act.now)
    computed = lock.computed(pin, act.now) if position is None else None
    if position is None and computed is None:
        act.report(AccessDenied(provider_key=key, occurred_at=act.now))
        return False
    if computed is not None:
        lock.use(computed)
    lock.locked = False
    act.report(
        LockOperated(
            provider_key=key,
            locked=False,
            method="keycode",
            position=position,
            code=None if computed is None else pin,
            occurred_at=act.now,
        )
    )
    return True


async def _manual_lock_via_keypad(act: Act) -> bool:
    act.lock.locked = True
    act.report(
        LockOperated(provider_key=act.lock.key, locked=True, method="manual", occurred_at=act.now)
    )
    return True


async def _battery(act: Act) -> bool:
    level = act.value("level", float)
    if not 0.0 <= level <= 1.0:
        raise Rejected("level", "The value level must be from 0.0 to 1.0.")
    act.lock.battery_level = level
    act.report(DeviceChanged(provider_key=act.lock.key, battery_level=level))
    return True


async def _set_fault(act: Act) -> bool:
    set_fault(act.lock.faults, act.value("name", str), act.values.get("value"))
    return True


async def _clear_faults(act: Act) -> bool:
    act.lock.faults = Faults()
    return True


async def _program_by_hand(act: Act) -> bool:
    """At the keypad, past the lock's rules for the radio: False when no position is free."""
    position = act.position()
    if position is None:
        position = act.lock.free_position()
    if position is None:
        return False
    name = act.optional("name", str)
    act.lock.put(position, Stored(act.pin(), name), act.now)
    act.report_codes(position)
    return True


async def _change_by_hand(act: Act) -> bool:
    """Another PIN, name or window for what stands at a position, or `enabled` False: switched
    off. False when nothing stands there."""
    position = act.required_position()
    standing = act.lock.codes.get(position)
    if standing is None:
        return False
    changed = standing
    if "code" in act.values:
        changed = msgspec.structs.replace(changed, pin=act.pin())
    if (name := act.optional("name", str)) is not None:
        changed = msgspec.structs.replace(changed, name=name)
    window = Window(act.optional("starts_at", datetime), act.optional("ends_at", datetime))
    if window != Window():
        changed = msgspec.structs.replace(changed, window=window)
    if act.optional("enabled", bool) is False:
        changed = msgspec.structs.replace(changed, window=SWITCHED_OFF)
    act.lock.put(position, changed, act.now)
    act.report_codes(position)
    return changed != standing


async def _clear_by_hand(act: Act) -> bool:
    position = act.required_position()
    was_there = position in act.lock.codes
    act.lock.put(position, None, act.now)
    if was_there:
        act.report_codes(position)
    return was_there


ACTIONS: Final[Mapping[str, Callable[[Act], Awaitable[bool]]]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "connect_to_hub": _connect_to_hub,
    "disconnect_from_hub": _disconnect_from_hub,
    "paid_subscription": _paid_subscription,
    "condition": _condition,
    "account_condition": _account_condition,
    "tamper": _tamper,
    "remove": _remove,
    "keypad_code_entry": _keypad_code_entry,
    "manual_lock_via_keypad": _manual_lock_via_keypad,
    "battery": _battery,
    "set_fault": _set_fault,
    "clear_faults": _clear_faults,
    "program_by_hand": _program_by_hand,
    "change_by_hand": _change_by_hand,
    "clear_by_hand": _clear_by_hand,
}


async def carry_out(action: str, act: Act) -> bool:
    """Whether the action had its effect, saved. Raises Rejected naming what is wrong."""
    does = ACTIONS.get(action)
    if does is None:
        raise Rejected("action", f"There is no action {action!r}.")
    done = await does(act)
    await act.house.save(act.lock)
    return done
