"""A process that stores codes as fast as it can and says each id once it is stored.

python crash_writer.py DATABASE
"""

import asyncio
import os
import sys
from datetime import UTC, datetime

from latchwork.storage.interface import Storage
from latchwork.storage.sqlite import SqliteStorage
from latchwork.storage.vault import Vault
from support.stored import MASTER_KEY, Stored


async def main(path: str) -> None:
    async def open_storage(vault: Vault, *_: object) -> Storage:
        return await SqliteStorage.open(path, vault, lambda: datetime.now(UTC), os.urandom)

    stored = Stored(open_storage)
    stored.vault = Vault(MASTER_KEY)
    await stored.open()
    await stored.furnish()

    async def create_for_ever() -> None:
        while True:
            code = await stored.create()
            sys.stdout.write(f"{code.access_code_id}\n")
            sys.stdout.flush()

    await asyncio.gather(*(create_for_ever() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
