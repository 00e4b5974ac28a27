"""From a node as the server dumps it to a lock as the engine knows it. No radio is used."""

from typing import Any, Final

import msgspec

from latchwork.domain.device import LockCapabilities, Reads
from latchwork.drivers.protocol import DiscoveredDevice
from latchwork.drivers.zwave_js import commands as cc
from latchwork.drivers.zwave_js.client import Client
from latchwork.drivers.zwave_js.commands import CredentialType, LockCommands
from latchwork.drivers.zwave_js.node import LockNode

DEVICE_TYPE: Final = "zwave_js_lock"
DIGITS: Final = "0123456789"
COMPLETE: Final = "Complete"
DEAD: Final = 3
LARGEST_SCAN: Final = 100
"""Positions up to which reading all of them once is affordable."""
SCHLAGE: Final = 0x003B
PIN_LENGTH_PARAMETER: Final = 16
"""Of Schlage's locks: all their codes have the one length that is configured."""
SECURED: Final = 255
UNKNOWN_MODE: Final = 254


class CommandClass(msgspec.Struct, frozen=True):
    id: int
    version: int = 1


class Endpoint(msgspec.Struct, frozen=True, rename="camel"):
    index: int = 0
    command_classes: tuple[CommandClass, ...] = ()


class DeviceConfig(msgspec.Struct, frozen=True):
    manufacturer: str | None = None
    label: str | None = None


class NodeState(msgspec.Struct, frozen=True, rename="camel"):
    """The parts of a node's dump that matter here. `ready`: it has been heard since the start."""

    node_id: int
    interview_stage: str | None = None
    status: int = 0
    ready: bool = False
    is_controller_node: bool = False
    manufacturer_id: int | None = None
    name: str | None = None
    location: str | None = None
    label: str | None = None
    manufacturer: str | None = None
    device_config: DeviceConfig | None = None
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def is_interviewed(self) -> bool:
        return self.interview_stage == COMPLETE

    def version_of(self, command_class: int) -> int:
        """0: the root endpoint does not have it."""
        root = self.endpoints[0].command_classes if self.endpoints else ()
        return next((c.version for c in root if c.id == command_class), 0)

    @property
    def is_keypad_lock(self) -> bool:
        bolt = self.version_of(cc.DOOR_LOCK) or self.version_of(cc.LOCK)
        codes = self.version_of(cc.USER_CODE) or self.version_of(cc.USER_CREDENTIAL)
        return bool(bolt and codes)


class _Controller(msgspec.Struct, frozen=True, rename="camel"):
    home_id: int


class _Network(msgspec.Struct, frozen=True):
    controller: _Controller
    nodes: tuple[NodeState, ...]


class NetworkState(msgspec.Struct, frozen=True):
    """The answer to start_listening."""

    state: _Network


class NodeAnswer(msgspec.Struct, frozen=True):
    """The answer to node.get_state."""

    state: NodeState


def provider_key(home_id: int, node_id: int) -> str:
    """Such as `c0ffee01-2`: a node id alone means nothing outside its network."""
    return f"{home_id:08x}-{node_id}"


async def lock_of(client: Client, home_id: int, state: NodeState) -> LockNode | None:
    """The handle of an interviewed keypad lock; None when it takes no PINs after all."""
    if not state.is_keypad_lock:
        return None
    commands = LockCommands(client, state.node_id)
    if not await commands.has_access_control():
        return None
    credentials = (await commands.credential_capabilities()).supported_credential_types
    kind = next((k for k in (cc.PIN_TYPE, cc.PASSWORD_TYPE) if str(k) in credentials), None)
    if kind is None:
        return None
    users = await commands.user_capabilities()
    uses_credentials = await _uses_credentials(commands, state)
    slots = 0 if uses_credentials else await _schedule_slots(commands, state)
    capabilities = _capabilities(
        credentials[str(kind)],
        only_length=await _only_length(commands, state),
        positions=min(users.max_users, credentials[str(kind)].number_of_credential_slots),
        characters=await _characters(commands),
        native_scheduling=slots > 0,
        name_max_length=users.max_user_name_length or None,
        pushes_changes=uses_credentials or state.version_of(cc.NOTIFICATION) > 0,
        refuses_duplicates=uses_credentials,
        auto_lock=bool(await commands.value(cc.DOOR_LOCK, "autoRelockSupported")),
    )
    return LockNode(
        provider_key(home_id, state.node_id),
        commands,
        capabilities,
        uses_credentials=uses_credentials,
        credential_type=kind,
        schedule_slots=slots,
        lock_class=cc.DOOR_LOCK if state.version_of(cc.DOOR_LOCK) else cc.LOCK,
    )


async def _uses_credentials(commands: LockCommands, state: NodeState) -> bool:
    """Upstream's rule: User Credential goes first, unless it reports that it supports no users."""
    if not state.version_of(cc.USER_CREDENTIAL):
        return False
    if not state.version_of(cc.USER_CODE):
        return True
    return bool(await commands.value(cc.USER_CREDENTIAL, "supportedUsers") != 0)


async def _schedule_slots(commands: LockCommands, state: NodeState) -> int:
    """Version 1 cannot tell which time the lock keeps, so its schedules are not used."""
    if state.version_of(cc.SCHEDULE_ENTRY_LOCK) < 2:
        return 0
    slots = await commands.value(cc.SCHEDULE_ENTRY_LOCK, "numYearDaySlots")
    return slots if isinstance(slots, int) else 0


async def _only_length(commands: LockCommands, state: NodeState) -> int | None:
    if state.manufacturer_id != SCHLAGE:
        return None
    length = await commands.value(cc.CONFIGURATION, PIN_LENGTH_PARAMETER)
    return length if isinstance(length, int) else None


async def _characters(commands: LockCommands) -> str:
    told = await commands.value(cc.USER_CODE, "supportedASCIIChars")
    return "".join(d for d in DIGITS if d in told) if isinstance(told, str) and told else DIGITS


def _capabilities(
    credential: CredentialType,
    *,
    only_length: int | None,
    positions: int,
    characters: str,
    native_scheduling: bool,
    name_max_length: int | None,
    pushes_changes: bool,
    refuses_duplicates: bool,
    auto_lock: bool,
) -> LockCapabilities:
    shortest = max(credential.min_credential_length, 1)
    lengths = range(shortest, credential.max_credential_length + 1)
    return LockCapabilities(
        access_codes=positions > 0 and bool(characters),
        code_lengths=tuple(n for n in lengths if only_length in (None, n)) or tuple(lengths),
        characters=characters or DIGITS,
        positions=positions,
        native_scheduling=native_scheduling,
        name_max_length=name_max_length,
        reads=Reads.OCCUPANCY if credential.max_credential_hash_length else Reads.PIN,
        read_cost=2 if native_scheduling else 1,
        pushes_changes=pushes_changes,
        refuses_duplicates=refuses_duplicates,
        auto_lock=auto_lock,
        scan_on_adoption=positions <= LARGEST_SCAN,
    )


async def describe(lock: LockNode, state: NodeState, time_zone: str | None) -> DiscoveredDevice:
    """The lock as the engine lists it, with the last states that Z-Wave JS has seen."""
    config = state.device_config or DeviceConfig()
    manufacturer = state.manufacturer or config.manufacturer or "Unknown"
    model = state.label or config.label or "Z-Wave lock"
    value = lock.commands.value
    mode_name = "currentMode" if lock.lock_class == cc.DOOR_LOCK else "locked"
    relock = await value(cc.DOOR_LOCK, cc.AUTO_RELOCK_TIME) if lock.capabilities.auto_lock else None
    return DiscoveredDevice(
        provider_key=lock.key,
        device_type=DEVICE_TYPE,
        display_name=_display_name(state, manufacturer, model),
        manufacturer=manufacturer,
        model=model,
        capabilities=lock.capabilities,
        serial_number=_text(await value(cc.MANUFACTURER_SPECIFIC, "deviceId", "SerialNumber")),
        online=state.status != DEAD,
        locked=is_locked(await value(lock.lock_class, mode_name)),
        battery_level=battery_fraction(await value(cc.BATTERY, "level")),
        time_zone=time_zone,
        auto_lock_enabled=relock > 0 if isinstance(relock, int) else None,
        auto_lock_delay=float(relock) if isinstance(relock, int) and relock else None,
    )


def _display_name(state: NodeState, manufacturer: str, model: str) -> str:
    place = f" ({state.location})" if state.location else ""
    if state.name:
        return f"{state.name}{place}"
    return f"{manufacturer} {model}{place or f' {state.node_id}'}"


def is_locked(mode: Any) -> bool | None:
    """From Door Lock's mode or Lock's flag; None when the lock does not know."""
    if isinstance(mode, bool):
        return mode
    if not isinstance(mode, int) or mode == UNKNOWN_MODE:
        return None
    return mode == SECURED


def battery_fraction(level: Any) -> float | None:
    """From percent to 0.0 to 1.0."""
    return level / 100 if isinstance(level, int) and 0 <= level <= 100 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
