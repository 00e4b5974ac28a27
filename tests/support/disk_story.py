"""A database on a disk that fills up and turns read-only: run in a mount namespace of its own,
with an empty folder as argument. Prints what a caller saw, a line for each step."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from latchwork.domain.errors import NeedsAttention
from latchwork.storage.interface import CodeFilter, StorageUnavailable
from latchwork.storage.sqlite import SqliteStorage, acquire_process_lock
from support.stored import Stored


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)


async def told(step: str, call: Callable[[], Awaitable[object]]) -> None:
    try:
        await call()
    except (StorageUnavailable, NeedsAttention) as error:
        print(f"{step}: {type(error).__name__}: {error}")
    else:
        print(f"{step}: done")


async def main(folder: Path) -> None:
    mount(folder, "size=4m")
    path = folder / "latchwork.db"
    stored = Stored(lambda *given: SqliteStorage.open(path, *given))
    await stored.open()
    await stored.furnish()
    accepted = [await stored.create()]

    async def create() -> None:
        code = stored.code(name="x" * 2000)
        assert await stored.try_create(code) is None
        accepted.append(code)

    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    for _ in range(8):
        await told("full", create)
    await told("health", stored.storage.healthy)
    filler.unlink()
    await told("room again", create)
    await told("health", stored.storage.healthy)
    await stored.storage.aclose()

    mount(folder, "remount,ro")
    await told("read-only", stored.open)
    try:
        acquire_process_lock(path)
    except NeedsAttention as error:
        print(f"lock: NeedsAttention: {error}")
    mount(folder, "remount,rw")
    await told("writable again", stored.open)
    page = await stored.storage.codes("ws", CodeFilter(), limit=100, cursor=None)
    found = {view.code.access_code_id for view in page.items}
    kept = found == {code.access_code_id for code in accepted}
    print(f"kept: {kept}")
    await stored.storage.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
