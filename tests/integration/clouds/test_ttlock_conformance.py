"""The ttlock driver conforms, on a server written from the platform's documentation."""

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.ttlock_bench import ttlock_bench


@every_behaviour
async def test_conformance(behaviour: Behaviour) -> None:
    async with ttlock_bench() as bench:
        await conform(
            behaviour,
            bench,
            bench.locks[0],
            unable={"masked_read_back", "stack_restarts", "late_write"},
        )
