"""What has changed, told to open pages by server-sent events.

A page is told that something changed, not what: it then asks for itself anew, so that there is one
way only in which it is made. One look a second for each workspace that anybody watches, whichever
process changed it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from latchwork.domain.errors import LatchworkError
from latchwork.storage.interface import Storage

EVERY: Final = 1.0
"""Seconds between two looks."""
QUIET: Final = 20
"""After so many looks without news a comment keeps the connection from being taken for dead."""


class Live:
    """`stop` ends all streams, so that they do not hold up the server's end."""

    def __init__(self, storage: Storage, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._storage = storage
        self._sleep = sleep
        self._newest: dict[str, str] = {}
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._lookers: dict[str, asyncio.Task[None]] = {}
        self._stopped = False

    def stop(self) -> None:
        self._stopped = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.set()

    async def stream(
        self, workspace_id: str, seen: str | None, still_allowed: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[bytes]:
        """Lines of server-sent events. `seen`: the newest event that the page knows of; None: it
        does not matter."""
        yield b"retry: 2000\n\n"
        watcher = asyncio.Event()
        self._watchers.setdefault(workspace_id, set()).add(watcher)
        try:
            if workspace_id not in self._lookers:
                await self._look(workspace_id)
                looking = self._look_on(workspace_id)
                self._lookers[workspace_id] = asyncio.create_task(looking, name="console-live")
            told = self._newest.get(workspace_id, "") if seen is None else seen
            while not self._stopped:
                # Before looking, so that nothing which comes meanwhile is missed.
                watcher.clear()
                newest = self._newest.get(workspace_id, "")
                if newest != told:
                    told = newest
                    yield f"id: {newest}\nevent: changed\ndata: {newest}\n\n".encode()
                await watcher.wait()
                if not await still_allowed():
                    return
                yield b": \n\n"
        finally:
            self._leave(workspace_id, watcher)

    def _leave(self, workspace_id: str, watcher: asyncio.Event) -> None:
        watchers = self._watchers.get(workspace_id, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(workspace_id, None)
            looker = self._lookers.pop(workspace_id, None)
            if looker is not None:
                looker.cancel()

    async def _look_on(self, workspace_id: str) -> None:
        quiet = 0
        while True:
            await self._sleep(EVERY)
            before = self._newest.get(workspace_id)
            await self._look(workspace_id)
            quiet += 1
            if self._newest.get(workspace_id) != before or quiet >= QUIET:
                quiet = 0
                for watcher in self._watchers.get(workspace_id, ()):
                    watcher.set()

    async def _look(self, workspace_id: str) -> None:
        try:
            self._newest[workspace_id] = await self._storage.newest_event(workspace_id) or ""
        except LatchworkError:
            return  # The next look finds out.
