"""Batches: whatever comes while all lanes are busy forms the next ones.

Few large batches cost far less than many small ones, and two transactions of one workspace end one
after the other anyway. So there is one lane as long as one keeps up.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextvars import Context
from typing import Any, Final, Generic, Protocol, TypeVar

J = TypeVar("J")

LARGEST_BATCH: Final = 64
"""Bounds how long the locks of one batch are held. So many that wait are worth another lane."""


class Lanes(Generic[J]):
    """`take(queue)`: removes the next batch; nothing when what waits cannot go beside what is under
    way. `serve(batch)`: raises nothing but cancellation."""

    def __init__(
        self,
        name: str,
        most: int,
        take: Callable[[deque[J]], Collection[J]],
        serve: Callable[[Collection[J]], Awaitable[None]],
        *,
        patience: float,
    ) -> None:
        self._name = name
        self._most = most
        self._take = take
        self._serve = serve
        self._patience = patience
        self._queue: deque[J] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0
        """Lanes that will look at the queue again."""
        self._timer: asyncio.TimerHandle | None = None
        self.closed = False

    def put(self, job: J) -> None:
        self._queue.append(job)
        if not self._open or len(self._queue) >= LARGEST_BATCH:
            self._widen()
        elif self._timer is None:
            self._be_patient()

    async def aclose(self) -> None:
        """Serves what is queued. Idempotent."""
        self.closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._timer is not None:
            self._timer.cancel()

    def _be_patient(self) -> None:
        """From now on."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._patience, self._out_of_patience)

    def _out_of_patience(self) -> None:
        self._timer = None
        if self._queue:
            self._widen()

    def _widen(self) -> None:
        if self._open < self._most:
            self._open += 1
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._drain(), name=self._name, context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        try:
            while batch := self._take(self._queue):
                if self._timer is not None:
                    self._be_patient()
                await self._serve(batch)
                if self._open > 1 and len(self._queue) < LARGEST_BATCH:
                    if self._queue:
                        self._be_patient()
                    break
        finally:
            self._open -= 1


class Awaited(Protocol):
    """A job that somebody waits for."""

    @property
    def future(self) -> "asyncio.Future[Any]": ...


A = TypeVar("A", bound=Awaited)


def still_awaited(queue: deque[A]) -> list[A]:
    """For `take`: the first of the queue, but for those whose callers gave up."""
    taken: list[A] = []
    while queue and len(taken) < LARGEST_BATCH:
        job = queue.popleft()
        if not job.future.done():
            taken.append(job)
    return taken
