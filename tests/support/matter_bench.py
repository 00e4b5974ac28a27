"""The Matter rig for the conformance suite: a lock that keeps schedules, and a bridge's."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from latchwork.domain.window import Window
from latchwork.drivers.conformance import Bench, Fault, LockUnderTest
from latchwork.drivers.conformance.bench import Unable
from latchwork.drivers.matter.driver import factory
from support.matter_rig import FRONT, GARAGE, SHED, MatterRig, RigLock

ZONE = "Europe/Amsterdam"
TITLES = {FRONT: "Matter lock with schedules", GARAGE: "Matter lock on a bridge", SHED: "Matter 3"}
FAULTS = {
    Fault.OFFLINE: "offline",
    Fault.IGNORE_NEXT_WRITE: "ignoreNext",
    Fault.LOSE_NEXT_ANSWER: "loseNext",
}
INHERENT = frozenset({Fault.MASK_READS, Fault.REFUSE_DUPLICATES})
"""What every Matter lock does, always."""
SINCE = datetime(2000, 1, 1)  # noqa: DTZ001 - local time, as the lock counts it
SILENCE = 9_000
"""Milliseconds of a lost answer: until nobody repeats it any more."""


def local_now() -> int:
    """What the locks' clocks show, in seconds since 2000."""
    local = datetime.now(ZoneInfo(ZONE)).replace(tzinfo=None)
    return int((local - SINCE).total_seconds())


class MatterBench(Bench):
    provider = "matter"
    factory = factory

    def __init__(self, rig: MatterRig) -> None:
        self.rig = rig
        self.settings: Mapping[str, Any] = {"url": rig.url, "time_zone": ZONE}
        self.locks: Sequence[LockUnderTest] = [MatterLock(rig, lock) for lock in (FRONT, GARAGE)]

    async def restart(self) -> None:
        await asyncio.to_thread(self.rig.restart_server)

    async def list_nothing(self, *, on: bool) -> None:
        raise Unable("a server without its nodes is another fabric, whose locks have other keys")


class MatterLock(LockUnderTest):
    def __init__(self, rig: MatterRig, lock: RigLock) -> None:
        self._rig = rig
        self._lock = lock
        self.title = TITLES[lock]
        self.provider_key = rig.key(lock)

    async def reset(self) -> None:
        self._rig.reset(self._lock)
        self._rig.battery(self._lock, 1.0)

    async def stored(self) -> Mapping[int, str]:
        return self._rig.pins(self._lock)

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        self._rig.program(self._lock, position, pin, told=told)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        self._rig.erase(self._lock, position, told=told)

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault in INHERENT:
            if not on:
                raise Unable("a Matter lock hides PINs and refuses duplicates always")
            return
        if fault is Fault.DELAY_NEXT_WRITE:
            raise Unable("a virtual Matter lock stores a PIN before it answers")
        self._rig.fault(self._lock, **{FAULTS[fault]: on, "silence": SILENCE})

    async def keypad(self, pin: str) -> bool:
        return self._rig.keypad(self._lock, pin, now=local_now())

    async def window(self, position: int) -> Window | None:
        user = self._rig.state(self._lock)["codes"][str(position)]["userIndex"]
        schedules = self._rig.state(self._lock)["schedules"]
        schedule = next((s for s in schedules if s["userIndex"] == user), None)
        if schedule is None:
            return None
        edges = (SINCE + timedelta(seconds=schedule[f"local{e}Time"]) for e in ("Start", "End"))
        return Window(*(local.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC) for local in edges))

    async def battery(self, level: float) -> None:
        self._rig.battery(self._lock, level)

    async def radio_operations(self) -> int:
        return len(self._rig.state(self._lock)["commands"])
