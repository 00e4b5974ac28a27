"""The suite hears secrets that are told, and a driver that believes itself does not conform."""

import logging
from collections.abc import Callable, Mapping, Sequence

import pytest
import structlog

from latchwork.domain.observation import Empty, Holds, Observation
from latchwork.domain.pin import Pin, Secret
from latchwork.domain.window import Window
from latchwork.drivers.conformance import BEHAVIOURS, NotConforming, play
from latchwork.drivers.conformance.overheard import Overheard, telling
from latchwork.drivers.protocol import Driver, DriverContext
from latchwork.drivers.simulator import driver as simulator
from support import virtual_time
from support.simulator_bench import SimulatorBench

BY_NAME = {behaviour.name: behaviour for behaviour in BEHAVIOURS}


@pytest.mark.parametrize(
    ("text", "tells"),
    [
        ("code 4711 was refused", True),
        ("code='4711'", True),
        ("the code is 4711.", True),
        ("took 4711 s", True),
        ("took 1.4711 s", False),
        ("took 4711.5 s", False),
        ("id 447110", False),
        ("id a4711b", False),
        ("device 01a216d2-4711-7952-a9c0-4e0091d3e7df", False),
        ("datetime.datetime(4711, 11, 26, 7, 46)", False),
        ("at 4711-11-26T07:46:38.586467+00:00", False),
        ("01a216d2-1d79-7952-a9c0-4e0091d3e7df=4711", True),
        ("Bearer t0k-en", True),
    ],
)
def test_a_secret_is_found_as_a_word(text: str, *, tells: bool) -> None:
    assert telling([text], [Pin("4711"), Secret("t0k-en")]) == ([text] if tells else [])


def test_without_secrets_nothing_is_told() -> None:
    assert telling(["anything"], []) == []


def test_logs_are_heard_at_debug_and_left_as_they_were() -> None:
    before, level = structlog.get_config(), logging.getLogger().level
    heard = Overheard()
    heard.begin()
    structlog.get_logger().debug("it.happened", detail="ours")
    logging.getLogger("a.library").debug("theirs")
    structlog.get_logger().info("it.failed", exc_info=ValueError("why"))
    heard.end()
    structlog.get_logger().info("after")
    assert len(heard.lines) == 3
    assert "it.happened" in heard.lines[0]
    assert "ours" in heard.lines[0]
    assert heard.lines[1] == "a.library theirs"
    assert "ValueError: why" in heard.lines[2]
    assert (structlog.get_config(), logging.getLogger().level) == (before, level)


class TellingDriver(simulator.SimulatorDriver):
    """Logs what it writes."""

    async def write(
        self, provider_key: str, position: int, pin: Pin, name: str | None, window: Window | None
    ) -> None:
        logging.getLogger("a.driver").debug("writing %s", pin.reveal())
        await super().write(provider_key, position, pin, name, window)


class TrustingDriver(simulator.SimulatorDriver):
    """Tells of what it wrote instead of reading it."""

    async def write(
        self, provider_key: str, position: int, pin: Pin, name: str | None, window: Window | None
    ) -> None:
        await super().write(provider_key, position, pin, name, window)
        self.__dict__.setdefault("written", {})[position] = Holds(pin, name=name, window=window)

    async def observe(
        self, provider_key: str, positions: Sequence[int]
    ) -> Mapping[int, Observation]:
        await super().observe(provider_key, positions)
        written: Mapping[int, Observation] = self.__dict__.get("written", {})
        return {position: written.get(position, Empty()) for position in positions}


class _Factory(simulator.SimulatorFactory):
    def __init__(
        self, bench: SimulatorBench, make: Callable[[DriverContext], simulator.SimulatorDriver]
    ) -> None:
        self._bench, self._make = bench, make

    def __call__(self, context: DriverContext) -> Driver:
        self._bench.driver = self._make(context)
        return self._bench.driver


@pytest.mark.parametrize(
    ("make", "behaviour", "why"),
    [
        (TellingDriver, "set", "a secret is told"),
        (TrustingDriver, "hand_while_setting", "a code is `set` while the lock does not store"),
    ],
)
def test_a_bad_driver_does_not_conform(
    make: Callable[[DriverContext], simulator.SimulatorDriver], behaviour: str, why: str
) -> None:
    bench = SimulatorBench(1)
    bench.factory = _Factory(bench, make)
    with pytest.raises(NotConforming, match=why):
        virtual_time.run(play(BY_NAME[behaviour], bench, bench.locks[0]))
