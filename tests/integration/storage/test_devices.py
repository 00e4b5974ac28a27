"""Locks: stored as told, changed in the transaction, listed with every filter."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from latchwork.domain.access_code import Blocked
from latchwork.domain.device import CodeConstraint, Device, LockCapabilities, Reads
from latchwork.domain.events import NewEvent
from latchwork.domain.problem import Problem
from latchwork.storage.interface import DeviceFilter
from support.stored import HOUR, NOW, Stored, a_device, a_foreign_code, all_pages, an_entry

PROBLEM = Problem("device_disconnected", "Gone.", NOW)


async def device_of(stored: Stored, device_id: str = "dev") -> Device:
    view = await stored.storage.device("ws", device_id=device_id, is_managed=None)
    assert view is not None
    return view.device


async def test_a_device_comes_back_as_it_was_stored(stored: Stored) -> None:
    device = a_device(
        "full",
        capabilities=LockCapabilities(
            code_lengths=(4, 6),
            characters="123456",
            constraints=(CodeConstraint("no_zeros"), CodeConstraint("name_length", 2, 14)),
            reads=Reads.OCCUPANCY,
            native_scheduling=True,
            max_active_codes=10,
        ),
        is_managed=False,
        nickname="Backdoor",
        serial_number="0815",
        online=False,
        locked=True,
        door_open=False,
        battery_level=0.25,
        auto_lock_enabled=True,
        auto_lock_delay=45.0,
        time_zone="Europe/Berlin",
        reported_time_zone="Europe/Paris",
        custom_metadata={"floor": "2"},
        errors=(PROBLEM,),
        warnings=(Problem("low", "Low.", NOW, {"level": 0.25}),),
        lead_time=timedelta(minutes=5),
        removed=True,
        scanned_at=NOW,
        audit_at=NOW + HOUR,
        failures=3,
        retry_at=NOW + 2 * HOUR,
    )
    await stored.storage.upsert_device(device, [], NOW, due=False)
    assert await device_of(stored, "full") == device
    assert await stored.storage.device("ws", device_id="full") is None
    view = await stored.storage.device("ws", device_id="full", is_managed=False)
    assert view is not None
    assert view.account.connected_account_id == "acc"


async def test_a_device_is_found_by_name_key_and_account(stored: Stored) -> None:
    named = await stored.lock("named", nickname="Cellar")
    view = await stored.storage.device("ws", name="Cellar")
    assert view is not None
    assert view.device == named
    view = await stored.storage.device("ws", name="Door named")
    assert view is not None
    assert view.device == named
    assert await stored.storage.device("ws", name="cellar") is None
    assert await stored.storage.device("other", device_id="named") is None
    assert await stored.storage.device_by_key("acc", "key of named") == named
    assert await stored.storage.device_by_key("other", "key of named") is None
    ids = {device.device_id for device in await stored.storage.devices_of_account("acc")}
    assert ids == {"dev", "named"}


async def test_what_is_told_again_leaves_the_engines_and_the_owners_fields(
    stored: Stored,
) -> None:
    kept: dict[str, Any] = {
        "nickname": "Mine",
        "custom_metadata": {"a": "b"},
        "lead_time": timedelta(minutes=7),
        "scanned_at": NOW,
        "audit_at": NOW,
        "failures": 2,
        "retry_at": NOW,
    }
    await stored.lock("lock", **kept)
    told = {
        "display_name": "New name",
        "battery_level": 0.5,
        "online": False,
        "errors": (PROBLEM,),
        "removed": True,
        "capabilities": LockCapabilities(positions=9),
    }
    await stored.storage.upsert_device(a_device("lock", **told), [], NOW, due=False)
    assert await device_of(stored, "lock") == a_device("lock", **kept, **told)


async def test_a_device_is_due_with_its_event_when_asked(stored: Stored) -> None:
    event = stored.event("device.added", device_id="new")
    await stored.storage.upsert_device(a_device("new"), [event], NOW, due=True)
    assert [lease.device_id for lease in await stored.claim()] == ["new"]
    told = await stored.storage.event("ws", event_type="device.added")
    assert told is not None
    assert (told.device_id, told.connected_account_id) == ("new", "acc")


async def test_concurrent_changes_of_a_device_are_all_kept(stored: Stored) -> None:
    def add(number: int) -> Any:
        def change(device: Device) -> tuple[Device, Sequence[NewEvent], bool]:
            found = Problem(f"p{number}", "Text.", NOW)
            changed = msgspec.structs.replace(device, warnings=(*device.warnings, found))
            return changed, [stored.event(f"e{number}", device_id="dev")], number == 3

        return change

    changed = await asyncio.gather(
        *(stored.storage.change_device("dev", add(number), NOW) for number in range(8))
    )
    device = await device_of(stored)
    assert {problem.code for problem in device.warnings} == {f"p{n}" for n in range(8)}
    assert device in changed
    assert await stored.storage.event("ws", event_type="e7") is not None
    assert len(await stored.claim()) == 1


async def test_a_change_cannot_touch_the_engines_fields(stored: Stored) -> None:
    def change(device: Device) -> tuple[Device, Sequence[NewEvent], bool]:
        return msgspec.structs.replace(device, failures=9, locked=True), [], False

    changed = await stored.storage.change_device("dev", change, NOW)
    assert changed == a_device("dev", locked=True)
    assert await device_of(stored) == changed
    assert await stored.storage.change_device("none", change, NOW) is None
    assert await stored.claim() == ()


async def test_a_change_that_fails_leaves_nothing(stored: Stored) -> None:
    def change(device: Device) -> tuple[Device, Sequence[NewEvent], bool]:
        raise LookupError

    with pytest.raises(LookupError):
        await stored.storage.change_device("dev", change, NOW)
    assert await device_of(stored) == a_device("dev")


async def test_a_position_tells_whose_code_it_holds(stored: Stored) -> None:
    code = await stored.create()
    await stored.visit(ledger=(an_entry(code, 1),), foreign=(a_foreign_code(2),))
    assert await stored.storage.code_at("dev", 1) == (code.access_code_id, True)
    assert await stored.storage.code_at("dev", 2) == ("foreign-2", False)
    assert await stored.storage.code_at("dev", 3) == (None, False)


async def test_a_rescan_asks_for_a_fresh_scan_with_the_next_visit(stored: Stored) -> None:
    code = await stored.create()
    view = await stored.storage.load_visit(lease := await stored.claim_one())
    scanned = msgspec.structs.replace(view.device, scanned_at=NOW, audit_at=NOW + HOUR)
    blocked = msgspec.structs.replace(code, blocked=Blocked.DUPLICATE)
    await stored.release(lease, device=scanned, device_was=view.device, codes=(blocked,))
    stored.clock.go(HOUR)
    await stored.storage.rescan_device("dev", stored.now, positions=True)
    view = await stored.storage.load_visit(await stored.claim_one())
    assert (view.device.scanned_at, view.device.audit_at) == (None, NOW + HOUR)
    assert view.codes[0].blocked is None


async def test_an_audit_is_due_now_when_asked_for(stored: Stored) -> None:
    await stored.lock("lock", scanned_at=NOW, audit_at=NOW + 9 * HOUR)
    stored.clock.go(HOUR)
    await stored.storage.rescan_device("lock", stored.now, positions=False)
    view = await stored.storage.load_visit(await stored.claim_one())
    assert (view.device.scanned_at, view.device.audit_at) == (NOW, NOW + HOUR)


async def test_a_rescan_during_a_visit_outlives_its_write_back(stored: Stored) -> None:
    code = await stored.create()
    view = await stored.storage.load_visit(lease := await stored.claim_one())
    await stored.storage.rescan_device("dev", stored.now, positions=True)
    scanned = msgspec.structs.replace(view.device, scanned_at=NOW)
    blocked = msgspec.structs.replace(code, blocked=Blocked.DUPLICATE)
    await stored.release(lease, device=scanned, device_was=view.device, codes=(blocked,))
    view = await stored.storage.load_visit(await stored.claim_one())
    assert view.device.scanned_at is None
    assert view.codes[0].blocked is None


async def test_other_reasons_to_leave_a_code_alone_outlive_a_rescan(stored: Stored) -> None:
    code = await stored.create()
    await stored.visit(codes=(msgspec.structs.replace(code, blocked=Blocked.REJECTED),))
    await stored.storage.rescan_device("dev", stored.now, positions=True)
    view = await stored.storage.load_visit(await stored.claim_one())
    assert view.codes[0].blocked is Blocked.REJECTED


METADATA = {"floor": "2", "vip": True, "rooms": 3, 'odd "key"': "x", "none": None, "list": [1, 2]}
FILTERS = [
    (DeviceFilter(), {"dev", "a", "b", "c"}),
    (DeviceFilter(connected_account_ids=("other",)), {"c"}),
    (DeviceFilter(connected_account_ids=()), set()),
    (DeviceFilter(device_ids=("a", "c", "none")), {"a", "c"}),
    (DeviceFilter(device_types=("schlage_lock",)), {"b"}),
    (DeviceFilter(manufacturer="schlage"), {"b"}),
    (DeviceFilter(created_before=NOW + HOUR), {"dev"}),
    (DeviceFilter(search="GARTENTÜR"), {"a"}),
    (DeviceFilter(search="100%"), {"b"}),
    (DeviceFilter(search="_"), set()),
    (DeviceFilter(search="door"), {"dev", "a", "b", "c"}),
    (DeviceFilter(custom_metadata_has={"floor": "2"}), {"a"}),
    (DeviceFilter(custom_metadata_has={"floor": 2}), set()),
    (DeviceFilter(custom_metadata_has={"vip": True}), {"a"}),
    (DeviceFilter(custom_metadata_has={"vip": 1}), set()),
    (DeviceFilter(custom_metadata_has={"vip": "true"}), set()),
    (DeviceFilter(custom_metadata_has={"rooms": 3, "floor": "2"}), {"a"}),
    (DeviceFilter(custom_metadata_has={"rooms": 3, "floor": "3"}), set()),
    (DeviceFilter(custom_metadata_has={'odd "key"': "x"}), {"a"}),
    (DeviceFilter(custom_metadata_has={"none": None}), {"a"}),
    (DeviceFilter(custom_metadata_has={"list": [1, 2]}), {"a"}),
    (DeviceFilter(custom_metadata_has={"absent": None}), set()),
]


@pytest.mark.parametrize(("where", "expected"), FILTERS, ids=range(len(FILTERS)))
async def test_devices_are_filtered(
    stored: Stored, where: DeviceFilter, expected: set[str]
) -> None:
    await stored.account("other")
    await stored.workspace("elsewhere")
    await stored.account("far", workspace_id="elsewhere")
    await stored.lock("far", workspace_id="elsewhere", connected_account_id="far")
    stored.clock.go(HOUR)
    await stored.lock("a", nickname="Gartentür", custom_metadata=METADATA)
    named = "Door 100% safe"
    await stored.lock("b", device_type="schlage_lock", manufacturer="schlage", display_name=named)
    await stored.lock("c", connected_account_id="other")
    page = await stored.storage.devices("ws", where, limit=50, cursor=None)
    assert {view.device.device_id for view in page.items} == expected


async def test_devices_are_listed_newest_first_page_by_page(stored: Stored) -> None:
    for number in range(7):
        stored.clock.go(timedelta(seconds=number % 2))
        await stored.lock(f"lock-{number}")
    listed = await all_pages(
        lambda cursor: stored.storage.devices("ws", DeviceFilter(), limit=3, cursor=cursor)
    )
    assert len(listed) == 8
    keys = [(view.device.created_at, view.device.device_id) for view in listed]
    assert keys == sorted(keys, reverse=True)
