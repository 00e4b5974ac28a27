"""What a visit reads and writes back."""

from datetime import timedelta

import msgspec
import pytest

from latchwork.domain import events
from latchwork.domain.access_code import CodeStatus, Evidence, EvidenceKind
from latchwork.domain.device import Device
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem
from latchwork.domain.slots import Phase
from latchwork.domain.window import Window
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, NOW, Stored, a_device, a_foreign_code, an_account, an_entry

REPLACE = msgspec.structs.replace


FLAKY = Problem("device_has_flaky_connection", "Weak.", NOW)
BATTERY = Problem("accessory_keypad_low_battery", "Low.", NOW)
OFFLINE = Problem("device_disconnected", "Gone.", NOW)


async def test_a_visit_sees_all_that_is_known_of_its_lock(stored: Stored) -> None:
    await stored.lock("other")
    await stored.create(device_id="other", due_at=NOW + HOUR)
    codes = [await stored.create() for _ in range(3)]
    ledger = tuple(
        an_entry(
            code,
            position,
            earlier_pins=(Pin("0000"),) * position,
            confirmed_pin=Pin("1212") if position == 2 else None,
            name="Guest" if position == 1 else None,
            window=[None, Window(), Window(NOW, None), Window(NOW, NOW + HOUR)][position],
            phase=list(Phase)[position],
            written_at=NOW if position == 1 else None,
            confirmed_at=NOW if position == 2 else None,
        )
        for position, code in enumerate(codes, start=1)
    )
    foreign = (
        a_foreign_code(7, None, name="Keypad"),
        a_foreign_code(8, "4444", window=Window(NOW, NOW + HOUR)),
        a_foreign_code(9, "5555", window=Window()),
    )
    lease = await stored.claim_one()
    lease = await stored.write(lease, ledger=ledger, foreign=foreign)
    view = await stored.storage.load_visit(lease)
    assert view.device == a_device("dev")
    assert view.account == an_account("acc")
    assert list(view.codes) == codes
    assert view.ledger == ledger
    assert view.foreign == foreign
    assert view.actions == ()


async def test_entries_are_replaced_moved_and_removed_by_position(stored: Stored) -> None:
    one, two = await stored.create(), await stored.create()
    lease = await stored.claim_one()
    lease = await stored.write(
        lease, ledger=(an_entry(one, 1), an_entry(two, 2)), foreign=(a_foreign_code(8),)
    )
    ledger = (an_entry(two, 1, phase=Phase.CONFIRMED), an_entry(one, 3))
    foreign = a_foreign_code(8, "1357", unmanaged_access_code_id="another")
    lease = await stored.write(
        lease, ledger=ledger, ledger_removed=(2, 4), foreign=(foreign,), foreign_removed=(9,)
    )
    view = await stored.storage.load_visit(lease)
    assert view.ledger == ledger
    assert view.foreign == (foreign,)
    lease = await stored.write(lease, foreign_removed=(8,), ledger_removed=(1, 3))
    view = await stored.storage.load_visit(lease)
    assert (view.ledger, view.foreign) == ((), ())


async def test_the_state_of_a_code_is_written_back(stored: Stored) -> None:
    code = await stored.create()
    proven = REPLACE(
        code,
        status=CodeStatus.SET,
        evidence=Evidence(EvidenceKind.READ_BACK, 2, 1, NOW + timedelta(microseconds=1)),
        scheduled_on_device=True,
        errors=(OFFLINE,),
        warnings=(FLAKY,),
        failures=3,
        retry_at=NOW + HOUR,
    )
    await stored.visit(codes=(proven,))
    assert await stored.stored_code(code) == proven
    await stored.storage.rescan_device("dev", NOW, positions=False)
    await stored.visit(codes=(code,))
    assert await stored.stored_code(code) == code


async def test_a_visit_never_writes_the_wish(stored: Stored) -> None:
    code = await stored.create()
    meddled = REPLACE(code, name="Other", ends_at=NOW, delete_requested_at=NOW, failures=1)
    await stored.visit(codes=(meddled,))
    assert await stored.stored_code(code) == REPLACE(code, failures=1)


async def test_a_pin_that_was_changed_by_hand_becomes_the_codes_own(stored: Stored) -> None:
    code = await stored.create("4711", allow_external_modification=True)
    adopted = REPLACE(code, pin=Pin("8888"))
    await stored.visit(codes=(adopted,), repinned=frozenset({code.access_code_id}))
    assert await stored.stored_code(code) == adopted
    assert await stored.storage.code("ws", device_id="dev", pin=Pin("4711")) is None
    assert await stored.try_create(stored.code("8888")) is not None


async def test_an_answer_to_an_old_wish_does_not_touch_the_new_one(stored: Stored) -> None:
    code = await stored.create("4711")
    lease = await stored.claim_one()
    await stored.update(code, pin=Pin("4712"))
    proven = REPLACE(
        code, status=CodeStatus.SET, evidence=Evidence(EvidenceKind.READ_BACK, 1, 1, NOW)
    )
    entry = an_entry(code, 1, phase=Phase.CONFIRMED)
    lease = await stored.write(
        lease, codes=(proven, REPLACE(proven, deleted_at=NOW)), ledger=(entry,)
    )
    view = await stored.storage.load_visit(lease)
    (found,) = view.codes
    assert found == REPLACE(code, pin=Pin("4712"), generation=2)
    assert view.ledger == (entry,)


async def test_a_state_that_a_newer_wish_overtook_is_not_told_either(stored: Stored) -> None:
    code = await stored.create("4711")
    lease = await stored.claim_one()
    await stored.update(code, pin=Pin("4712"))
    told = [
        stored.event(name, device_id="dev", access_code_id=code.access_code_id)
        for name in (events.SET_ON_DEVICE, "access_code.modified_external_to_seam")
    ]
    await stored.write(lease, codes=(REPLACE(code, status=CodeStatus.SET),), events=told)
    page = await stored.storage.events("ws", EventFilter(), limit=9, cursor=None)
    assert told[1].event_type in {event.event_type for event in page.items}
    assert told[0].event_type not in {event.event_type for event in page.items}


async def test_events_of_a_visit_are_appended_in_their_order(stored: Stored) -> None:
    code = await stored.create()
    names = [f"event-{number}" for number in range(5)]
    told = tuple(
        stored.event(name, device_id="dev", access_code_id=code.access_code_id, code=code.pin)
        for name in names
    )
    await stored.visit(events=told)
    page = await stored.storage.events("ws", EventFilter(), limit=5, cursor=None)
    assert [event.event_type for event in page.items] == names[::-1]
    assert {event.connected_account_id for event in page.items} == {"acc"}
    assert {event.code for event in page.items} == {code.pin}


async def changed_by_push(stored: Stored, **fields: object) -> None:
    await stored.storage.change_device(
        "dev", lambda device: (REPLACE(device, **fields), [], False), NOW
    )


async def stored_device(stored: Stored) -> Device:
    view = await stored.storage.device("ws", device_id="dev")
    assert view is not None
    return view.device


async def test_the_engines_fields_of_a_device_are_written_back(stored: Stored) -> None:
    await stored.create()
    lease = await stored.claim_one()
    device = (await stored.storage.load_visit(lease)).device
    changed = REPLACE(
        device,
        online=False,
        failures=2,
        retry_at=NOW + HOUR,
        scanned_at=NOW,
        audit_at=NOW + HOUR,
        errors=(OFFLINE,),
        warnings=(FLAKY,),
    )
    meddled = REPLACE(changed, display_name="Other", locked=True, nickname="Other")
    lease = await stored.write(lease, device=meddled, device_was=device)
    assert await stored_device(stored) == changed
    await stored.release(lease, device=device, device_was=changed)
    assert await stored_device(stored) == device


async def test_without_the_device_as_found_all_fields_of_the_engine_are_written(
    stored: Stored,
) -> None:
    await stored.create()
    await changed_by_push(stored, online=False)
    await stored.visit(device=a_device("dev", failures=4))
    assert await stored_device(stored) == a_device("dev", failures=4)


async def test_a_push_during_a_visit_is_kept(stored: Stored) -> None:
    await stored.create()
    await changed_by_push(stored, warnings=(FLAKY,))
    lease = await stored.claim_one()
    was = (await stored.storage.load_visit(lease)).device
    await changed_by_push(
        stored,
        online=False,
        errors=(OFFLINE,),
        warnings=(FLAKY, BATTERY),
    )
    await stored.release(lease, device=REPLACE(was, failures=1, warnings=()), device_was=was)
    assert await stored_device(stored) == a_device(
        "dev", online=False, errors=(OFFLINE,), warnings=(BATTERY,), failures=1
    )


@pytest.mark.parametrize("ending", ["checkpoint", "release"])
async def test_a_write_back_that_fails_leaves_nothing(stored: Stored, ending: str) -> None:
    code = await stored.create()
    lease = await stored.claim_one()
    changes = {
        "codes": (REPLACE(code, status=CodeStatus.SET),),
        "ledger": (an_entry(code, 1),),
        "events": (stored.event("half"), stored.event("bad", payload={"x": object()})),
    }
    write = stored.write if ending == "checkpoint" else stored.release
    with pytest.raises(TypeError):
        await write(lease, **changes)
    view = await stored.storage.load_visit(lease)
    assert view.codes == (code,)
    assert view.ledger == ()
    assert await stored.storage.event("ws", event_type="half") is None
    await stored.release(lease)
