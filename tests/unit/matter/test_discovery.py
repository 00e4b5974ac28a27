"""Locks found in nodes, as a Matter server lists those of the rig, and in variations of them."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from latchwork.domain.device import Reads
from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.drivers.matter.discovery import marker_of
from latchwork.drivers.matter.network import Network
from latchwork.drivers.protocol import DevicesFound, DiscoveredDevice
from support.matter_script import ScriptedLock

RECORDED = Path(__file__).parent / "recorded"
FABRIC = 0xAC6B_0000_0000_0123
FRONT, GARAGE, SHED = ("ac6b000000000123-1-1", "ac6b000000000123-2-2", "ac6b000000000123-2-3")


def recorded(name: str, **attributes: Any) -> dict[str, Any]:
    """A node, with attributes changed by path; those that are ... are left out."""
    node: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    node["attributes"] |= {path.strip("_"): value for path, value in attributes.items()}
    node["attributes"] = {k: v for k, v in node["attributes"].items() if v is not ...}
    return node


async def network_of(
    *nodes: dict[str, Any], zone: str | None = "Europe/Amsterdam"
) -> tuple[Network, DevicesFound]:
    server = ScriptedLock()
    server._start_listening = lambda: list(nodes)  # type: ignore[attr-defined]
    network = Network(server, FABRIC, marker=1, zone=None if zone is None else ZoneInfo(zone))
    return network, await network.load()


async def only(node: dict[str, Any], *, zone: str | None = "Europe/Amsterdam") -> DiscoveredDevice:
    _, found = await network_of(node, zone=zone)
    return found.devices[0]


async def test_a_lock_is_told_as_it_describes_itself() -> None:
    lock = await only(recorded("lock"))
    assert (lock.provider_key, lock.display_name) == (FRONT, "Front door")
    assert (lock.manufacturer, lock.model) == ("Latchwork", "Virtual lock")
    assert (lock.serial_number, lock.time_zone) == ("serial-lock", "Europe/Amsterdam")
    assert (lock.online, lock.locked, lock.battery_level) == (True, True, 1.0)


async def test_its_limits_are_the_locks_own() -> None:
    limits = (await only(recorded("lock"))).capabilities
    assert limits.access_codes
    assert (limits.positions, limits.code_lengths) == (10, (4, 5, 6, 7, 8))
    assert limits.reads is Reads.OCCUPANCY
    assert limits.native_scheduling
    assert limits.read_cost == 3
    assert (limits.can_lock, limits.can_unlock) == (True, True)


async def test_there_are_as_many_positions_as_users_and_pins_go_round_for() -> None:
    limits = (await only(recorded("lock", **{"1/257/17": 50, "1/257/18": 7}))).capabilities
    assert limits.positions == 7


@pytest.mark.parametrize(
    "change",
    [
        {"1/257/65532": 0x1},
        {"1/257/65532": 0x100},
        {"1/257/18": 0},
        {"1/257/23": ...},
    ],
)
async def test_a_lock_without_users_with_pins_takes_no_codes(change: dict[str, Any]) -> None:
    lock = await only(recorded("lock", **change))
    assert not lock.capabilities.access_codes
    assert lock.locked


@pytest.mark.parametrize(
    ("change", "zone"),
    [({"1/257/65532": 0x101}, "UTC"), ({"1/257/21": 0}, "UTC"), ({}, None)],
)
async def test_schedules_need_the_feature_room_and_a_time_zone(
    change: dict[str, Any], zone: str | None
) -> None:
    limits = (await only(recorded("lock", **change), zone=zone)).capabilities
    assert not limits.native_scheduling
    assert limits.read_cost == 2


async def test_the_time_zone_that_a_lock_names_goes_first() -> None:
    told = {"0/56/5": [{"0": 3600, "1": 0, "2": "Europe/Lisbon"}]}
    assert (await only(recorded("lock", **told))).time_zone == "Europe/Lisbon"
    odd: dict[str, Any] = {"0/56/5": [{"0": 3600, "1": 0, "2": "CET-1CEST"}]}
    assert (await only(recorded("lock", **odd))).time_zone == "Europe/Amsterdam"


async def test_a_lock_that_wants_a_pin_for_remote_operation_is_not_moved() -> None:
    limits = (await only(recorded("lock", **{"1/257/51": True}))).capabilities
    assert (limits.can_lock, limits.can_unlock) == (False, False)


@pytest.mark.parametrize(
    ("state", "locked"), [(0, False), (1, True), (2, False), (3, False), (None, None)]
)
async def test_the_bolt(state: int | None, locked: bool | None) -> None:
    assert (await only(recorded("lock", **{"1/257/0": state}))).locked is locked


@pytest.mark.parametrize(
    ("state", "door_open"), [(0, True), (1, False), (2, None), (3, True), (5, True), (None, None)]
)
async def test_the_door(state: int | None, door_open: bool | None) -> None:
    assert (await only(recorded("lock", **{"1/257/3": state}))).door_open is door_open


@pytest.mark.parametrize(
    ("attributes", "level"),
    [
        ({"1/47/12": 30}, 0.15),
        ({"1/47/12": None, "1/47/14": 0}, None),
        ({"1/47/12": None, "1/47/14": 1}, 0.15),
        ({"1/47/12": None, "1/47/14": 2}, 0.04),
        ({"1/47/14": ..., "1/47/65532": 1}, None),
        ({"1/47/14": ..., "2/47/65532": 2, "2/47/14": 0, "2/47/12": 90, "2/47/31": [1]}, 0.45),
        ({"1/47/14": ..., "0/47/65532": 2, "0/47/14": 0, "0/47/12": 80}, 0.4),
        ({"1/47/14": ..., "2/47/65532": 2, "2/47/14": 0, "2/47/12": 90, "2/47/31": [2]}, None),
    ],
)
async def test_the_battery_is_the_one_that_feeds_the_lock(
    attributes: dict[str, Any], level: float | None
) -> None:
    assert (await only(recorded("lock", **attributes))).battery_level == level


async def test_a_bridge_has_locks_with_names_of_their_own() -> None:
    _, found = await network_of(recorded("lock"), recorded("bridge"))
    assert found.complete
    assert [(d.provider_key, d.display_name) for d in found.devices] == [
        (FRONT, "Front door"),
        (GARAGE, "Garage"),
        (SHED, "Shed"),
    ]
    assert found.devices[1].capabilities.positions == 5
    assert not found.devices[1].capabilities.native_scheduling
    assert found.devices[2].serial_number == "serial-shed"


async def test_a_lock_that_its_bridge_cannot_reach_is_offline_alone() -> None:
    _, found = await network_of(recorded("bridge", **{"3/57/17": False}))
    assert [d.online for d in found.devices] == [True, False]


async def test_a_lock_within_a_bridged_device_is_described_by_that_device() -> None:
    whole = {
        path.replace("2/57/", "9/57/"): value
        for path, value in recorded("bridge")["attributes"].items()
        if path.startswith("2/57/")
    }
    node = recorded("bridge", **dict.fromkeys((p.replace("9/", "2/") for p in whole), ...))
    node["attributes"] |= {**whole, "9/29/3": [2], "9/57/17": False}
    _, found = await network_of(node)
    assert [(d.display_name, d.online) for d in found.devices] == [
        ("Garage", False),
        ("Shed", True),
    ]


async def test_a_node_in_its_interview_leaves_the_list_open_and_then_completes_it() -> None:
    waiting = {"node_id": 2, "available": False, "attributes": {}}
    network, found = await network_of(recorded("lock"), waiting)
    assert not found.complete
    with pytest.raises(RetryLater, match="interviewing"):
        network.by_key(GARAGE)
    completed = network.updated(recorded("bridge"))
    assert completed is not None
    assert completed.complete
    assert len(completed.devices) == 3


async def test_what_says_nothing_new_is_not_told() -> None:
    network, _ = await network_of(recorded("lock"))
    assert network.updated(recorded("lock")) is None
    assert network.attribute_changed([1, "1/257/0", 1]) is None
    assert network.attribute_changed([1, "0/51/2", 17]) is None
    assert network.attribute_changed([9, "1/257/0", 2]) is None
    assert network.attribute_changed("nonsense") is None


async def test_news_of_a_node_are_told_of_the_locks_that_they_concern() -> None:
    network, _ = await network_of(recorded("lock"), recorded("bridge"))
    told = network.attribute_changed([2, "3/57/17", False])
    assert told is not None
    assert [(d.provider_key, d.online) for d in told.devices] == [(SHED, False)]
    assert not told.complete
    told = network.attribute_changed([1, "1/257/0", 2])
    assert told is not None
    assert told.devices[0].locked is False
    lost = network.updated({**recorded("bridge"), "available": False})
    assert lost is not None
    assert [(d.provider_key, d.online) for d in lost.devices] == [(GARAGE, False)]


async def test_what_was_learned_of_a_lock_is_kept_while_it_can_do_the_same() -> None:
    network, _ = await network_of(recorded("lock"))
    lock = network.by_key(FRONT)
    network.attribute_changed([1, "1/257/0", 2])
    assert network.by_key(FRONT) is lock
    network.attribute_changed([1, "1/257/18", 4])
    assert network.by_key(FRONT).capabilities.positions == 4


async def test_a_node_that_is_removed_takes_its_locks_along() -> None:
    network, _ = await network_of(recorded("lock"), recorded("bridge"))
    told = network.removed(2)
    assert told is not None
    assert told.complete
    assert [d.provider_key for d in told.devices] == [FRONT]
    with pytest.raises(NeedsAttention):
        network.by_key(GARAGE)
    assert network.removed(2) is None


async def test_an_endpoint_that_a_bridge_loses_takes_its_lock_along() -> None:
    network, _ = await network_of(recorded("bridge"))
    told = network.removed_endpoint(2, 3)
    assert told is not None
    assert told.complete
    assert [d.provider_key for d in told.devices] == [GARAGE]


async def test_one_odd_node_does_not_hide_the_others() -> None:
    _, found = await network_of({"node_id": "x"}, recorded("lock"))
    assert [d.provider_key for d in found.devices] == [FRONT]


async def test_a_list_made_anew_forgets_what_is_gone() -> None:
    network, _ = await network_of(recorded("lock"), recorded("bridge"))
    network._client._get_nodes = lambda: [recorded("bridge")]  # type: ignore[attr-defined]
    found = await network.load_anew()
    assert found.complete
    assert [d.provider_key for d in found.devices] == [GARAGE, SHED]


def test_markers_differ_by_account_and_are_valid_unique_ids() -> None:
    markers = {marker_of(f"account-{n}") for n in range(1000)}
    assert len(markers) == 1000
    assert all(1 <= marker <= 0xFFFFFFFE for marker in markers)
    assert marker_of("account") == marker_of("account")
