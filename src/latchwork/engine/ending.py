"""Ends tasks, those too that miss a cancellation, and closes drivers, those too that hang."""

import asyncio
from collections.abc import Collection
from typing import Any, Final

import structlog

from latchwork.drivers.protocol import Driver

log = structlog.get_logger(__name__)

INSIST_AFTER: Final = 5.0
"""Seconds that a task gets to clean up, to close a connection say, before that is broken off."""


async def end(tasks: Collection["asyncio.Task[Any]"], insist_after: float = INSIST_AFTER) -> None:
    """Cancels the tasks until they have ended, whatever they end with; idempotent.

    `asyncio.wait_for` before Python 3.12 loses a cancellation that comes in the very moment in
    which what it waits for is there, and libraries use it: such a task would go on for ever.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=insist_after)


async def close(driver: Driver, provider: str) -> None:
    """Closes a driver in the time that tasks get for it. What goes wrong is logged, by its kind
    alone: its message may hold what somebody has just typed."""
    try:
        async with asyncio.timeout(INSIST_AFTER):
            await driver.aclose()
    except Exception as error:  # noqa: BLE001 - whatever escapes a driver: it is closed
        failure = type(error).__name__
        log.error("driver.failed", provider=provider, call="aclose", error=failure)  # noqa: TRY400
