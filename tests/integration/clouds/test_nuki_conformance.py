"""The nuki driver conforms, on a server written from Nuki's documentation."""

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour
from support.nuki_bench import nuki_bench


@every_behaviour
async def test_conformance(behaviour: Behaviour) -> None:
    async with nuki_bench() as bench:
        await conform(
            behaviour, bench, bench.locks[0], unable={"masked_read_back", "stack_restarts"}
        )
