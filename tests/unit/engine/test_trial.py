"""Connecting once, to see whether it works."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.pin import Secret
from latchwork.drivers.protocol import DevicesFound, DriverContext, Sink
from latchwork.drivers.simulator.driver import factory as simulator
from latchwork.engine.clock import SystemClock
from latchwork.engine.ending import INSIST_AFTER
from latchwork.engine.trial import try_connection
from support.delivery import on_virtual_time

SHORT = timedelta(seconds=0.05)


class _Driver:
    """Does what the test says, and notes how it was treated."""

    def __init__(self, run: Callable[[Sink, Callable[[], None]], Any]) -> None:
        self._run = run
        self.context: DriverContext | None = None
        self.closed = False

    def __call__(self, context: DriverContext) -> Any:
        self.context = context
        return self

    async def run(self, sink: Sink, connected: Callable[[], None]) -> None:
        await self._run(sink, connected)

    async def aclose(self) -> None:
        self.closed = True


async def trial(driver: Any, patience: timedelta = timedelta(seconds=5)) -> None:
    secrets = {"token": Secret("x")}
    settings = {"count": 1}
    await try_connection(driver, "tried", "trial", settings, secrets, SystemClock(), patience)


async def test_an_answer_is_enough_and_the_connection_is_closed_again() -> None:
    async def run(sink: Sink, connected: Callable[[], None]) -> None:
        connected()
        await sink(DevicesFound((), complete=True))
        await asyncio.sleep(60)

    driver = _Driver(run)
    await trial(driver)
    assert driver.closed
    assert driver.context is not None
    assert driver.context.secrets == {"token": Secret("x")}


async def test_a_refusal_is_handed_on() -> None:
    async def run(sink: Sink, connected: Callable[[], None]) -> None:
        raise NeedsAttention("The password is wrong.")

    driver = _Driver(run)
    with pytest.raises(NeedsAttention, match="password"):
        await trial(driver)
    assert driver.closed


async def test_silence_and_an_early_end_are_told() -> None:
    async def silent(sink: Sink, connected: Callable[[], None]) -> None:
        await asyncio.sleep(60)

    async def short(sink: Sink, connected: Callable[[], None]) -> None:
        return

    with pytest.raises(RetryLater, match="did not answer"):
        await trial(_Driver(silent), SHORT)
    with pytest.raises(RetryLater, match="closed the connection"):
        await trial(_Driver(short))


@pytest.mark.parametrize("trouble", [None, RuntimeError("hunter2")], ids=["hangs", "fails"])
@on_virtual_time
async def test_what_comes_of_closing_does_not_change_the_answer(trouble: Exception | None) -> None:
    async def run(sink: Sink, connected: Callable[[], None]) -> None:
        connected()

    class Stubborn(_Driver):
        async def aclose(self) -> None:
            if trouble is not None:
                raise trouble
            await asyncio.Event().wait()

    begin = asyncio.get_running_loop().time()
    with capture_logs() as logs:
        await trial(Stubborn(run))
    took = asyncio.get_running_loop().time() - begin
    assert took == (INSIST_AFTER if trouble is None else 0)
    told = "TimeoutError" if trouble is None else "RuntimeError"
    assert [(log["call"], log["error"]) for log in logs] == [("aclose", told)]
    assert "hunter2" not in str(logs)


async def test_a_real_driver_keeps_nothing_of_its_trial() -> None:
    await trial(simulator)
