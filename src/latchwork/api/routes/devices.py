"""/devices: what there is, what callers say of it, and forgetting it."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from latchwork.api import device_serializers as show
from latchwork.api import resources
from latchwork.api.endpoint import DELETE, READ, Call, Endpoint, page_of, page_size
from latchwork.api.errors import invalid, not_found
from latchwork.api.parsing import instant
from latchwork.domain.device_commands import (
    DeviceChanges,
    changed_device,
    check_zone,
    device_deleted,
    zone_reported,
)
from latchwork.storage.interface import DeviceChange, DeviceFilter, DeviceView, Page

CHANGE = ("POST", "PATCH")
OF_THE_LOCK: Final = {
    "can_remotely_lock": "can_lock",
    "can_remotely_unlock": "can_unlock",
    "can_program_online_access_codes": "access_codes",
}
"""Seam's capabilities that are flags of LockCapabilities."""
OF_THE_SANDBOX: Final = frozenset(
    ("can_simulate_removal", "can_simulate_connection", "can_simulate_disconnection")
)
SIMULATOR: Final = "simulator"
STABLE: Final = "stable"

Capability = Literal[
    "can_remotely_unlock",
    "can_remotely_lock",
    "can_program_offline_access_codes",
    "can_program_online_access_codes",
    "can_hvac_heat",
    "can_hvac_cool",
    "can_hvac_heat_cool",
    "can_turn_off_hvac",
    "can_simulate_removal",
    "can_simulate_connection",
    "can_simulate_disconnection",
    "can_unlock_with_code",
]
Category = Literal[
    "stable",
    "consumer_smartlocks",
    "beta",
    "thermostats",
    "noise_sensors",
    "access_control_systems",
    "cameras",
    "connectors",
]


class Get(msgspec.Struct):
    device_id: str | None = None
    name: str | None = None


class Named(msgspec.Struct):
    device_id: str


class ListUnmanaged(msgspec.Struct):
    connected_account_id: str | None = None
    connected_account_ids: list[str] | None = None
    device_ids: list[str] | None = None
    device_type: str | None = None
    device_types: list[str] | None = None
    manufacturer: str | None = None
    search: str | None = None
    created_before: str | None = None
    limit: float | None = None
    page_cursor: str | None = None
    customer_key: str | None = None
    connect_webview_id: str | None = None
    include_if: list[Capability] | None = None
    exclude_if: list[Capability] | None = None


class List(ListUnmanaged):
    custom_metadata_has: dict[str, Any] | None = None
    user_identifier_key: str | None = None
    space_id: str | None = None
    unstable_location_id: str | None = None


class Properties(msgspec.Struct):
    name: str | UnsetType | None = UNSET


class Update(msgspec.Struct):
    device_id: str
    name: str | UnsetType | None = UNSET
    properties: Properties | None = None
    custom_metadata: dict[str, Any] | None = None
    is_managed: bool | None = None
    backup_access_code_pool_enabled: bool | None = None


class UpdateUnmanaged(msgspec.Struct):
    device_id: str
    is_managed: bool | None = None
    custom_metadata: dict[str, Any] | None = None


class Zone(msgspec.Struct):
    time_zone: str


class Report(msgspec.Struct):
    device_id: str
    omnitec_metadata: Zone | None = None
    schlage_metadata: Zone | None = None
    ultraloq_metadata: Zone | None = None


class Reports(msgspec.Struct):
    devices: Annotated[list[Report], msgspec.Meta(max_length=1000)]


class Providers(msgspec.Struct):
    provider_category: Category | None = None


async def find(
    call: Call, device_id: str | None, name: str | None = None, *, is_managed: bool | None = True
) -> DeviceView:
    """The managed (True), unmanaged (False) or any (None) device by id or name, or 404."""
    if device_id is None and name is None:
        raise invalid("Name a device by device_id or name.", device_id="Required")
    view = await call.storage.device(
        call.workspace_id, device_id=device_id, name=name, is_managed=is_managed
    )
    if view is None:
        raise not_found("device")
    return view


def shown(call: Call, view: DeviceView) -> dict[str, Any]:
    return show.device(view, is_sandbox=call.workspace.is_sandbox)


def shown_unmanaged(call: Call, view: DeviceView) -> dict[str, Any]:
    return show.unmanaged_device(view, is_sandbox=call.workspace.is_sandbox)


async def get(call: Call, asked: Get) -> dict[str, Any]:
    return {"device": shown(call, await find(call, asked.device_id, asked.name)), "ok": True}


async def get_unmanaged(call: Call, asked: Get) -> dict[str, Any]:
    view = await find(call, asked.device_id, asked.name, is_managed=False)
    return {"device": shown_unmanaged(call, view), "ok": True}


async def page(call: Call, asked: ListUnmanaged, *, is_managed: bool = True) -> Page[DeviceView]:
    """The devices asked for; none where they are to belong to what Latchwork does not have."""
    elsewhere = ("customer_key", "user_identifier_key", "space_id", "unstable_location_id")
    if any(getattr(asked, name, None) for name in elsewhere):
        return Page(())
    accounts = await _accounts(call, asked)
    capabilities = _capabilities(call, asked)
    if capabilities is None:
        return Page(())
    where = DeviceFilter(
        is_managed=is_managed,
        capabilities=capabilities,
        connected_account_ids=accounts,
        device_ids=None if asked.device_ids is None else tuple(asked.device_ids),
        device_types=_joined(asked.device_types, asked.device_type),
        manufacturer=asked.manufacturer,
        custom_metadata_has=getattr(asked, "custom_metadata_has", None),
        search=asked.search,
        created_before=instant("created_before", asked.created_before),
    )
    return await call.storage.devices(
        call.workspace_id, where, limit=page_size(asked.limit), cursor=asked.page_cursor
    )


async def _accounts(call: Call, asked: ListUnmanaged) -> tuple[str, ...] | None:
    """The accounts whose devices are asked for; None: of all."""
    named = _joined(asked.connected_account_ids, asked.connected_account_id)
    webview_id = getattr(asked, "connect_webview_id", None)
    if not webview_id:
        return named
    webview = await call.storage.webview(call.workspace_id, webview_id)
    brought = None if webview is None else webview.connected_account_id
    return tuple(found for found in (brought,) if found and (named is None or found in named))


def _joined(many: list[str] | None, one: str | None) -> tuple[str, ...] | None:
    found = [*(many or ()), *(() if one is None else (one,))]
    return tuple(found) if found or many is not None else None


def _capabilities(call: Call, asked: ListUnmanaged) -> tuple[tuple[str, bool], ...] | None:
    """include_if and exclude_if as flags that a device must or must not have; None when no device
    can meet them."""
    flags: list[tuple[str, bool]] = []
    wishes = [(name, True) for name in asked.include_if or ()]
    wishes += [(name, False) for name in asked.exclude_if or ()]
    for name, wanted in wishes:
        if name == "can_unlock_with_code":
            flags.append(("access_codes", wanted))
        elif name in OF_THE_LOCK:
            flags.append((OF_THE_LOCK[name], wanted))
        elif wanted != (name in OF_THE_SANDBOX and call.workspace.is_sandbox):
            return None
    return tuple(flags)


async def list_(call: Call, asked: List) -> dict[str, Any]:
    found = await page(call, asked)
    return {
        "devices": [shown(call, view) for view in found.items],
        "pagination": page_of(call.path, call, asked.page_cursor, found.next_cursor),
        "ok": True,
    }


async def list_unmanaged(call: Call, asked: ListUnmanaged) -> dict[str, Any]:
    found = await page(call, asked, is_managed=False)
    return {
        "devices": [shown_unmanaged(call, view) for view in found.items],
        "pagination": page_of(call.path, call, asked.page_cursor, found.next_cursor),
        "ok": True,
    }


async def update(call: Call, asked: Update) -> dict[str, Any]:
    view = await find(call, asked.device_id)
    name = asked.name
    if name is UNSET and asked.properties is not None:
        name = asked.properties.name
    pool = asked.backup_access_code_pool_enabled
    changes = DeviceChanges(
        name=name,
        backup_pool_enabled=UNSET if pool is None else pool,
        custom_metadata=asked.custom_metadata or {},
        is_managed=UNSET if asked.is_managed is None else asked.is_managed,
    )
    return await _change(call, view, lambda d: changed_device(d, view.account, changes, call.now))


async def update_unmanaged(call: Call, asked: UpdateUnmanaged) -> dict[str, Any]:
    if asked.is_managed is False:
        raise invalid("The device is unmanaged already.", is_managed="Must be true")
    view = await find(call, asked.device_id, is_managed=False)
    changes = DeviceChanges(
        custom_metadata=asked.custom_metadata or {},
        is_managed=UNSET if asked.is_managed is None else asked.is_managed,
    )
    return await _change(call, view, lambda d: changed_device(d, view.account, changes, call.now))


async def _change(call: Call, view: DeviceView, change: DeviceChange) -> dict[str, Any]:
    if await call.storage.change_device(view.device.device_id, change, call.now) is None:
        raise not_found("device")
    return {"ok": True}


async def report_provider_metadata(call: Call, asked: Reports) -> dict[str, Any]:
    """All of it, or nothing when a part of it is wrong."""
    zones: list[tuple[DeviceView, str]] = []
    for report in asked.devices:
        view = await find(call, report.device_id, is_managed=None)
        said = (report.omnitec_metadata, report.schlage_metadata, report.ultraloq_metadata)
        for zone in (zone for zone in said if zone is not None):
            check_zone(zone.time_zone)
            zones.append((view, zone.time_zone))
    for view, time_zone in zones:
        await _change(call, view, _reporting(time_zone, call))
    return {"ok": True}


def _reporting(time_zone: str, call: Call) -> DeviceChange:
    return lambda device: zone_reported(device, time_zone, call.now)


async def delete(call: Call, asked: Named) -> dict[str, Any]:
    """Forgets the device. The lock is not touched; one that its provider still lists is found
    anew, as another device, with the next complete list."""
    deleted = await call.storage.delete_device(
        call.workspace_id,
        asked.device_id,
        lambda device, account, codes: device_deleted(device, account, codes, call.now),
    )
    if not deleted:
        raise not_found("device")
    return {"ok": True}


async def list_providers(call: Call, asked: Providers) -> dict[str, Any]:
    """The installed drivers, but for the sandbox's own."""
    category = asked.provider_category
    categories = (None, STABLE, "consumer_smartlocks")
    found = call.deps.providers if category in categories else ()
    return {
        "device_providers": [show.device_provider(p) for p in found if p.name != SIMULATOR],
        "ok": True,
    }


ENDPOINTS = (
    Endpoint(
        "/devices/get",
        READ,
        Get,
        get,
        answer={"device": resources.Device},
        summary="Gets a device by its id or name.",
    ),
    Endpoint(
        "/devices/list",
        READ,
        List,
        list_,
        answer={"devices": list[resources.Device], "pagination": resources.Pagination},
        summary="Lists devices, a page at a time.",
    ),
    Endpoint(
        "/devices/update",
        CHANGE,
        Update,
        update,
        answer={},
        summary="Changes a device's name, its custom metadata, or whether it is managed.",
    ),
    Endpoint(
        "/devices/delete",
        DELETE,
        Named,
        delete,
        answer={},
        summary="Forgets a device and its access codes, without touching the lock.",
    ),
    Endpoint(
        "/devices/list_device_providers",
        READ,
        Providers,
        list_providers,
        answer={"device_providers": list[resources.DeviceProvider]},
        summary="Lists the providers whose locks can be connected.",
    ),
    Endpoint(
        "/devices/report_provider_metadata",
        ("POST",),
        Reports,
        report_provider_metadata,
        answer={},
        summary="Reports what providers do not tell of devices: their time zones.",
    ),
    Endpoint(
        "/devices/unmanaged/get",
        READ,
        Get,
        get_unmanaged,
        answer={"device": resources.UnmanagedDevice},
        summary="Gets an unmanaged device by its id or name.",
    ),
    Endpoint(
        "/devices/unmanaged/list",
        READ,
        ListUnmanaged,
        list_unmanaged,
        answer={"devices": list[resources.UnmanagedDevice], "pagination": resources.Pagination},
        summary="Lists unmanaged devices, a page at a time.",
    ),
    Endpoint(
        "/devices/unmanaged/update",
        CHANGE,
        UpdateUnmanaged,
        update_unmanaged,
        answer={},
        summary="Makes an unmanaged device managed, or changes its custom metadata.",
    ),
)
