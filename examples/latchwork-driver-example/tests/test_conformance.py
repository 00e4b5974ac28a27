"""The driver conforms."""

from pathlib import Path

from folder_bench import FolderBench

from latchwork.drivers.conformance import Behaviour
from latchwork.drivers.conformance.suite import conform, every_behaviour

UNABLE = {
    "native_window",
    "duplicate_refused",
    "answer_lost",
    "masked_read_back",
    "stack_restarts",
    "late_write",
    "nothing_listed",
    "idle",
    "change_of_clocks",
}


@every_behaviour
async def test_conformance(behaviour: Behaviour, tmp_path: Path) -> None:
    bench = FolderBench(tmp_path)
    await conform(behaviour, bench, bench.locks[0], unable=UNABLE)
