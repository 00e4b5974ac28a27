"""What lasts too long is ended at its time, and nothing else is."""

import asyncio

import pytest

from latchwork.engine.patience import Patience
from support.delivery import on_virtual_time


def now() -> float:
    return asyncio.get_running_loop().time()


def task() -> "asyncio.Task[object]":
    current = asyncio.current_task()
    assert current is not None
    return current


async def waited(patience: Patience, limit: float, lasts: float) -> float | None:
    """After how long it was ended; None: it was not."""
    begin = now()
    try:
        with patience.within(limit):
            await asyncio.sleep(lasts)
    except TimeoutError:
        return now() - begin
    return None


@on_virtual_time
async def test_what_ends_in_time_is_let_be() -> None:
    patience = Patience()
    for _ in range(3):
        assert await waited(patience, 30, 29) is None
    await asyncio.sleep(100)
    assert task().cancelling() == 0


@on_virtual_time
async def test_what_lasts_too_long_is_ended_at_its_time() -> None:
    patience = Patience()
    for _ in range(2):
        assert await waited(patience, 30, 31) == 30
        assert task().cancelling() == 0
        await asyncio.sleep(7)


@on_virtual_time
async def test_each_has_a_time_of_its_own() -> None:
    patience = Patience()

    async def later(begin: float, limit: float, lasts: float) -> float | None:
        await asyncio.sleep(begin)
        return await waited(patience, limit, lasts)

    ended = await asyncio.gather(
        later(0, 30, 99), later(1, 5, 99), later(2, 80, 79), later(3, 80, 99), later(4, 2, 1)
    )
    assert ended == [30, 5, None, 80, None]


@on_virtual_time
async def test_of_two_limits_the_nearer_counts() -> None:
    patience = Patience()
    begin = now()
    with pytest.raises(TimeoutError), patience.within(10):
        assert await waited(patience, 20, 99) is None
    assert now() - begin == 10
    with patience.within(20):
        assert await waited(patience, 10, 99) == 10
    assert task().cancelling() == 0


@on_virtual_time
async def test_who_is_cancelled_by_another_stays_cancelled() -> None:
    patience = Patience()
    for after in (5, 30):
        stopped = asyncio.create_task(waited(patience, 30, 99))
        await asyncio.sleep(after)
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped


@on_virtual_time
async def test_an_error_is_told_as_it_is() -> None:
    patience = Patience()
    with pytest.raises(ValueError, match="mine"), patience.within(30):
        raise ValueError("mine")
    with pytest.raises(ValueError, match="too late"):
        await told_otherwise(patience)
    assert task().cancelling() == 0


async def told_otherwise(patience: Patience) -> None:
    with patience.within(30):
        try:
            await asyncio.sleep(99)
        except asyncio.CancelledError:
            raise ValueError("too late") from None
