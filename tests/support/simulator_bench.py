"""The simulator for the conformance suite."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.conformance import Bench, Fault, LockUnderTest
from latchwork.drivers.protocol import Driver, DriverContext, DriverFactory
from latchwork.drivers.simulator import driver as simulator
from latchwork.drivers.simulator.house import House
from latchwork.drivers.simulator.lock import SimulatedLock
from support.virtual_time import VirtualClock

POSITIONS = 10
COUNTED = {Fault.IGNORE_NEXT_WRITE: "ignore_writes", Fault.LOSE_NEXT_ANSWER: "drop_answer"}
SWITCHED = {Fault.OFFLINE: "offline", Fault.MASK_READS: "mask_pins"}


class SimulatorBench(Bench):
    """Locks with schedules, duplicate detection and reports of changes, on virtual time."""

    provider = "simulator"
    clock = VirtualClock()
    quiet = timedelta(minutes=5)

    def __init__(self, count: int = 3) -> None:
        capabilities = {
            "positions": POSITIONS,
            "native_scheduling": True,
            "refuses_duplicates": True,
            "pushes_changes": True,
        }
        self.settings: Mapping[str, Any] = {
            "count": count,
            "capabilities": capabilities,
            "latency": 0.05,
        }
        self.locks: Sequence[LockUnderTest] = [
            SimulatorLock(self, f"lock-{n}") for n in range(1, count + 1)
        ]
        self.driver: simulator.SimulatorDriver | None = None
        self.factory: DriverFactory = _Catching(self)
        self._unlisted: Any = None

    async def list_nothing(self, *, on: bool) -> None:
        if on:
            self._unlisted = patch.object(House, "discovered", return_value=())
            self._unlisted.start()
        elif self._unlisted is not None:
            self._unlisted.stop()
            self._unlisted = None


class _Catching(simulator.SimulatorFactory):
    """Keeps the driver that it made, whose locks the bench looks at."""

    def __init__(self, bench: SimulatorBench) -> None:
        self._bench = bench

    def __call__(self, context: DriverContext) -> Driver:
        self._bench.driver = simulator.SimulatorDriver(context)
        return self._bench.driver


class SimulatorLock(LockUnderTest):
    title = "Simulator"

    def __init__(self, bench: SimulatorBench, key: str) -> None:
        self._bench = bench
        self.provider_key = key

    async def reset(self) -> None:
        """Each stage has new locks."""

    async def stored(self) -> Mapping[int, str]:
        return {p: code.pin.reveal() for p, code in self._lock.codes.items()}

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        await self._do("program_by_hand", position=position, code=Pin(pin), told=told)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        await self._do("clear_by_hand", position=position, told=told)

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault in COUNTED:
            await self._do("set_fault", name=COUNTED[fault], value=int(on))
        elif fault is Fault.DELAY_NEXT_WRITE:
            await self._do("set_fault", name="late_apply", value=1.0 * on)
        elif fault in SWITCHED:
            await self._do("set_fault", name=SWITCHED[fault], value=on)

    async def keypad(self, pin: str) -> bool:
        return await self._do("keypad_code_entry", code=Pin(pin))

    async def battery(self, level: float) -> None:
        await self._do("battery", level=level)

    async def window(self, position: int) -> Window | None:
        return self._lock.codes[position].window

    async def radio_operations(self) -> int:
        return self._lock.radio.total

    @property
    def _driver(self) -> simulator.SimulatorDriver:
        assert self._bench.driver is not None
        return self._bench.driver

    @property
    def _lock(self) -> SimulatedLock:
        return self._driver.house.lock(self.provider_key)

    async def _do(self, action: str, **values: Any) -> bool:
        return await self._driver.simulate(self.provider_key, action, values)
