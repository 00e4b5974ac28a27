"""An asyncio loop whose time is virtual: waiting costs nothing, weeks pass in seconds.

`run(main)` runs a coroutine on such a loop; `VirtualClock` is the engine's clock on it. When
nothing is ready the loop jumps to the next timer; when there is no timer either, it is a deadlock
and fails.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


class _Selector(selectors.DefaultSelector):
    """Never waits: it moves the loop's time on instead."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("deadlock: nothing is ready and no timer is set")
        if timeout > 0:
            self.loop.virtual_now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.virtual_now = 0.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.virtual_now


class VirtualClock:
    """The engine's clock, on virtual time. `skew` steps the wall clock, not the timers."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self.start = start
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=asyncio.get_running_loop().time()) + self.skew

    async def sleep(self, delay: timedelta) -> None:
        await asyncio.sleep(max(delay.total_seconds(), 0.0))


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs `main` to its end on a virtual-time loop."""
    loop = VirtualTimeLoop()
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main)
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        asyncio.set_event_loop(None)
        loop.close()
