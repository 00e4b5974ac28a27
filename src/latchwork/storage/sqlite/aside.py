"""A thread beside the event loop for what waits for the disk, one call after the other.

asyncio's own executor does the same at several times the cost, which small batches pay often.
"""

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final

Done = asyncio.Future[None]


class Aside:
    """Begins with the first call. `close` ends it, after the calls that were made."""

    def __init__(self, name: str) -> None:
        self._calls: Final[SimpleQueue[tuple[Callable[[], object], Done] | None]] = SimpleQueue()
        # A daemon: a process that ends in the midst of a commit loses nothing that was answered.
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._begun = False

    def run(self, call: Callable[[], object]) -> Done:
        """Done when the call is; its exception is the call's."""
        done: Done = asyncio.get_running_loop().create_future()
        if not self._begun:
            self._begun = True
            self._thread.start()
        self._calls.put((call, done))
        return done

    def close(self) -> None:
        """Waits for its end."""
        if self._begun:
            self._calls.put(None)
            self._thread.join()
            self._begun = False

    def _serve(self) -> None:
        while (asked := self._calls.get()) is not None:
            call, done = asked
            try:
                call()
            except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
                _tell(done, error)
            else:
                _tell(done, None)


def _tell(done: Done, error: BaseException | None) -> None:
    with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits.
        done.get_loop().call_soon_threadsafe(_end, done, error)


def _end(done: Done, error: BaseException | None) -> None:
    if done.done():  # Whoever waited was cancelled.
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
