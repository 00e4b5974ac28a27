"""The Z-Wave rig for the conformance suite: a bench of one lock per kind, or of all of them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from latchwork.domain.window import Window
from latchwork.drivers.conformance import Bench, Fault, LockUnderTest, Unable
from latchwork.drivers.zwave_js.driver import factory
from support.zwave_connection import key
from support.zwave_rig import CREDENTIAL_LOCK, SCHEDULE_LOCK, V1_LOCK, ZwaveRig

PLAIN = {
    V1_LOCK: "Z-Wave User Code V1",
    SCHEDULE_LOCK: "Z-Wave User Code V2 with Schedule Entry Lock",
    CREDENTIAL_LOCK: "Z-Wave User Credential",
}
SECURED = {
    SCHEDULE_LOCK: "Z-Wave User Code V2 with Schedule Entry Lock, S2",
    CREDENTIAL_LOCK: "Z-Wave User Credential, S2",
}
FAULTS = {
    Fault.OFFLINE: "offline",
    Fault.IGNORE_NEXT_WRITE: "ignoreNext",
    Fault.LOSE_NEXT_ANSWER: "dropAnswer",
    Fault.DELAY_NEXT_WRITE: "lateNext",
    Fault.MASK_READS: "maskReads",
    Fault.REFUSE_DUPLICATES: "rejectDuplicates",
}
COUNTED = (Fault.IGNORE_NEXT_WRITE, Fault.LOSE_NEXT_ANSWER, Fault.DELAY_NEXT_WRITE)
CODE_COMMANDS = ("UserCode", "UserCredential", "ScheduleEntryLock")


class ZwaveBench(Bench):
    provider = "zwave_js"
    factory = factory

    def __init__(self, rig: ZwaveRig, titles: Mapping[int, str], *, typing: float = 0.0) -> None:
        """`titles`: the locks that take part, by node. `typing`: seconds that a PIN takes at the
        keypad."""
        self.rig = rig
        self.settings: Mapping[str, Any] = {"url": rig.url}
        self.locks: Sequence[LockUnderTest] = [
            ZwaveLock(rig, node, title, typing) for node, title in titles.items()
        ]

    async def restart(self) -> None:
        await asyncio.to_thread(self.rig.restart_server)

    async def list_nothing(self, *, on: bool) -> None:
        raise Unable("the list of nodes is the controller's own, and never empty")


class ZwaveLock(LockUnderTest):
    def __init__(self, rig: ZwaveRig, node: int, title: str, typing: float) -> None:
        self._rig = rig
        self._typing = typing
        self.node = node
        self.title = title
        self.provider_key = key(node)

    async def reset(self) -> None:
        self._rig.reset(self.node)
        self._rig.battery(self.node, 100)

    async def stored(self) -> Mapping[int, str]:
        return self._rig.pins(self.node)

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        self._rig.program(self.node, position, pin, told=told)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        self._rig.erase(self.node, position, told=told)

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault is Fault.DELAY_NEXT_WRITE and self.node == CREDENTIAL_LOCK:
            raise Unable("the mocked lock stores credentials at once")
        self._rig.fault(self.node, **{FAULTS[fault]: int(on) if fault in COUNTED else on})

    async def keypad(self, pin: str) -> bool:
        opened = self._rig.keypad(self.node, pin)
        await asyncio.sleep(self._typing)
        return opened

    async def window(self, position: int) -> Window | None:
        """The lock keeps standard time all the year."""
        state = self._rig.state(self.node)
        schedule = state["schedules"].get(str(position))
        if schedule is None:
            return None
        offset = timedelta(minutes=state["standardOffset"] or 0)
        return Window(*(_edge(schedule, edge) - offset for edge in ("start", "stop")))

    async def battery(self, level: float) -> None:
        self._rig.battery(self.node, round(level * 100))

    async def radio_operations(self) -> int:
        """Commands of the classes that codes are made of."""
        return sum(c.startswith(CODE_COMMANDS) for c in self._rig.state(self.node)["commands"])


def _edge(schedule: Mapping[str, int], edge: str) -> datetime:
    year, *rest = (schedule[edge + part] for part in ("Year", "Month", "Day", "Hour", "Minute"))
    return datetime(2000 + year, *rest, tzinfo=UTC)
