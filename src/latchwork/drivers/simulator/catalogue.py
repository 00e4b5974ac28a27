"""Which simulated locks there are: the demo's, and any number of equal ones."""

from typing import Any, Final

import msgspec

from latchwork.domain.device import CodeConstraint, LockCapabilities, OfflineCodes, Reads


class LockSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A simulated lock as settings name it. `latency`: seconds for a call, None: the
    connection's; `scans`: whether one call tells of all positions, as clouds do and radios do not;
    `faults`: by name, see `Faults`."""

    key: str
    name: str
    device_type: str = "smartthings_lock"
    manufacturer: str = "latchwork"
    model: str = "Simulated Lock"
    capabilities: LockCapabilities = LockCapabilities()
    battery_level: float | None = 1.0
    time_zone: str | None = None
    latency: float | None = None
    scans: bool = True
    locked: bool = True
    faults: dict[str, Any] = {}


DEMO_LATENCY: Final = 0.2
DEMO_CONCURRENCY: Final = 64
_ZONE: Final = "Europe/Amsterdam"


def equal_locks(
    count: int, capabilities: LockCapabilities, *, scans: bool = True
) -> tuple[LockSpec, ...]:
    """`count` locks that differ in nothing but their names."""
    return tuple(
        LockSpec(key=f"lock-{n}", name=f"Lock {n}", capabilities=capabilities, scans=scans)
        for n in range(1, count + 1)
    )


def _rules(*constraint_types: str) -> tuple[CodeConstraint, ...]:
    return tuple(CodeConstraint(kind) for kind in constraint_types)


DEMO: Final = (
    LockSpec(
        key="front-door",
        name="Front Door",
        device_type="schlage_lock",
        manufacturer="schlage",
        model="Encode Plus",
        capabilities=LockCapabilities(
            positions=100,
            native_scheduling=True,
            name_max_length=12,
            refuses_duplicates=True,
            pushes_changes=True,
            auto_lock=True,
        ),
        battery_level=0.93,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="back-door",
        name="Back Door",
        device_type="yale_lock",
        manufacturer="yale",
        model="Assure Lock 2",
        capabilities=LockCapabilities(positions=30, pushes_changes=True, auto_lock=True),
        battery_level=0.78,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="garage",
        name="Garage",
        device_type="kwikset_lock",
        manufacturer="kwikset",
        model="Home Connect 620",
        capabilities=LockCapabilities(positions=30, reads=Reads.OCCUPANCY, refuses_duplicates=True),
        battery_level=0.64,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="cabin",
        name="Cabin",
        device_type="smartthings_lock",
        manufacturer="samsung",
        model="Six-Key Deadbolt",
        capabilities=LockCapabilities(
            positions=20, characters="123456", code_lengths=(4, 5, 6), refuses_duplicates=True
        ),
        battery_level=0.55,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="cellar",
        name="Cellar",
        device_type="aqara_lock",
        manufacturer="aqara",
        model="Smart Lock U200",
        capabilities=LockCapabilities(positions=50, code_lengths=(6, 7, 8)),
        battery_level=0.41,
        time_zone=_ZONE,
        latency=0.6,
    ),
    LockSpec(
        key="pool-house",
        name="Pool House",
        device_type="ultraloq_lock",
        manufacturer="ultraloq",
        model="U-Bolt Pro",
        capabilities=LockCapabilities(positions=50, pushes_changes=True),
        battery_level=0.18,
        time_zone=_ZONE,
        faults={"drop_every": 2},
    ),
    LockSpec(
        key="studio",
        name="Studio",
        device_type="wyze_lock",
        manufacturer="wyze",
        model="Lock Bolt",
        capabilities=LockCapabilities(
            positions=3, code_lengths=(4, 5, 6), constraints=_rules("no_all_same_digits")
        ),
        battery_level=0.88,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="lobby",
        name="Lobby",
        device_type="ttlock_lock",
        manufacturer="ttlock",
        model="Wall Keypad",
        capabilities=LockCapabilities(
            positions=5000, scan_on_adoption=False, native_scheduling=True, name_max_length=32
        ),
        battery_level=1.0,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="penthouse",
        name="Penthouse",
        device_type="nuki_lock",
        manufacturer="nuki",
        model="Smart Lock 4.0 Pro with Keypad 2",
        capabilities=LockCapabilities(
            positions=200,
            code_lengths=(6,),
            characters="123456789",
            constraints=(
                *_rules("no_zeros", "cannot_start_with_12"),
                CodeConstraint("name_length", min_length=1, max_length=20),
            ),
            native_scheduling=True,
            name_max_length=20,
            refuses_duplicates=True,
        ),
        battery_level=0.71,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="side-gate",
        name="Side Gate",
        device_type="august_lock",
        manufacturer="august",
        model="Wi-Fi Smart Lock with Keypad",
        capabilities=LockCapabilities(
            positions=250,
            max_active_codes=100,
            code_lengths=(4, 5, 6),
            constraints=_rules("no_ascending_or_descending_sequence"),
            pushes_changes=True,
        ),
        battery_level=0.33,
        time_zone=_ZONE,
    ),
    LockSpec(
        key="boathouse",
        name="Boathouse",
        device_type="igloohome_lock",
        manufacturer="igloohome",
        model="Padlock",
        capabilities=LockCapabilities(
            access_codes=False,
            offline=OfflineCodes(),
            code_lengths=(9,),
            reads=Reads.NOTHING,
            can_lock=False,
            can_unlock=False,
            scan_on_adoption=False,
        ),
        battery_level=0.84,
        time_zone=_ZONE,
    ),
)
