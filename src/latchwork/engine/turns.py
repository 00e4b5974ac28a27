"""Whose turn it is on connections that do one thing at a time, as a Z-Wave controller does.

A visit has the turn from its begin to its end, and passes it on between two steps while another
waits: nobody stands at a door until all codes are on another lock.
"""

import asyncio
from types import TracebackType


class Turns:
    """Of one process."""

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def of(self, account_id: str, *, one_at_a_time: bool) -> "Turn":
        """A turn to be taken, by one visit."""
        if not one_at_a_time:
            return Turn(None)
        queue = self._queues.get(account_id)
        if queue is None:
            queue = self._queues[account_id] = _Queue()
        return Turn(queue)


class _Queue:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        """Serves in the order of asking."""
        self.waiting = 0


class Turn:
    """An async context. Whoever has no queue waits for nobody."""

    __slots__ = ("_has", "_queue")

    def __init__(self, queue: _Queue | None) -> None:
        self._queue = queue
        self._has = False

    async def __aenter__(self) -> "Turn":
        if self._queue is not None:
            await self._wait(self._queue)
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._end()

    async def pass_on(self) -> None:
        """Between two steps: those who wait go first."""
        if self._queue is not None and self._queue.waiting:
            self._end()
            await self._wait(self._queue)

    async def _wait(self, queue: _Queue) -> None:
        queue.waiting += 1
        try:
            await queue.lock.acquire()
        finally:
            queue.waiting -= 1
        self._has = True

    def _end(self) -> None:
        # One that was cancelled while it waited has none to give away.
        if self._has and self._queue is not None:
            self._has = False
            self._queue.lock.release()
