"""Access codes: wishes, duplicates, generations, and what becomes of deleted ones."""

from datetime import datetime, timedelta

import msgspec
import pytest

from latchwork.domain.access_code import (
    AccessCode,
    Blocked,
    CodeStatus,
    Evidence,
    EvidenceKind,
)
from latchwork.domain.pin import Pin
from latchwork.domain.problem import Problem
from latchwork.domain.window import Window
from latchwork.storage.interface import CodeFilter, Duplicate, StaleTokenError
from support.stored import HOUR, NOW, Stored, a_foreign_code, all_pages, an_entry


def bounds(start: int, end: int) -> dict[str, datetime]:
    return {"starts_at": NOW + start * HOUR, "ends_at": NOW + end * HOUR}


async def test_a_code_comes_back_as_it_was_stored(stored: Stored) -> None:
    code = await stored.create(
        "4711",
        **bounds(1, 5),
        name="Größe",
        generation=3,
        allow_external_modification=True,
        prefer_native_scheduling=False,
        attempt_for_offline_device=False,
        common_code_key="shared",
        status=CodeStatus.SETTING,
        evidence=Evidence(EvidenceKind.OCCUPIED, 4, 3, NOW),
        scheduled_on_device=True,
        errors=(Problem("failed_to_set_on_device", "Text.", NOW, {"a": [1]}),),
        warnings=(Problem("delay_in_setting_on_device", "Text.", NOW),),
        failures=2,
        retry_at=NOW + HOUR,
        blocked=Blocked.REJECTED,
    )
    view = await stored.storage.code("ws", access_code_id=code.access_code_id)
    assert view is not None
    assert view.code == code
    assert (view.device.device_id, view.account.connected_account_id) == ("dev", "acc")
    assert view.entry is None


async def test_a_view_holds_the_ledger_entry_of_its_code(stored: Stored) -> None:
    one, two = await stored.create(), await stored.create()
    entry = an_entry(two, 7, name="Guest", window=Window(NOW, None))
    await stored.visit(ledger=(an_entry(one, 6), entry))
    view = await stored.storage.code("ws", access_code_id=two.access_code_id)
    assert view is not None
    assert view.entry == entry


async def test_a_code_is_found_by_device_and_pin(stored: Stored) -> None:
    await stored.lock("dev2")
    code = await stored.create("4711")
    other = await stored.create("4711", device_id="dev2")
    for device_id, expected in (("dev", code), ("dev2", other)):
        view = await stored.storage.code("ws", device_id=device_id, pin=Pin("4711"))
        assert view is not None
        assert view.code == expected
    assert await stored.storage.code("ws", device_id="dev", pin=Pin("4712")) is None


async def test_no_other_workspace_sees_a_code(stored: Stored) -> None:
    code = await stored.create("4711")
    storage = stored.storage
    assert await storage.code("other", access_code_id=code.access_code_id) is None
    assert await storage.code("other", device_id="dev", pin=Pin("4711")) is None
    for where in (CodeFilter(), CodeFilter(device_id="dev")):
        page = await storage.codes("other", where, limit=9, cursor=None)
        assert page.items == ()


async def test_code_attempt_and_event_are_stored_together(stored: Stored) -> None:
    code = stored.code()
    attempt = stored.attempt(code)
    event = stored.event(access_code_id=code.access_code_id)
    await stored.storage.create_code(code, attempt, [event], NOW)
    assert await stored.storage.attempt("ws", attempt.action_attempt_id) == attempt
    told = await stored.storage.event("ws", event_type="access_code.created")
    assert told is not None
    assert (told.access_code_id, told.connected_account_id) == (code.access_code_id, "acc")


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ({}, {}, True),
        (bounds(1, 3), bounds(2, 4), True),
        (bounds(1, 3), bounds(3, 4), False),
        (bounds(1, 3), {}, True),
        (bounds(1, 3), {"starts_at": NOW + 3 * HOUR}, False),
    ],
    ids=["always", "overlap", "back to back", "one is ongoing", "ongoing from its end"],
)
async def test_a_pin_may_be_used_again_only_in_another_window(
    stored: Stored, first: dict[str, datetime], second: dict[str, datetime], *, clash: bool
) -> None:
    standing = await stored.create("4711", **first)
    code = stored.code("4711", **second)
    found = await stored.try_create(code)
    assert found == (Duplicate(standing.access_code_id) if clash else None)
    assert (await stored.stored_code(code) is None) == clash


async def test_nothing_of_a_duplicate_is_stored(stored: Stored) -> None:
    await stored.create("4711", due_at=NOW + HOUR)
    code = stored.code("4711")
    attempt = stored.attempt(code)
    event = stored.event("access_code.second")
    assert await stored.storage.create_code(code, attempt, [event], NOW) is not None
    assert await stored.storage.attempt("ws", attempt.action_attempt_id) is None
    assert await stored.storage.event("ws", event_type="access_code.second") is None
    assert await stored.storage.next_due() == NOW + HOUR


async def test_the_same_pin_is_free_on_another_lock(stored: Stored) -> None:
    await stored.lock("dev2")
    await stored.create("4711")
    await stored.create("4711", device_id="dev2")


async def test_the_pin_of_an_unmanaged_code_is_taken(stored: Stored) -> None:
    await stored.create("1111")
    window = Window(NOW + HOUR, NOW + 2 * HOUR)
    await stored.visit(
        foreign=(
            a_foreign_code(8, "9876"),
            a_foreign_code(9, None),
            a_foreign_code(7, "5555", window=window),
        )
    )
    found = await stored.try_create(stored.code("9876"))
    assert found == Duplicate(None, "foreign-8")
    assert await stored.try_create(stored.code("5555", **bounds(2, 3))) is None


async def test_a_pin_is_free_again_when_its_code_is_gone(stored: Stored) -> None:
    code = await stored.create("4711")
    await stored.visit(codes=(msgspec.structs.replace(code, deleted_at=NOW),))
    assert await stored.try_create(stored.code("4711")) is None


async def test_a_pin_is_taken_while_its_code_is_being_removed(stored: Stored) -> None:
    code = await stored.create("4711")
    await stored.update(code, delete_requested_at=NOW)
    assert await stored.try_create(stored.code("4711")) == Duplicate(code.access_code_id)


async def test_an_update_replaces_the_wish(stored: Stored) -> None:
    code = await stored.create("4711", **bounds(1, 5))
    stored.clock.go(HOUR)
    fields = {
        "pin": Pin("4712"),
        "name": "New",
        "starts_at": NOW + 2 * HOUR,
        "ends_at": NOW + 9 * HOUR,
        "changed_at": stored.now,
        "status": CodeStatus.SETTING,
        "allow_external_modification": True,
        "common_code_key": "k",
    }
    assert await stored.update(code, **fields) is None
    assert await stored.stored_code(code) == msgspec.structs.replace(code, generation=2, **fields)
    assert await stored.storage.code("ws", device_id="dev", pin=Pin("4711")) is None
    assert await stored.storage.code("ws", device_id="dev", pin=Pin("4712")) is not None


async def test_an_update_keeps_what_a_visit_has_proven_meanwhile(stored: Stored) -> None:
    code = await stored.create("4711")
    evidence = Evidence(EvidenceKind.READ_BACK, 1, 1, NOW)
    proven = msgspec.structs.replace(code, evidence=evidence, scheduled_on_device=True)
    await stored.visit(codes=(proven,))
    await stored.update(code, name="New")
    found = await stored.stored_code(code)
    assert found is not None
    assert (found.evidence, found.scheduled_on_device, found.name) == (evidence, True, "New")


@pytest.mark.parametrize("behind", [0, 2])
async def test_an_update_of_another_generation_is_refused(stored: Stored, behind: int) -> None:
    code = await stored.create("4711", due_at=NOW + HOUR)
    stale = msgspec.structs.replace(code, generation=code.generation + behind - 1, name="Stale")
    with pytest.raises(StaleTokenError):
        await stored.update(stale)
    assert await stored.stored_code(code) == code
    assert await stored.storage.next_due() == NOW + HOUR


async def test_an_update_of_a_code_that_is_gone_is_refused(stored: Stored) -> None:
    code = await stored.create("4711")
    await stored.visit(codes=(msgspec.structs.replace(code, deleted_at=NOW),))
    with pytest.raises(StaleTokenError):
        await stored.update(code, name="New")
    with pytest.raises(StaleTokenError):
        await stored.update(stored.code())


async def test_an_update_to_a_taken_pin_or_window_is_a_duplicate(stored: Stored) -> None:
    standing = await stored.create("4711", **bounds(1, 3))
    other = await stored.create("4712", **bounds(1, 3))
    later = await stored.create("4711", **bounds(5, 7))
    duplicate = Duplicate(standing.access_code_id)
    assert await stored.update(other, pin=Pin("4711")) == duplicate
    assert await stored.update(later, starts_at=NOW + 2 * HOUR) == duplicate
    assert await stored.stored_code(other) == other
    assert await stored.stored_code(later) == later


async def test_a_code_that_became_a_duplicate_can_be_renamed_and_deleted(
    stored: Stored,
) -> None:
    code = await stored.create("4711")
    await stored.visit(foreign=(a_foreign_code(9, "4711"),))
    assert await stored.update(code, name="New") is None
    again = await stored.stored_code(code)
    assert again is not None
    assert await stored.update(again, delete_requested_at=NOW) is None


async def test_a_deleted_code_vanishes_from_everything(stored: Stored) -> None:
    code = await stored.create("4711")
    await stored.visit(ledger=(an_entry(code),))
    await stored.storage.rescan_device("dev", NOW, positions=False)
    await stored.visit(codes=(msgspec.structs.replace(code, deleted_at=NOW),), ledger_removed=(1,))
    assert await stored.stored_code(code) is None
    assert await stored.storage.code("ws", device_id="dev", pin=Pin("4711")) is None
    assert (await stored.storage.codes("ws", CodeFilter(), limit=9, cursor=None)).items == ()
    assert await stored.storage.pins_on("dev") == []
    assert await stored.storage.code_at("dev", 1) == (None, False)
    await stored.storage.rescan_device("dev", NOW, positions=False)
    assert (await stored.storage.load_visit(await stored.claim_one())).codes == ()


async def test_every_pin_on_a_lock_is_known(stored: Stored) -> None:
    code = await stored.create("1111")
    await stored.create("2222")
    entry = an_entry(
        code, pin=Pin("3333"), earlier_pins=(Pin("4444"), Pin("5555")), confirmed_pin=Pin("6666")
    )
    await stored.visit(
        ledger=(entry,), foreign=(a_foreign_code(8, "7777"), a_foreign_code(9, None))
    )
    pins = {pin.reveal() for pin in await stored.storage.pins_on("dev")}
    assert pins == {"1111", "2222", "3333", "4444", "5555", "6666", "7777"}
    assert await stored.storage.pins_on("none") == []


async def test_codes_are_filtered(stored: Stored) -> None:
    await stored.lock("dev2")
    ada = await stored.create(name="Ada 100%")
    bob = await stored.create(name="Böb", device_id="dev2")
    nameless = await stored.create(name=None)

    async def found(where: CodeFilter) -> set[str]:
        page = await stored.storage.codes("ws", where, limit=50, cursor=None)
        return {view.code.access_code_id for view in page.items}

    ids = [code.access_code_id for code in (ada, bob, nameless)]
    assert await found(CodeFilter()) == set(ids)
    assert await found(CodeFilter(device_id="dev")) == {ids[0], ids[2]}
    assert await found(CodeFilter(access_code_ids=(ids[0], ids[1], "none"))) == {ids[0], ids[1]}
    assert await found(CodeFilter(access_code_ids=())) == set()
    assert await found(CodeFilter(search="bÖB")) == {ids[1]}
    assert await found(CodeFilter(search="100%")) == {ids[0]}
    assert await found(CodeFilter(search="%")) == {ids[0]}
    assert await found(CodeFilter(search="a", device_id="dev2")) == set()


@pytest.mark.parametrize(
    "where", [CodeFilter(), CodeFilter(device_id="dev")], ids=["all", "of one"]
)
async def test_codes_are_listed_newest_first_page_by_page(
    stored: Stored, where: CodeFilter
) -> None:
    for number in range(10):
        stored.clock.go(timedelta(microseconds=number % 2))
        await stored.create()
    listed = await all_pages(
        lambda cursor: stored.storage.codes("ws", where, limit=3, cursor=cursor)
    )
    keys = [(view.code.created_at, view.code.access_code_id) for view in listed]
    assert len(keys) == 10
    assert keys == sorted(keys, reverse=True)


async def test_creations_while_a_list_is_read_neither_repeat_nor_hide_a_code(
    stored: Stored,
) -> None:
    first = [await stored.create() for _ in range(6)]
    stored.clock.go(HOUR)
    seen: list[AccessCode] = []
    cursor: str | None = None
    while True:
        page = await stored.storage.codes("ws", CodeFilter(), limit=2, cursor=cursor)
        seen += [view.code for view in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await stored.create()
    assert sorted(code.access_code_id for code in seen) == sorted(
        code.access_code_id for code in first
    )


async def test_the_last_full_page_has_no_next_one(stored: Stored) -> None:
    for _ in range(4):
        await stored.create()
    page = await stored.storage.codes("ws", CodeFilter(), limit=2, cursor=None)
    assert page.next_cursor is not None
    page = await stored.storage.codes("ws", CodeFilter(), limit=2, cursor=page.next_cursor)
    assert len(page.items) == 2
    assert page.next_cursor is None
