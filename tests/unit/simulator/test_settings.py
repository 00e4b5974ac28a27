"""Settings of a simulated connection, and the demo's locks."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from latchwork.domain.device import Reads
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Pin
from latchwork.drivers.simulator.catalogue import DEMO, LockSpec
from latchwork.drivers.simulator.driver import factory
from latchwork.drivers.simulator.settings import read
from support.delivery import on_virtual_time
from support.world import World

LOCK = {"key": "a", "name": "A"}


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({}, "locks"),
        ({"locks": "demo", "count": 3}, "locks"),
        ({"locks": "all"}, "locks"),
        ({"locks": []}, "locks"),
        ({"locks": [LOCK, LOCK]}, "locks"),
        ({"locks": [{"key": "a"}]}, "locks"),
        ({"locks": [{**LOCK, "colour": "red"}]}, "locks"),
        ({"locks": [{**LOCK, "faults": {"fire": 1}}]}, "locks"),
        ({"locks": [{**LOCK, "time_zone": "Mars/Olympus"}]}, "locks"),
        ({"locks": [{**LOCK, "latency": -1}]}, "locks"),
        ({"count": 0}, "count"),
        ({"count": "many"}, "count"),
        ({"count": 1, "latency": -0.1}, "latency"),
        ({"count": 1, "concurrency": 0}, "concurrency"),
        ({"count": 1, "positions": 0}, "positions"),
        ({"count": 1, "durable": "no"}, "durable"),
        ({"count": 1, "size": 2}, "size"),
    ],
)
def test_wrong_setting_is_named(settings: dict[str, Any], rule: str) -> None:
    with pytest.raises(Rejected) as refusal:
        factory.check_settings(settings)
    assert refusal.value.rule == rule


def test_settings_are_plain_data_that_can_be_stored() -> None:
    given = {"locks": [{**LOCK, "capabilities": {"reads": "occupancy"}}], "concurrency": 3}
    checked = factory.check_settings(given)
    stored = msgspec.json.decode(msgspec.json.encode(checked))
    assert read(stored) == read(given)
    assert read(stored).specs[0].capabilities.reads is Reads.OCCUPANCY


def test_count_makes_equal_locks() -> None:
    settings = read({"count": 3, "positions": 7, "capabilities": {"native_scheduling": True}})
    assert [spec.key for spec in settings.specs] == ["lock-1", "lock-2", "lock-3"]
    assert {spec.capabilities.positions for spec in settings.specs} == {7}
    assert all(spec.capabilities.native_scheduling for spec in settings.specs)


def test_demo_has_locks_of_every_kind() -> None:
    assert len(DEMO) >= 9
    assert len({spec.name for spec in DEMO}) == len(DEMO)
    kinds = [spec.capabilities for spec in DEMO]
    assert any(kind.native_scheduling for kind in kinds)
    assert any(kind.reads is Reads.OCCUPANCY for kind in kinds)
    assert any(kind.characters == "123456" for kind in kinds)
    assert any(kind.positions <= 3 for kind in kinds)
    assert any(kind.positions > 1000 and not kind.scan_on_adoption for kind in kinds)
    assert any(kind.code_lengths == (6,) for kind in kinds)
    assert any(spec.latency for spec in DEMO)
    assert any(spec.faults for spec in DEMO)


def pin_for(spec: LockSpec) -> str:
    return "345612" if 6 in spec.capabilities.code_lengths else "3456"


@on_virtual_time
async def test_demo_sets_a_code_on_every_lock_within_seconds() -> None:
    async with World({"locks": "demo"}) as world:
        for spec in (s for s in DEMO if s.capabilities.access_codes):
            for number in (1, 2):
                pin = pin_for(spec)[:-1] + str(number)
                code = await world.create(pin, key=spec.key)
                took = await world.wait_for(code, "set", timedelta(seconds=8))
                calm = spec.latency is None and not spec.faults
                assert took <= timedelta(seconds=2 if calm else 5), spec.key
                assert world.lock(spec.key).opens(Pin(pin), world.clock.now())
