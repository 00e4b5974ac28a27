"""Tasks are ended, whatever they make of it."""

import asyncio

from latchwork.engine.ending import INSIST_AFTER, end
from support.delivery import on_virtual_time


async def deaf(times: int) -> str:
    """Misses as many cancellations."""
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if times == 0:
                raise
            times -= 1


async def tidy(seconds: float, done: list[float]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(seconds)
        done.append(seconds)


@on_virtual_time
async def test_a_task_that_misses_its_cancellation_is_cancelled_again() -> None:
    tasks = [asyncio.create_task(deaf(times)) for times in (0, 1, 2)]
    await asyncio.sleep(0)
    begin = asyncio.get_running_loop().time()
    await end(tasks)
    assert all(task.cancelled() for task in tasks)
    assert asyncio.get_running_loop().time() - begin == 2 * INSIST_AFTER


@on_virtual_time
async def test_one_that_tidies_up_gets_the_time_for_it_and_no_more() -> None:
    done: list[float] = []
    quick, slow = INSIST_AFTER / 2, INSIST_AFTER * 2
    tasks = [asyncio.create_task(tidy(seconds, done)) for seconds in (quick, slow)]
    await asyncio.sleep(0)
    await end(tasks)
    assert done == [quick]
    assert all(task.done() for task in tasks)


@on_virtual_time
async def test_what_a_task_ends_with_is_its_own() -> None:
    async def fails() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("at the end")

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await end([task])
    await end([task])
    assert isinstance(task.exception(), ValueError)
