"""From Zigbee2MQTT's list of devices to keypad locks, with what they can do."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from latchwork.domain.device import LockCapabilities, Reads
from latchwork.drivers.zigbee2mqtt.zcl import CLUSTER, CLUSTER_ID, Attribute

DEVICE_TYPE: Final = "zigbee2mqtt_lock"
LARGEST_SCAN: Final = 30
"""Locks with more positions are not read as a whole: a sleepy lock takes seconds for each."""
USERS_BY_VENDOR: Final[Mapping[str, int]] = {
    "danalock": 20,
    "datek": 109,
    "heimgard technologies": 39,
    "kwikset": 30,
    "onesti products as": 1000,
    "schlage": 30,
    "shinasystem": 4,
    "weiser": 30,
    "yale": 100,
}
"""How many user ids a lock has, until it tells itself; Zigbee2MQTT's list does not say."""
FEWEST_USERS: Final = 20
LIMITS: Final = (
    Attribute.PIN_USERS,
    Attribute.SHORTEST_PIN,
    Attribute.LONGEST_PIN,
    Attribute.YEAR_DAY_SCHEDULES,
)
MOST_USERS: Final = 2000


class Definition(msgspec.Struct, frozen=True):
    model: str = ""
    vendor: str = ""
    exposes: tuple[dict[str, Any], ...] = ()


class Clusters(msgspec.Struct, frozen=True):
    input: tuple[str | int, ...] = ()


class Endpoint(msgspec.Struct, frozen=True):
    clusters: Clusters = Clusters()


class Listed(msgspec.Struct, frozen=True):
    """A device as Zigbee2MQTT lists it."""

    ieee_address: str
    friendly_name: str
    network_address: int = 0
    type: str = ""
    disabled: bool = False
    interview_completed: bool = True
    date_code: str | None = None
    definition: Definition | None = None
    endpoints: dict[str, Endpoint] = {}

    @property
    def is_keypad_lock(self) -> bool:
        if self.definition is None or self.disabled:
            return False
        properties = {expose.get("property") for expose in self.definition.exposes}
        kinds = {expose.get("type") for expose in self.definition.exposes}
        return "pin_code" in properties and "lock" in kinds

    @property
    def target(self) -> dict[str, Any]:
        """Where a raw command to its Door Lock goes."""
        return {
            "ieee_address": self.ieee_address,
            "network_address": self.network_address,
            "dst_endpoint": self._lock_endpoint,
            "cluster_key": CLUSTER,
        }

    @property
    def _lock_endpoint(self) -> int:
        for number, endpoint in self.endpoints.items():
            if {CLUSTER, CLUSTER_ID} & set(endpoint.clusters.input) and number.isdigit():
                return int(number)
        return 1


class Limits(msgspec.Struct, frozen=True):
    """What a lock told of itself; 0: it did not tell."""

    users: int = 0
    shortest: int = 0
    longest: int = 0
    schedules: int = 0


_devices = msgspec.json.Decoder(list[msgspec.Raw])


def locks_of(payload: bytes) -> dict[str, Listed]:
    """The keypad locks of the list, by their IEEE address. One odd device hides no other. Raises
    msgspec.DecodeError when it is no list."""
    found: dict[str, Listed] = {}
    for raw in _devices.decode(payload):
        try:
            listed = msgspec.json.decode(raw, type=Listed)
        except msgspec.DecodeError:
            continue
        if listed.is_keypad_lock:
            found[listed.ieee_address] = listed
    return found


def limits_of(told: Mapping[int, int]) -> Limits:
    """From the lock's attributes; what cannot be is left out."""
    users = told.get(Attribute.PIN_USERS, 0)
    shortest = told.get(Attribute.SHORTEST_PIN, 0)
    longest = told.get(Attribute.LONGEST_PIN, 0)
    if not 1 <= shortest <= longest or not 4 <= longest <= 32:
        shortest = longest = 0
    return Limits(
        users=users if 1 <= users <= MOST_USERS else 0,
        shortest=shortest,
        longest=longest,
        schedules=told.get(Attribute.YEAR_DAY_SCHEDULES, 0),
    )


def capabilities(
    listed: Listed, limits: Limits, *, exposes_pin: bool, has_zone: bool
) -> LockCapabilities:
    """User ids start at 0. Schedules are used where the lock's own time is known."""
    vendor = listed.definition.vendor.lower() if listed.definition else ""
    users = limits.users or USERS_BY_VENDOR.get(vendor, FEWEST_USERS)
    lengths = tuple(range(limits.shortest or 4, (limits.longest or 8) + 1))
    native_scheduling = has_zone and limits.schedules > 0
    return LockCapabilities(
        code_lengths=lengths,
        first_position=0,
        positions=users,
        native_scheduling=native_scheduling,
        reads=Reads.PIN if exposes_pin else Reads.OCCUPANCY,
        read_cost=1 + native_scheduling + (not exposes_pin),
        pushes_changes=True,
        refuses_duplicates=False,
        scan_on_adoption=users <= LARGEST_SCAN,
    )
