"""Calls made in a thread beside the event loop."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from latchwork.storage.sqlite.aside import Aside


@pytest.fixture
def aside() -> Iterator[Aside]:
    aside = Aside("aside")
    yield aside
    aside.close()


async def test_calls_are_made_one_after_the_other_in_one_other_thread(aside: Aside) -> None:
    made: list[tuple[int, str]] = []

    def call(number: int) -> None:
        made.append((number, threading.current_thread().name))

    await asyncio.gather(*(aside.run(lambda n=n: call(n)) for n in range(50)))  # type: ignore[misc]
    assert made == [(number, "aside") for number in range(50)]


async def test_the_loop_goes_on_while_a_call_waits(aside: Aside) -> None:
    gate = threading.Event()
    waiting = aside.run(gate.wait)
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    await waiting


async def test_what_a_call_raises_is_its_callers_alone(aside: Aside) -> None:
    def fail() -> None:
        raise OSError("disk full")

    failing, standing = aside.run(fail), aside.run(lambda: None)
    with pytest.raises(OSError, match="disk full"):
        await failing
    await standing


async def test_a_cancelled_caller_does_not_stop_its_call(aside: Aside) -> None:
    gate, made = threading.Event(), threading.Event()

    def call() -> None:
        gate.wait()
        made.set()

    cancelled = aside.run(call)
    cancelled.cancel()
    gate.set()
    await aside.run(lambda: None)
    assert made.is_set()


async def test_closing_waits_for_the_calls_that_were_made(aside: Aside) -> None:
    gate, made = threading.Event(), threading.Event()

    def call() -> None:
        gate.wait()
        made.set()

    last = aside.run(call)
    gate.set()
    aside.close()
    assert made.is_set()
    await last
    aside.close()
