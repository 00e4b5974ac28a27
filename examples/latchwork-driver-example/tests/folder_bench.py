"""What the conformance suite has to know of locks that are files."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from latchwork_driver_example import factory

from latchwork.drivers.conformance import Bench, Fault, LockUnderTest, Unable

NEW: dict[str, Any] = {
    "name": "Door", "codes": {}, "locked": True, "battery": 0.9, "offline": False, "told": [],
}  # fmt: skip
FAULTS = {Fault.OFFLINE: "offline", Fault.IGNORE_NEXT_WRITE: "deaf"}


class FileLock(LockUnderTest):
    title = "Example"

    def __init__(self, file: Path) -> None:
        self.file = file
        self.provider_key = file.stem
        file.write_text(json.dumps(NEW))

    async def stored(self) -> Mapping[int, str]:
        return {int(position): pin for position, pin in self._load()["codes"].items()}

    async def reset(self) -> None:
        self.file.write_text(json.dumps(NEW))

    async def program_by_hand(self, position: int, pin: str, *, told: bool) -> None:
        lock = self._load()
        lock["codes"][str(position)] = pin
        self._report(lock, {"kind": "changed", "position": position}, told=told)

    async def erase_by_hand(self, position: int, *, told: bool) -> None:
        lock = self._load()
        lock["codes"].pop(str(position), None)
        self._report(lock, {"kind": "changed", "position": position}, told=told)

    async def fault(self, fault: Fault, *, on: bool = True) -> None:
        if fault not in FAULTS:
            raise Unable("a file has no such fault")
        lock = self._load()
        lock[FAULTS[fault]] = on
        self._report(lock, {}, told=False)

    async def keypad(self, pin: str) -> bool:
        lock = self._load()
        position = next((int(p) for p, held in lock["codes"].items() if held == pin), None)
        report = {"kind": "unlocked", "position": position}
        self._report(lock, report, told=position is not None)
        return position is not None

    async def battery(self, level: float) -> None:
        self._report(self._load(), {"kind": "battery", "level": level}, told=True)

    def _load(self) -> dict[str, Any]:
        lock: dict[str, Any] = json.loads(self.file.read_text())
        return lock

    def _report(self, lock: dict[str, Any], report: dict[str, Any], *, told: bool) -> None:
        if told:
            lock["told"].append(report)
        self.file.write_text(json.dumps(lock))


class FolderBench(Bench):
    provider = "example"
    factory = factory
    quiet = timedelta(milliseconds=200)

    def __init__(self, folder: Path) -> None:
        self.settings: Mapping[str, Any] = {"folder": str(folder)}
        self.locks: Sequence[LockUnderTest] = [FileLock(folder / f"door-{n}.json") for n in (1, 2)]
