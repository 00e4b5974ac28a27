"""From a node as the server lists it to locks as the engine knows them. No radio is used.

A lock is an endpoint with the Door Lock cluster. On a bridge it describes itself, or the bridged
endpoint that it is a part of does; else the node does.
"""

from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo

from latchwork.domain.device import LockCapabilities, Reads
from latchwork.drivers.matter.client import Client
from latchwork.drivers.matter.clusters import (
    BASIC_INFORMATION,
    BRIDGED_BASIC_INFORMATION,
    CURRENT_FABRIC_INDEX,
    DESCRIPTOR,
    DOOR_LOCK,
    FEATURE_MAP,
    OPERATIONAL_CREDENTIALS,
    PARTS_LIST,
    POWER_SOURCE,
    TIME_SYNCHRONIZATION,
    Basic,
    DoorState,
    Feature,
    Lock,
    LockState,
    Power,
    Time,
)
from latchwork.drivers.matter.commands import LockCommands
from latchwork.drivers.matter.node import LockEndpoint, NodeState
from latchwork.drivers.protocol import DiscoveredDevice

DEVICE_TYPE: Final = "matter_lock"
ROOT: Final = 0
NAME_LENGTH: Final = 10
"""Bytes of a user's name, by the specification."""
LEVEL_OF_WORD: Final = {1: 0.15, 2: 0.04}
"""What stands for the battery's warning and critical states where the lock tells no percentage:
a level that counts as low, and one that counts as critical."""


def marker_of(account_id: str) -> int:
    """The unique id of users that the account makes: 1 to 2^32 - 2."""
    digest = int.from_bytes(sha256(account_id.encode()).digest()[:4])
    return digest % (0xFFFFFFFF - 1) + 1


def provider_key(fabric_id: int, node_id: int, endpoint: int) -> str:
    """Such as `0b6ac1f0dd7e9a12-5-1`: a node id alone means nothing outside its fabric."""
    return f"{fabric_id:016x}-{node_id}-{endpoint}"


def is_interviewed(node: NodeState) -> bool:
    return node.has(ROOT, DESCRIPTOR, PARTS_LIST)


def locks_of(
    client: Client, fabric_id: int, node: NodeState, *, marker: int, zone: ZoneInfo | None
) -> dict[int, LockEndpoint]:
    """The locks of an interviewed node, by endpoint."""
    return {
        endpoint: _lock(client, fabric_id, node, endpoint, marker=marker, zone=zone)
        for endpoint in node.endpoints_with(DOOR_LOCK, FEATURE_MAP)
    }


def _lock(
    client: Client,
    fabric_id: int,
    node: NodeState,
    endpoint: int,
    *,
    marker: int,
    zone: ZoneInfo | None,
) -> LockEndpoint:
    zone = _own_zone(node) or zone
    fabric = node.value(ROOT, OPERATIONAL_CREDENTIALS, CURRENT_FABRIC_INDEX)
    return LockEndpoint(
        provider_key(fabric_id, node.node_id, endpoint),
        LockCommands(client, node.node_id, endpoint),
        _capabilities(node, endpoint, zone),
        marker=marker,
        fabric=fabric if isinstance(fabric, int) else None,
        zone=zone,
        tells_time=node.has(ROOT, TIME_SYNCHRONIZATION, Time.LOCAL),
    )


def _own_zone(node: NodeState) -> ZoneInfo | None:
    """The time zone that the lock says it is in, where it names one."""
    told = node.value(ROOT, TIME_SYNCHRONIZATION, Time.TIME_ZONE)
    first = told[0] if isinstance(told, list) and told else None
    name = first.get("2") if isinstance(first, dict) else None
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else None
    except (ValueError, OSError, KeyError):
        return None


def _capabilities(node: NodeState, endpoint: int, zone: ZoneInfo | None) -> LockCapabilities:
    features = Feature(node.number(endpoint, DOOR_LOCK, FEATURE_MAP))
    takes_pins = Feature.PIN in features and Feature.USERS in features
    users = node.number(endpoint, DOOR_LOCK, Lock.USERS)
    positions = min(users, node.number(endpoint, DOOR_LOCK, Lock.PIN_USERS)) if takes_pins else 0
    shortest = max(node.number(endpoint, DOOR_LOCK, Lock.SHORTEST_PIN), 1)
    longest = node.number(endpoint, DOOR_LOCK, Lock.LONGEST_PIN)
    lengths = tuple(range(shortest, longest + 1))
    slots = node.number(endpoint, DOOR_LOCK, Lock.YEAR_DAY_SCHEDULES)
    schedules = Feature.YEAR_DAY_SCHEDULES in features and slots > 0 and zone is not None
    remote = node.value(endpoint, DOOR_LOCK, Lock.PIN_FOR_REMOTE_OPERATION) is not True
    return LockCapabilities(
        access_codes=positions > 0 and bool(lengths),
        code_lengths=lengths or LockCapabilities().code_lengths,
        positions=positions,
        native_scheduling=schedules,
        name_max_length=NAME_LENGTH,
        reads=Reads.OCCUPANCY,
        read_cost=2 + schedules,
        pushes_changes=True,
        refuses_duplicates=True,
        can_lock=remote,
        can_unlock=remote,
        auto_lock=node.has(endpoint, DOOR_LOCK, Lock.AUTO_RELOCK_TIME),
    )


def describe(lock: LockEndpoint, node: NodeState) -> DiscoveredDevice:
    """The lock as the engine lists it, with the last states that the server has seen."""
    endpoint = lock.commands.endpoint
    cluster, source = _describing(node, endpoint)
    manufacturer = node.text(source, cluster, Basic.VENDOR_NAME) or "Unknown"
    model = node.text(source, cluster, Basic.PRODUCT_NAME) or "Matter lock"
    delay = node.value(endpoint, DOOR_LOCK, Lock.AUTO_RELOCK_TIME)
    return DiscoveredDevice(
        provider_key=lock.key,
        device_type=DEVICE_TYPE,
        display_name=node.text(source, cluster, Basic.NODE_LABEL)
        or f"{manufacturer} {model} {node.node_id}",
        manufacturer=manufacturer,
        model=model,
        capabilities=lock.capabilities,
        serial_number=node.text(source, cluster, Basic.SERIAL_NUMBER),
        online=is_online(node, endpoint),
        locked=is_locked(node.value(endpoint, DOOR_LOCK, Lock.STATE)),
        door_open=is_open(node.value(endpoint, DOOR_LOCK, Lock.DOOR_STATE)),
        battery_level=battery_level(node, endpoint),
        auto_lock_enabled=delay > 0 if isinstance(delay, int) else None,
        auto_lock_delay=float(delay) if isinstance(delay, int) and delay > 0 else None,
        time_zone=None if lock.zone is None else lock.zone.key,
    )


def _describing(node: NodeState, endpoint: int) -> tuple[int, int]:
    """The cluster and the endpoint that describe a lock."""
    bridged = bridged_endpoint(node, endpoint)
    return (BASIC_INFORMATION, ROOT) if bridged is None else (BRIDGED_BASIC_INFORMATION, bridged)


def bridged_endpoint(node: NodeState, endpoint: int) -> int | None:
    """The bridged device that a lock is or is a part of; None for a lock that is no bridge's."""
    described = node.endpoints_with(BRIDGED_BASIC_INFORMATION, Basic.REACHABLE)
    if endpoint in described:
        return endpoint
    for whole in described:
        if endpoint in (node.value(whole, DESCRIPTOR, PARTS_LIST) or ()):
            return whole
    return None


def is_online(node: NodeState, endpoint: int) -> bool:
    bridged = bridged_endpoint(node, endpoint)
    is_reachable = (
        bridged is None
        or node.value(bridged, BRIDGED_BASIC_INFORMATION, Basic.REACHABLE) is not False
    )
    return node.available and is_reachable


def is_locked(state: object) -> bool | None:
    """None when the lock does not know."""
    return state == LockState.LOCKED if isinstance(state, int) else None


def is_open(state: object) -> bool | None:
    """None when the lock does not know."""
    if state in (DoorState.OPEN, DoorState.FORCED_OPEN, DoorState.AJAR):
        return True
    return False if state == DoorState.CLOSED else None


def battery_level(node: NodeState, endpoint: int) -> float | None:
    """0.0 to 1.0, of the power source that feeds the lock."""
    source = _power_source(node, endpoint)
    if source is None:
        return None
    half_percents = node.value(source, POWER_SOURCE, Power.PERCENT_REMAINING)
    if isinstance(half_percents, int) and 0 <= half_percents <= 200:
        return half_percents / 200
    word = node.value(source, POWER_SOURCE, Power.CHARGE_LEVEL)
    return LEVEL_OF_WORD.get(word) if isinstance(word, int) else None


def _power_source(node: NodeState, endpoint: int) -> int | None:
    """Its own, one that names it, its bridged device's; a node's only where it is no bridge."""
    batteries = [
        source
        for source in node.endpoints_with(POWER_SOURCE, FEATURE_MAP)
        if node.has(source, POWER_SOURCE, Power.CHARGE_LEVEL)
    ]
    bridged = bridged_endpoint(node, endpoint)
    candidates = [
        endpoint,
        *(
            source
            for source in batteries
            if endpoint in (node.value(source, POWER_SOURCE, Power.ENDPOINT_LIST) or ())
        ),
        ROOT if bridged is None else bridged,
    ]
    return next((source for source in candidates if source in batteries), None)
