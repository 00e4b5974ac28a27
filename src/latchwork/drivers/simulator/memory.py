"""What of a simulated lock outlives a restart of the server, as bytes."""

from datetime import datetime

import msgspec

from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.simulator.algorithm import Issued
from latchwork.drivers.simulator.faults import Faults
from latchwork.drivers.simulator.lock import Change, RadioOperations, SimulatedLock, Stored

_Code = tuple[str, str | None, Window | None]


class _Memory(msgspec.Struct, omit_defaults=True):
    """Holds PINs in clear: never shown, and the store encrypts it."""

    codes: dict[int, _Code]
    pending: list[tuple[datetime, int, _Code | None]]
    locked: bool
    online: bool
    battery_level: float | None
    faults: Faults
    auto_lock: tuple[bool, float] = (False, 30.0)
    removed: bool = False
    issued: dict[str, Issued] = {}
    used: tuple[Issued, ...] = ()
    writes: int = 0
    clears: int = 0

    def __repr__(self) -> str:
        return "<memory of a simulated lock>"


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Memory)


def dump(lock: SimulatedLock, *, removed: bool = False) -> bytes:
    """The lock as it is."""
    return _encoder.encode(
        _Memory(
            codes={position: _plain(stored) for position, stored in lock.codes.items()},
            pending=[
                (c.due_at, c.position, None if c.stored is None else _plain(c.stored))
                for c in lock.pending
            ],
            locked=lock.locked,
            online=lock.online,
            battery_level=lock.battery_level,
            faults=lock.faults,
            auto_lock=(lock.auto_lock_enabled, lock.auto_lock_delay),
            removed=removed,
            issued=lock.issued,
            used=tuple(lock.used),
            writes=lock.earlier.write + lock.radio.write,
            clears=lock.earlier.clear + lock.radio.clear,
        )
    )


def restore(lock: SimulatedLock, value: bytes) -> bool:
    """Makes the lock what it was; False when it had been removed. Raises msgspec.DecodeError
    for bytes of another origin."""
    memory = _decoder.decode(value)
    lock.codes = {position: _stored(code) for position, code in memory.codes.items()}
    lock.pending = [
        Change(due_at, position, None if code is None else _stored(code))
        for due_at, position, code in memory.pending
    ]
    lock.locked = memory.locked
    lock.online = memory.online
    lock.battery_level = memory.battery_level
    lock.faults = memory.faults
    lock.auto_lock_enabled, lock.auto_lock_delay = memory.auto_lock
    lock.issued = memory.issued
    lock.used = set(memory.used)
    lock.earlier = RadioOperations(write=memory.writes, clear=memory.clears)
    return not memory.removed


def _plain(stored: Stored) -> _Code:
    return stored.pin.reveal(), stored.name, stored.window


def _stored(code: _Code) -> Stored:
    pin, name, window = code
    return Stored(Pin(pin), name, window)
