"""Runs a process's web server and what works beside it, until it is told to stop."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from latchwork.config import Settings
from latchwork.domain.errors import NeedsAttention
from latchwork.engine.ending import INSIST_AFTER, end

log = structlog.get_logger(__name__)

STOP_WITHIN = 5.0
"""Seconds that requests and deliveries under way get at the end."""
NEW_OBJECTS: Final = 50_000
"""Between two looks of the collector for cycles: a page of a list makes some thousands, none of
which is in one."""


def settle_memory() -> None:
    """To be called when all is loaded: what stands now stays until the end, and the collector need
    not go through it while a request waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 20, 50)


class Drain:
    """The time between the wish to stop and the end of answering, for those who send requests
    here to take notice."""

    def __init__(self, lasts: timedelta = timedelta(0)) -> None:
        self._lasts = lasts
        self.begun = False

    def begin(self, stop: Callable[[], None]) -> None:
        """Calls `stop` when the time is over; at once when asked again, or when there is none."""
        if self.begun or not self._lasts:
            stop()
        else:
            log.info("server.draining", for_s=self._lasts.total_seconds())
            asyncio.get_running_loop().call_later(self._lasts.total_seconds(), stop)
        self.begun = True


def web_server(settings: Settings, app: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=int(STOP_WITHIN),
        )
    )


@asynccontextmanager
async def background(
    parts: Sequence[Coroutine[Any, Any, None]], ending: Sequence[Coroutine[Any, Any, None]]
) -> AsyncIterator["asyncio.Future[BaseException]"]:
    """Runs the parts beside the server; the future says which failure ended one of them. Those
    that are `ending` by themselves get the time for it."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[BaseException] = loop.create_future()
    waited = [loop.create_task(part) for part in ending]
    tasks = [*waited, *(loop.create_task(part) for part in parts)]

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not failed.done():
            failed.set_result(error)

    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield failed
    finally:
        if waited:
            await asyncio.wait(waited, timeout=STOP_WITHIN)
        await end(tasks, STOP_WITHIN + 2 * INSIST_AFTER)


async def serve_until_stopped(
    server: uvicorn.Server,
    failed: "asyncio.Future[BaseException]",
    ready: Callable[[], None],
    drain: Drain | None = None,
    ending: Callable[[], None] = lambda: None,
) -> None:
    """`ready` is called when it answers, `ending` when it is told to stop, to end the answers that
    would go on for ever."""
    config = server.config
    socket = _bound(config)
    # uvicorn would raise the signal anew once it has stopped; the process is to end with 0.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    loop = asyncio.get_running_loop()
    drain = drain or Drain()

    def stop() -> None:
        ending()
        server.handle_exit(signal.SIGTERM, None)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, drain.begin, stop)
    serving = loop.create_task(server.serve(sockets=[socket]))
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn tells by a flag
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    ends: set[asyncio.Future[Any]] = {serving, failed}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        log.error("server.part_failed", exc_info=failed.result())
        ending()
        server.should_exit = True
        await serving
        raise failed.result()
    await serving
    log.info("server.stopped")


def _bound(config: uvicorn.Config) -> Any:
    try:
        return config.bind_socket()
    except SystemExit:
        raise NeedsAttention(
            f"Port {config.port} on {config.host} is not free. Set LATCHWORK_PORT to another."
        ) from None
