"""Connecting once, to see whether it works, before an account is made of it."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from latchwork.domain.errors import RetryLater
from latchwork.domain.pin import Secret
from latchwork.drivers.protocol import DriverContext, DriverFactory, Push
from latchwork.engine.clock import Clock
from latchwork.engine.ending import close, end

PATIENCE: Final = timedelta(seconds=20)


class _Forgetful:
    """A driver's store that ends with the trial."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def load(self, key: str) -> bytes | None:
        return self._kept.get(key)

    async def load_all(self) -> Mapping[str, bytes]:
        return dict(self._kept)

    async def save(self, key: str, value: bytes) -> None:
        self._kept[key] = value


async def try_connection(
    factory: DriverFactory,
    provider: str,
    trial_id: str,
    settings: Mapping[str, Any],
    secrets: Mapping[str, Secret],
    clock: Clock,
    patience: timedelta = PATIENCE,
) -> None:
    """Returns once the provider has answered; the connection is closed again by then.

    Raises what the driver raises (NeedsAttention: wrong address or credentials), RetryLater when
    the provider does not answer in time.
    """
    driver = factory(
        DriverContext(
            connected_account_id=trial_id,
            settings=settings,
            secrets=secrets,
            clock=clock,
            store=_Forgetful(),
        )
    )
    answered = asyncio.Event()
    running = asyncio.create_task(driver.run(_ignore, answered.set))
    waiting = asyncio.create_task(answered.wait())
    try:
        await asyncio.wait(
            (running, waiting),
            timeout=patience.total_seconds(),
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not answered.is_set():
            raise _reason(running, patience)
    finally:
        await end((running, waiting))
        if not running.cancelled():
            running.exception()
        await close(driver, provider)


async def _ignore(_push: Push) -> None:
    """What is found is not kept."""


def _reason(running: "asyncio.Task[None]", patience: timedelta) -> Exception:
    if not running.done():
        seconds = round(patience.total_seconds())
        return RetryLater(f"It did not answer within {seconds} seconds.")
    error = running.exception()
    if isinstance(error, Exception):
        return error
    return RetryLater("It closed the connection at once.")
