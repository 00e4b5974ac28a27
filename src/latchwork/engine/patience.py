"""Ends what lasts too long, as `asyncio.timeout` does, with one timer for all that is under way.

Nearly every step on a lock ends in time, and setting and stopping a timer for each took a
twentieth of a worker's time.
"""

import asyncio
from types import TracebackType
from typing import Any


class Patience:
    """Of one event loop."""

    def __init__(self) -> None:
        self._steps: dict[Step, None] = {}
        """In order: those that expire together are told in turn."""
        self._fires_at = float("inf")
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> "Step":
        """A context, for one task to enter once: what is under way in it for so long is cancelled,
        and the context raises TimeoutError."""
        return Step(self, seconds)

    def begin(self, step: "Step") -> None:
        self._steps[step] = None
        if step.deadline < self._fires_at:
            self._arm(step.deadline)

    def end(self, step: "Step") -> None:
        self._steps.pop(step, None)

    def _arm(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._fires_at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._look)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        # Loops fire timers early by as much as their clock cannot tell.
        fired = max(now, self._fires_at)
        self._fires_at, self._timer = float("inf"), None
        for step in [step for step in self._steps if step.deadline <= fired]:
            del self._steps[step]
            step.expire()
        if self._steps:
            self._arm(min(step.deadline for step in self._steps))


class Step:
    __slots__ = ("_cancelling", "_is_late", "_patience", "_seconds", "_task", "deadline")

    def __init__(self, patience: Patience, seconds: float) -> None:
        self._patience = patience
        self._seconds = seconds
        self._is_late = False
        self._task: asyncio.Task[Any]
        self._cancelling: int
        self.deadline: float
        """By the event loop's clock."""

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a step is a task's"  # noqa: S101 - told to the type checker
        self._task, self._cancelling = task, task.cancelling()
        self.deadline = asyncio.get_running_loop().time() + self._seconds
        self._patience.begin(self)

    def expire(self) -> None:
        self._is_late = True
        self._task.cancel()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._patience.end(self)
        if not self._is_late:
            return
        # Whoever else cancels the task meanwhile is heard: the cancellation stays one.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
