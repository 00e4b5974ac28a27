"""Connections that do one thing at a time: who goes first, and that nobody is shut out."""

import asyncio
from contextlib import suppress

from latchwork.engine.turns import Turn, Turns
from support.delivery import on_virtual_time

STEP = 2.0


async def steps(turn: Turn, name: str, count: int, done: list[str]) -> None:
    async with turn:
        for number in range(count):
            if number > 0:
                await turn.pass_on()
            await asyncio.sleep(STEP)
            done.append(name)


def alone(turns: Turns) -> Turn:
    return turns.of("acc", one_at_a_time=True)


@on_virtual_time
async def test_between_two_steps_those_who_wait_go_first() -> None:
    turns, done = Turns(), list[str]()
    long = asyncio.create_task(steps(alone(turns), "visit", 4, done))
    await asyncio.sleep(STEP / 2)
    await steps(alone(turns), "door", 1, done)
    await steps(alone(turns), "another", 1, done)
    await long
    assert done == ["visit", "door", "visit", "another", "visit", "visit"]


@on_virtual_time
async def test_one_account_waits_for_no_other_and_some_for_nobody() -> None:
    turns, done = Turns(), list[str]()
    begin = asyncio.get_running_loop().time()
    await asyncio.gather(
        steps(alone(turns), "acc", 2, done),
        steps(turns.of("other", one_at_a_time=True), "other", 2, done),
        steps(turns.of("wide", one_at_a_time=False), "wide", 2, done),
        steps(turns.of("wide", one_at_a_time=False), "wide", 2, done),
    )
    assert asyncio.get_running_loop().time() - begin == 2 * STEP


@on_virtual_time
async def test_a_visit_that_is_cancelled_while_it_waits_takes_nobodys_turn_away() -> None:
    turns, done = Turns(), list[str]()
    first = asyncio.create_task(steps(alone(turns), "first", 2, done))
    await asyncio.sleep(STEP / 2)
    second = asyncio.create_task(steps(alone(turns), "second", 2, done))
    await asyncio.sleep(STEP)  # The first has passed its turn on and waits to have it back.
    first.cancel()
    third = asyncio.create_task(steps(alone(turns), "third", 1, done))
    with suppress(asyncio.CancelledError):
        await first
    await second
    await third
    assert done == ["first", "second", "third", "second"]


@on_virtual_time
async def test_one_that_fails_gives_its_turn_back() -> None:
    turns = Turns()
    with suppress(ZeroDivisionError):
        async with alone(turns):
            raise ZeroDivisionError
    async with asyncio.timeout(STEP), alone(turns):
        pass
