"""When what waits becomes a batch, and when another lane is opened, on virtual time."""

import asyncio
from collections import deque
from collections.abc import Collection

from latchwork.storage.postgres.lanes import LARGEST_BATCH, Lanes
from support.delivery import on_virtual_time

PATIENCE = 0.1
TAKES = PATIENCE / 2


class Counter:
    """Serves numbers in batches, each of which takes `takes` seconds."""

    def __init__(self, most: int = 3, takes: float = TAKES) -> None:
        self.batches: list[list[int]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.takes = takes
        self.lanes: Lanes[int] = Lanes("test", most, _all_of, self._serve, patience=PATIENCE)

    async def _serve(self, numbers: Collection[int]) -> None:
        self.batches.append(list(numbers))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.takes)
        self.at_once -= 1


def _all_of(queue: deque[int]) -> list[int]:
    taken = list(queue)
    queue.clear()
    return taken


@on_virtual_time
async def test_what_comes_while_the_lane_is_busy_is_the_next_batch() -> None:
    counter = Counter()
    counter.lanes.put(1)
    await asyncio.sleep(TAKES / 3)
    counter.lanes.put(2)
    counter.lanes.put(3)
    await counter.lanes.aclose()
    assert counter.batches == [[1], [2, 3]]
    assert counter.most_at_once == 1


@on_virtual_time
async def test_a_crowd_is_given_lanes_as_many_as_there_may_be() -> None:
    counter = Counter(most=2)
    for _ in range(3):
        for number in range(LARGEST_BATCH):
            counter.lanes.put(number)
        await asyncio.sleep(TAKES / 10)
    await counter.lanes.aclose()
    assert counter.most_at_once == 2
    assert sum(map(len, counter.batches)) == 3 * LARGEST_BATCH


@on_virtual_time
async def test_nobody_waits_long_for_a_slow_batch() -> None:
    counter = Counter(takes=10 * PATIENCE)
    counter.lanes.put(1)
    await asyncio.sleep(PATIENCE / 2)
    counter.lanes.put(2)
    await asyncio.sleep(PATIENCE * 0.9)
    counter.lanes.put(3)
    assert counter.batches == [[1]]
    await asyncio.sleep(PATIENCE * 0.2)
    assert counter.batches == [[1], [2, 3]]
    await counter.lanes.aclose()


@on_virtual_time
async def test_a_lane_is_opened_anew_after_the_last_has_ended() -> None:
    counter = Counter()
    for number in range(3):
        counter.lanes.put(number)
        await asyncio.sleep(2 * TAKES)
    await counter.lanes.aclose()
    assert counter.batches == [[0], [1], [2]]


@on_virtual_time
async def test_a_steady_load_is_given_no_second_lane() -> None:
    counter = Counter()
    for number in range(100):
        counter.lanes.put(number)
        await asyncio.sleep(PATIENCE / 10)
    await counter.lanes.aclose()
    assert counter.most_at_once == 1
    assert sum(map(len, counter.batches)) == 100


@on_virtual_time
async def test_the_lanes_of_a_crowd_end_with_it() -> None:
    counter = Counter()
    for number in range(2 * LARGEST_BATCH):
        counter.lanes.put(number)
        if number % LARGEST_BATCH == 0:
            await asyncio.sleep(0)
    assert counter.most_at_once >= 2
    await asyncio.sleep(TAKES * 1.1)
    counter.most_at_once = 0
    for number in range(50):
        counter.lanes.put(number)
        await asyncio.sleep(TAKES / 10)
    await counter.lanes.aclose()
    assert counter.most_at_once == 1
