"""A driver for Latchwork: every lock is a JSON file in a folder.

    {"name": "Front Door", "codes": {"1": "4711"}, "locked": true, "battery": 0.9,
     "offline": false, "told": [{"kind": "unlocked", "position": 1}]}

`told` is what the lock reports: the driver takes it from there.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import NeedsAttention, Rejected, RetryLater, Unsupported
from latchwork.domain.observation import Empty, Holds, Observation
from latchwork.domain.pin import Pin
from latchwork.domain.provider import SettingField
from latchwork.domain.window import Window
from latchwork.drivers.protocol import (
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    DiscoveredDevice,
    Driver,
    DriverContext,
    LockOperated,
    Push,
    Sink,
)

POSITIONS = 10
LOOK_EVERY = timedelta(milliseconds=50)
CAPABILITIES = LockCapabilities(positions=POSITIONS, pushes_changes=True)


class FolderDriver:
    """See `latchwork.drivers.protocol.Driver`."""

    def __init__(self, context: DriverContext) -> None:
        self._folder = Path(context.settings["folder"])
        self._clock = context.clock
        self._turns: dict[str, asyncio.Lock] = {}
        self._live = False

    @property
    def max_concurrent_visits(self) -> int:
        return 8

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        if not self._folder.is_dir():
            raise NeedsAttention("The folder of the locks does not exist.")
        self._live = True
        try:
            connected()
            files = sorted(self._folder.glob("*.json"))
            await sink(DevicesFound(tuple(self._found(f.stem) for f in files), complete=True))
            while True:
                for file in files:
                    for push in self._told(file.stem):
                        await sink(push)
                await self._clock.sleep(LOOK_EVERY)
        finally:
            self._live = False

    def _found(self, key: str) -> DiscoveredDevice:
        lock = self._load(key)
        return DiscoveredDevice(
            provider_key=key,
            device_type="example_lock",
            display_name=lock["name"],
            manufacturer="Example",
            model="File",
            capabilities=CAPABILITIES,
            online=not lock["offline"],
            locked=lock["locked"],
            battery_level=lock["battery"],
        )

    def _told(self, key: str) -> list[Push]:
        lock = self._load(key)
        if not lock["told"]:
            return []
        told, lock["told"] = lock["told"], []
        self._save(key, lock)
        return [_push(key, report) for report in told]

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        async with self._turn(provider_key):
            codes = self._reached(provider_key)["codes"]
            return {
                p: Holds(Pin(codes[str(p)]), window=None) if str(p) in codes else Empty()
                for p in positions
            }

    async def scan(self, provider_key: str) -> Mapping[int, Observation]:
        return await self.observe(provider_key, range(1, POSITIONS + 1))

    async def write(
        self,
        provider_key: str,
        position: int,
        pin: Pin,
        name: str | None,
        window: Window | None,
    ) -> None:
        """Names and windows never come: the capabilities say that the lock stores neither."""
        async with self._turn(provider_key):
            lock = self._reached(provider_key)
            if lock.get("deaf", 0):
                lock["deaf"] -= 1
            else:
                lock["codes"][str(position)] = pin.reveal()
            self._save(provider_key, lock)

    async def clear(self, provider_key: str, position: int) -> None:
        async with self._turn(provider_key):
            lock = self._reached(provider_key)
            lock["codes"].pop(str(position), None)
            self._save(provider_key, lock)

    async def lock(self, provider_key: str) -> None:
        await self._move_bolt(provider_key, locked=True)

    async def unlock(self, provider_key: str) -> None:
        await self._move_bolt(provider_key, locked=False)

    async def _move_bolt(self, provider_key: str, *, locked: bool) -> None:
        async with self._turn(provider_key):
            lock = self._reached(provider_key)
            lock["locked"] = locked
            lock["told"].append({"kind": "locked" if locked else "unlocked"})
            self._save(provider_key, lock)

    async def probe(self, provider_key: str) -> bool:
        return not self._load(provider_key)["offline"]

    async def simulate(self, provider_key: str, action: str, values: Mapping[str, Any]) -> bool:
        raise Unsupported("Only locks of a sandbox can be simulated.")

    async def aclose(self) -> None:
        self._live = False

    def _turn(self, key: str) -> asyncio.Lock:
        """One thing at a time on a lock."""
        return self._turns.setdefault(key, asyncio.Lock())

    def _reached(self, key: str) -> dict[str, Any]:
        if not self._live:
            raise RetryLater("There is no connection to the folder.")
        lock = self._load(key)
        if lock["offline"]:
            raise RetryLater("The lock does not answer.")
        return lock

    def _load(self, key: str) -> dict[str, Any]:
        lock: dict[str, Any] = json.loads((self._folder / f"{key}.json").read_text())
        return lock

    def _save(self, key: str, lock: dict[str, Any]) -> None:
        (self._folder / f"{key}.json").write_text(json.dumps(lock))


def _push(key: str, report: Mapping[str, Any]) -> Push:
    if report["kind"] == "battery":
        return DeviceChanged(provider_key=key, battery_level=report["level"])
    if report["kind"] == "changed":
        return CodesChanged(provider_key=key, positions=(report["position"],))
    position = report.get("position")
    return LockOperated(
        provider_key=key,
        locked=report["kind"] == "locked",
        method="remote" if position is None else "keycode",
        position=position,
    )


class FolderFactory:
    """See `latchwork.drivers.protocol.DriverFactory`."""

    provider_display_name = "Example"
    setting_fields = (
        SettingField(name="folder", label="Folder", help="Where the locks' files are."),
    )

    def check_settings(self, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        folder = settings.get("folder")
        if not isinstance(folder, str) or not Path(folder).is_absolute():
            raise Rejected("folder", "The setting folder must be an absolute path.")
        return {"folder": folder}

    def __call__(self, context: DriverContext) -> Driver:
        return FolderDriver(context)


factory = FolderFactory()
