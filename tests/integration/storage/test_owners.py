"""What callers say of devices and accounts, how both are forgotten, and what events then hold."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from latchwork.domain.access_code import AccessCode
from latchwork.domain.device import ConnectedAccount, Device, SyncDue
from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Pin
from latchwork.storage.interface import (
    DeviceFilter,
    EventFilter,
    Lease,
    StaleTokenError,
    UnmanagedFilter,
)
from support.stored import HOUR, NOW, Stored, a_foreign_code, all_pages, an_account, an_entry


async def events_of(stored: Stored, **where: Any) -> list[Any]:
    page = await stored.storage.events("ws", EventFilter(**where), limit=100, cursor=None)
    return list(page.items)


async def claimed(stored: Stored) -> Lease:
    """A visit to the lock `dev`."""
    await stored.storage.rescan_device("dev", stored.now, positions=False)
    return await stored.claim_one()


async def test_an_owners_fields_are_changed_and_pushes_leave_them(stored: Stored) -> None:
    said = {
        "nickname": "Cellar",
        "custom_metadata": {"floor": "2"},
        "is_managed": False,
        "backup_pool_enabled": False,
        "reported_time_zone": "Europe/Paris",
    }
    event = stored.event("device.name_changed")
    await stored.storage.change_device(
        "dev", lambda d: (msgspec.structs.replace(d, **said), [event], False), NOW
    )
    await stored.storage.change_device(
        "dev", lambda d: (msgspec.structs.replace(d, battery_level=0.5), [], False), NOW
    )
    view = await stored.storage.device("ws", device_id="dev", is_managed=False)
    assert view is not None
    assert {name: getattr(view.device, name) for name in said} == said
    assert view.device.battery_level == 0.5
    assert await stored.storage.device("ws", device_id="dev") is None


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (DeviceFilter(), {"dev", "mute"}),
        (DeviceFilter(is_managed=False), {"left"}),
        (DeviceFilter(is_managed=None), {"dev", "mute", "left"}),
        (DeviceFilter(capabilities=(("can_lock", True),)), {"dev"}),
        (DeviceFilter(capabilities=(("can_lock", False),)), {"mute"}),
        (DeviceFilter(capabilities=(("can_lock", False), ("access_codes", False))), set()),
        (DeviceFilter(providers=("zwave_js",)), set()),
        (DeviceFilter(providers=("simulator",)), {"dev", "mute"}),
    ],
)
async def test_devices_are_filtered_by_what_they_can(
    stored: Stored, where: DeviceFilter, expected: set[str]
) -> None:
    standing = await stored.storage.device("ws", device_id="dev")
    assert standing is not None
    mute = msgspec.structs.replace(standing.device.capabilities, can_lock=False)
    await stored.lock("mute", capabilities=mute)
    await stored.lock("left", is_managed=False)
    page = await stored.storage.devices("ws", where, limit=50, cursor=None)
    assert {view.device.device_id for view in page.items} == expected


async def test_an_account_is_changed_as_a_whole(stored: Stored) -> None:
    said = {
        "display_name": "Home",
        "custom_metadata": {"floor": "2"},
        "automatically_manage_new_devices": False,
        "suspended": True,
        "sync_requested_at": NOW,
        "sync_due": SyncDue.AFTER_RECONNECTION,
    }
    changed = await stored.storage.change_account(
        "ws", "acc", lambda a: (msgspec.structs.replace(a, **said), ())
    )
    assert changed is not None
    assert await stored.storage.account("ws", "acc") == changed
    assert {name: getattr(changed, name) for name in said} == said
    assert await stored.storage.change_account("other", "acc", lambda a: (a, ())) is None
    found = await stored.storage.accounts(
        "ws", limit=9, cursor=None, custom_metadata_has={"floor": "2"}
    )
    assert list(found.items) == [changed]
    other = {"floor": "3"}
    found = await stored.storage.accounts("ws", limit=9, cursor=None, custom_metadata_has=other)
    assert found.items == ()


async def test_events_hold_the_metadata_of_their_time(stored: Stored) -> None:
    def with_floor(floor: str) -> Any:
        return lambda d: (msgspec.structs.replace(d, custom_metadata={"floor": floor}), [], False)

    await stored.storage.add_events("ws", [stored.event("lock.locked", device_id="dev")])
    await stored.storage.change_device("dev", with_floor("2"), NOW)
    await stored.storage.change_account(
        "ws", "acc", lambda a: (msgspec.structs.replace(a, custom_metadata={"vip": True}), ())
    )
    await stored.storage.add_events("ws", [stored.event("lock.unlocked", device_id="dev")])
    await stored.storage.change_device("dev", with_floor("3"), NOW)
    events = {e.event_type: e for e in await events_of(stored)}
    assert events["lock.locked"].device_metadata == {}
    assert events["lock.locked"].account_metadata == {}
    assert events["lock.unlocked"].device_metadata == {"floor": "2"}
    assert events["lock.unlocked"].account_metadata == {"vip": True}


async def test_events_can_be_passed_over(stored: Stored) -> None:
    await stored.storage.add_events("ws", [stored.event(f"lock.{n}") for n in range(5)])
    every = [e.event_type for e in await events_of(stored)]
    assert [e.event_type for e in await events_of(stored, offset=2)] == every[2:]
    assert await events_of(stored, offset=9) == []


async def test_a_forgotten_device_leaves_nothing_but_its_events(stored: Stored) -> None:
    code = await stored.create("4711", due_at=NOW)
    other = await stored.lock("other")
    lease = await claimed(stored)
    lease = await stored.write(
        lease, ledger=(an_entry(code, 1),), foreign=(a_foreign_code(9, "9876"),)
    )
    seen: list[tuple[Device, Sequence[AccessCode]]] = []

    def told(
        device: Device, _account: ConnectedAccount, codes: Sequence[AccessCode]
    ) -> list[NewEvent]:
        seen.append((device, codes))
        return [stored.event("device.deleted")]

    assert not await stored.storage.delete_device("elsewhere", "dev", told)
    assert await stored.storage.delete_device("ws", "dev", told)
    assert not await stored.storage.delete_device("ws", "dev", told)
    [(device, codes)] = seen
    assert device.device_id == "dev"
    assert [c.access_code_id for c in codes] == [code.access_code_id]
    assert await stored.storage.device("ws", device_id="dev", is_managed=None) is None
    assert await stored.storage.code("ws", access_code_id=code.access_code_id) is None
    assert await stored.storage.unmanaged_code("ws", device_id="dev") is None
    assert (await events_of(stored))[0].event_type == "device.deleted"
    with pytest.raises(StaleTokenError):
        await stored.release(lease)
    assert await stored.storage.devices_of_account("acc") == [other]


async def test_a_forgotten_account_takes_its_devices_along(stored: Stored) -> None:
    await stored.account("second")
    await stored.lock("far", connected_account_id="second")
    kept = await stored.create("4711")
    gone = await stored.create("4712", device_id="far", connected_account_id="second")
    await stored.storage.driver_store_save("second", "key", b"value")
    held: list[str] = []

    def told(
        account: ConnectedAccount, devices: Sequence[tuple[Device, Sequence[AccessCode]]]
    ) -> list[NewEvent]:
        held.extend(code.access_code_id for _, codes in devices for code in codes)
        return [
            NewEvent(
                event_type="connected_account.deleted",
                occurred_at=NOW,
                connected_account_id=account.connected_account_id,
            )
        ]

    assert await stored.storage.delete_account("ws", "second", told)
    assert not await stored.storage.delete_account("ws", "second", told)
    assert held == [gone.access_code_id]
    assert [a.connected_account_id for a in await stored.storage.all_accounts()] == ["acc"]
    assert await stored.storage.driver_store_load("second") == {}
    assert await stored.storage.device("ws", device_id="far") is None
    assert await stored.storage.code("ws", access_code_id=kept.access_code_id) is not None
    again = await stored.account("second")
    assert again == an_account("second")


async def test_codes_of_other_hands_are_found_and_listed(stored: Stored) -> None:
    await stored.lock("other")
    codes = tuple(
        a_foreign_code(n, f"111{n}", name=f"Cleaner {n}", created_at=NOW + n * HOUR, retry_at=NOW)
        for n in range(1, 6)
    )
    hidden = a_foreign_code(8, None, failures=2)
    await stored.write(await claimed(stored), foreign=(*codes, hidden))
    find = stored.storage.unmanaged_code
    by_pin = await find("ws", device_id="dev", pin=Pin("1113"))
    assert by_pin is not None
    assert by_pin.code == codes[2]
    assert by_pin.device.device_id == "dev"
    by_id = await find("ws", access_code_id=hidden.unmanaged_access_code_id)
    assert by_id is not None
    assert by_id.code == hidden
    assert await find("ws", device_id="dev", pin=Pin("0000")) is None
    assert await find("elsewhere", access_code_id=hidden.unmanaged_access_code_id) is None
    listed = await all_pages(
        lambda cursor: stored.storage.unmanaged_codes(
            "ws", UnmanagedFilter(device_id="dev"), limit=2, cursor=cursor
        )
    )
    assert [view.code for view in listed] == [*reversed(codes), hidden]
    found = await stored.storage.unmanaged_codes(
        "ws", UnmanagedFilter(device_id="dev", search="CLEANER 4"), limit=9, cursor=None
    )
    assert [view.code for view in found.items] == [codes[3]]
    where = UnmanagedFilter(device_id="other")
    assert (await stored.storage.unmanaged_codes("ws", where, limit=9, cursor=None)).items == ()


async def test_a_code_that_was_taken_over_is_a_code_of_ours(stored: Stored) -> None:
    lease = await stored.write(await claimed(stored), foreign=(a_foreign_code(9, "9876"),))
    code = stored.code("9876", access_code_id="foreign-9")
    await stored.release(
        lease,
        adopted=(code,),
        codes=(code,),
        ledger=(an_entry(code, 9),),
        foreign_removed=(9,),
    )
    view = await stored.storage.code("ws", access_code_id="foreign-9")
    assert view is not None
    assert view.code == code
    assert view.entry is not None
    assert view.entry.position == 9
    assert await stored.storage.unmanaged_code("ws", access_code_id="foreign-9") is None
