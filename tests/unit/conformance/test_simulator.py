"""The simulator conforms."""

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.run import play
from latchwork.drivers.conformance.suite import every_behaviour, judge
from support import virtual_time
from support.simulator_bench import SimulatorBench


@every_behaviour
def test_conformance(behaviour: Behaviour) -> None:
    bench = SimulatorBench()
    judge(
        virtual_time.run(play(behaviour, bench, bench.locks[0])),
        unable={"stack_restarts"},
    )
