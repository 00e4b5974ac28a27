"""Devices: locks, with what they can do and how they are."""

from typing import Literal

from msgspec import UNSET, UnsetType

from latchwork.api.resources.common import (
    Caution,
    DeviceError,
    Id,
    Instant,
    Metadata,
    Resource,
    Url,
)


class DeviceCaution(Caution):
    """A device's warning."""

    active_access_code_count: int | UnsetType = UNSET
    max_active_access_code_count: int | UnsetType = UNSET


class DeviceManufacturer(Resource):
    """Who made a device."""

    manufacturer: str
    display_name: str


class DeviceOrigin(Resource):
    """The provider that a device came from."""

    device_provider_name: str
    display_name: str
    provider_category: str


class Location(Resource):
    """Where a device is. `timezone` is another name of `time_zone`."""

    time_zone: str
    timezone: str


class Named(Resource):
    """A name."""

    name: str


class Battery(Resource):
    """A battery's level, 0 to 1."""

    level: float
    status: Literal["critical", "low", "good", "full"]


class Model(Resource):
    """A device's model."""

    display_name: str
    manufacturer_display_name: str
    has_built_in_keypad: bool
    online_access_codes_supported: bool
    offline_access_codes_supported: bool
    accessory_keypad_supported: bool


class CodeConstraint(Resource):
    """A rule that a lock's codes or their names obey."""

    constraint_type: str
    min_length: int | UnsetType = UNSET
    max_length: int | UnsetType = UNSET


class UnmanagedDeviceProperties(Resource):
    """What is known of a device without managing it."""

    name: str
    online: bool
    manufacturer: str
    model: Model
    online_access_codes_enabled: bool
    offline_access_codes_enabled: bool
    battery: Battery | UnsetType = UNSET
    battery_level: float | UnsetType = UNSET


class OfflineTimeFrame(Resource):
    """A kind of window for which the lock computes codes by itself."""

    display_name: str
    min_duration: str
    max_duration: str
    start_date_recurrence_rule: str
    end_date_recurrence_rule: str | UnsetType = UNSET
    matching_start_end_time: Literal[True] | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET


class DeviceProperties(Resource):
    """How a device is. A lock that has no sensor for a thing does not show it."""

    name: str
    appearance: Named
    online: bool
    manufacturer: str
    model: Model
    has_direct_power: bool
    online_access_codes_enabled: bool
    offline_access_codes_enabled: bool
    supported_code_lengths: list[int]
    max_active_codes_supported: int
    code_constraints: list[CodeConstraint]
    supports_backup_access_code_pool: bool
    has_native_entry_events: bool
    backup_access_code_pool_enabled: bool | UnsetType = UNSET
    auto_lock_enabled: bool | UnsetType = UNSET
    auto_lock_delay_seconds: float | UnsetType = UNSET
    offline_time_frame_options: list[OfflineTimeFrame] | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    door_open: bool | UnsetType = UNSET
    serial_number: str | UnsetType = UNSET
    battery: Battery | UnsetType = UNSET
    battery_level: float | UnsetType = UNSET


class CommonDevice(Resource):
    """What managed and unmanaged devices show alike."""

    device_id: Id
    workspace_id: Id
    connected_account_id: Id
    device_type: str
    display_name: str
    created_at: Instant
    custom_metadata: Metadata
    capabilities_supported: list[Literal["access_code", "lock", "battery"]]
    can_program_online_access_codes: bool
    can_program_offline_access_codes: bool
    can_remotely_lock: bool
    can_remotely_unlock: bool
    can_unlock_with_code: bool
    can_configure_auto_lock: bool
    can_simulate_connection: bool
    can_simulate_disconnection: bool
    can_simulate_hub_connection: bool
    can_simulate_hub_disconnection: bool
    can_simulate_paid_subscription: bool
    can_simulate_removal: bool
    location: Location | None
    errors: list[DeviceError]
    warnings: list[DeviceCaution]


class Device(CommonDevice):
    """A lock, what it can do, and how it is."""

    is_managed: Literal[True]
    nickname: str | None
    space_ids: list[Id]
    device_manufacturer: DeviceManufacturer
    device_provider: DeviceOrigin
    properties: DeviceProperties


class UnmanagedDevice(CommonDevice):
    """A lock that is known and left alone."""

    is_managed: Literal[False]
    properties: UnmanagedDeviceProperties


class DeviceProvider(Resource):
    """A provider whose locks can be connected."""

    device_provider_name: str
    display_name: str
    image_url: Url
    provider_categories: list[str]
    can_program_online_access_codes: Literal[True]
    can_remotely_lock: Literal[True]
    can_remotely_unlock: Literal[True]
