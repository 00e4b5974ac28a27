"""A database with many waiting codes, filled through the storage that serves them."""

import asyncio
import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.process import KEY
from latchwork.composition import add_key
from latchwork.domain.commands import NewCode, new_code
from latchwork.domain.device import ConnectedAccount, Device, LockCapabilities, Workspace
from latchwork.domain.ids import uuid7
from latchwork.domain.pin import Pin, Secret
from latchwork.engine.clock import SystemClock
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault, load_or_create_key

T = TypeVar("T")

AT_ONCE = 2_000
POSITIONS = 5_000
SETTINGS = {"count": 1, "positions": POSITIONS, "durable": False}

_made: dict[tuple[int, int], tuple[Path, list[str]]] = {}


async def filled(folder: Path, *, codes: int, locks: int) -> tuple[Path, list[str]]:
    """A database of `fill` in the folder, and the ids of its codes. It takes minutes to fill: made
    once a run, and copied for each that asks."""
    if (codes, locks) not in _made:
        kept = Path(tempfile.mkdtemp(prefix="latchwork-bench-"))
        atexit.register(shutil.rmtree, kept, ignore_errors=True)
        path = kept / "latchwork.sqlite3"
        ids = await fill(path, codes=codes, locks=locks, begin=datetime.now(UTC))
        _made[codes, locks] = path, ids
    path, ids = _made[codes, locks]
    for file in (path, Path(f"{path}.key")):
        shutil.copy2(file, folder)
    return folder / path.name, list(ids)


async def fill(path: Path, *, codes: int, locks: int, begin: datetime) -> list[str]:
    """A workspace with `bench.process.KEY`, `locks` simulated locks and `codes` stays from a
    month ahead on, spread over them and created in the last hours; the ids of the codes."""
    clock = SystemClock()
    vault = Vault(load_or_create_key(Path(f"{path}.key")))
    storage = await SqliteStorage.open(path, vault, clock_now=clock.now, entropy=os.urandom)
    try:
        workspace_id = uuid7(begin, os.urandom(10))
        await storage.add_workspace(
            Workspace(workspace_id=workspace_id, name="Bench", is_sandbox=False, created_at=begin)
        )
        await add_key(storage, workspace_id, "bench", Secret(KEY))
        account = await storage.add_account(
            ConnectedAccount(
                connected_account_id=uuid7(begin, os.urandom(10)),
                workspace_id=workspace_id,
                provider="simulator",
                display_name="Simulator",
                created_at=begin,
                connected=True,
            ),
            {**SETTINGS, "count": locks},
            {},
        )
        devices = [_lock(account, number, begin) for number in range(1, locks + 1)]
        for some in _batches(devices):
            await asyncio.gather(
                *(storage.upsert_device(device, [], begin, due=False) for device in some)
            )
        return await _codes(storage, account, devices, codes, begin)
    finally:
        await storage.aclose()


def _lock(account: ConnectedAccount, number: int, begin: datetime) -> Device:
    """As the simulator lists it."""
    return Device(
        device_id=uuid7(begin, os.urandom(10)),
        workspace_id=account.workspace_id,
        connected_account_id=account.connected_account_id,
        provider_key=f"lock-{number}",
        device_type="smartthings_lock",
        display_name=f"Lock {number}",
        manufacturer="latchwork",
        model="Simulated Lock",
        capabilities=LockCapabilities(positions=POSITIONS),
        created_at=begin,
    )


async def _codes(
    storage: SqliteStorage,
    account: ConnectedAccount,
    devices: list[Device],
    codes: int,
    begin: datetime,
) -> list[str]:
    start = begin + timedelta(days=30)
    made: list[str] = []
    for numbers in _batches(range(codes)):
        commands = []
        for number in numbers:
            created_at = begin - timedelta(milliseconds=10 * (codes - number))
            wish = NewCode(
                pin=Pin(f"{10_000 + number // len(devices):06}"),
                name=f"Guest {number}",
                starts_at=start + timedelta(seconds=number % 86_400),
                ends_at=start + timedelta(days=3, seconds=number % 86_400),
            )
            commands.append(
                new_code(
                    wish,
                    devices[number % len(devices)],
                    account,
                    created_at,
                    lambda at=created_at: uuid7(at, os.urandom(10)),  # type: ignore[misc]
                )
            )
        await asyncio.gather(
            *(storage.create_code(c.code, c.attempt, c.events, c.due_at) for c in commands)
        )
        made += [command.code.access_code_id for command in commands]
        print(f"\r{len(made):,} of {codes:,} codes stored", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return made


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]
