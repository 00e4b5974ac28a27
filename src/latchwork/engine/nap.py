"""How the loops of the engine wait."""

import asyncio
from contextlib import suppress
from datetime import timedelta


async def nap(woken: asyncio.Event, at_most: timedelta) -> None:
    """Until `woken` is set, or the time is over."""
    with suppress(TimeoutError):
        async with asyncio.timeout(at_most.total_seconds()):
            await woken.wait()
