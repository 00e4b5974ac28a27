"""Time for the engine: the system's, or a test's."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Everything that asks for the time or waits does it through this."""

    def now(self) -> datetime:
        """The aware UTC instant."""

    async def sleep(self, delay: timedelta) -> None: ...


class SystemClock:
    """The machine's clock and asyncio's sleep."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(max(delay.total_seconds(), 0.0))
