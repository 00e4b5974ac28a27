"""Codes that are stored together, codes of the backup pool, and codes without a PIN yet."""

import msgspec
import pytest

from latchwork.domain.access_code import (
    AccessCode,
    CodeStatus,
    Evidence,
    EvidenceKind,
    Offline,
    Pool,
)
from latchwork.domain.commands import Command
from latchwork.domain.events import SET_ON_DEVICE
from latchwork.domain.pin import Pin
from latchwork.domain.slots import Phase
from latchwork.storage.interface import CodeFilter, Duplicate, EventFilter, StaleTokenError
from support.stored import HOUR, NOW, Stored, an_entry

REPLACE = msgspec.structs.replace


def commands(stored: Stored, *codes: AccessCode) -> list[Command]:
    return [
        Command(
            code,
            stored.attempt(code),
            (
                stored.event(
                    device_id=code.device_id,
                    access_code_id=code.access_code_id,
                    connected_account_id="acc",
                ),
            ),
            stored.now,
        )
        for code in codes
    ]


async def count(stored: Stored) -> tuple[int, int]:
    codes = await stored.storage.codes("ws", CodeFilter(), limit=100, cursor=None)
    events = await stored.storage.events("ws", EventFilter(), limit=100, cursor=None)
    return len(codes.items), len(events.items)


async def test_codes_are_stored_together_or_not_at_all(stored: Stored) -> None:
    await stored.lock("other")
    standing = await stored.create("4711", device_id="other")
    wished = [stored.code("4711"), stored.code("4711", device_id="other")]
    before = await count(stored)
    found = await stored.storage.create_codes(commands(stored, *wished))
    assert list(found) == [None, Duplicate(access_code_id=standing.access_code_id)]
    assert await count(stored) == before
    wished[1] = REPLACE(wished[1], pin=Pin("4712"))
    assert not any(await stored.storage.create_codes(commands(stored, *wished)))
    assert await count(stored) == (before[0] + 2, before[1] + 2)


async def test_changes_are_made_together_or_not_at_all(stored: Stored) -> None:
    await stored.lock("other")
    one = await stored.create("4711", ends_at=NOW + HOUR)
    two = await stored.create("4711", device_id="other", ends_at=NOW + HOUR)
    blocker = await stored.create("4711", device_id="other", starts_at=NOW + 2 * HOUR)
    longer = [REPLACE(code, generation=2, ends_at=NOW + 3 * HOUR) for code in (one, two)]
    found = await stored.storage.update_codes(commands(stored, *longer))
    assert list(found) == [None, Duplicate(access_code_id=blocker.access_code_id)]
    assert await stored.stored_code(one) == one
    stale = [REPLACE(one, generation=2, name="Bo"), REPLACE(two, generation=7, name="Bo")]
    with pytest.raises(StaleTokenError):
        await stored.storage.update_codes(commands(stored, *stale))
    assert await stored.stored_code(one) == one
    renamed = [REPLACE(code, generation=2, name="Bo") for code in (one, two)]
    assert not any(await stored.storage.update_codes(commands(stored, *renamed)))
    assert [await stored.stored_code(code) for code in renamed] == renamed


async def test_linked_codes_are_found_by_their_key(stored: Stored) -> None:
    await stored.workspace("elsewhere")
    linked = [await stored.create(common_code_key="key") for _ in range(3)]
    await stored.create(common_code_key="another")
    where = CodeFilter(common_code_key="key")
    page = await stored.storage.codes("ws", where, limit=10, cursor=None)
    assert {view.code.access_code_id for view in page.items} == {c.access_code_id for c in linked}
    assert not (await stored.storage.codes("elsewhere", where, limit=10, cursor=None)).items


async def test_a_backup_code_is_available_once_it_stands(stored: Stored) -> None:
    code = await stored.create(ends_at=NOW + HOUR, use_backup_pool=True)
    ongoing = await stored.create(use_backup_pool=True)
    waiting = stored.code(pool=Pool.WAITING)
    await stored.visit(new_codes=(waiting,))

    async def available(access_code_id: str) -> bool:
        view = await stored.storage.code("ws", access_code_id=access_code_id)
        assert view is not None
        return view.backup_available

    assert await stored.stored_code(waiting) == waiting
    pool = await stored.storage.codes("ws", CodeFilter(pool=Pool.WAITING), limit=9, cursor=None)
    assert [view.code for view in pool.items] == [waiting]
    assert not await available(code.access_code_id)
    await stored.storage.rescan_device("dev", stored.now, positions=False)
    await stored.visit(codes=(REPLACE(waiting, status=CodeStatus.SET),))
    assert await available(code.access_code_id)
    assert not await available(ongoing.access_code_id)
    pulled = REPLACE(code, pulled_backup_id=waiting.access_code_id)
    assert await stored.update(pulled) is None
    assert not await available(code.access_code_id)


async def test_a_code_of_the_engine_whose_pin_was_taken_is_left_out_with_its_events(
    stored: Stored,
) -> None:
    standing = await stored.create("4711")
    taken, free = stored.code("4711", pool=Pool.WAITING), stored.code("4712", pool=Pool.WAITING)
    told = [
        stored.event(SET_ON_DEVICE, device_id="dev", access_code_id=code.access_code_id)
        for code in (standing, taken, free)
    ]
    await stored.visit(new_codes=(taken, free), events=tuple(told))
    assert await stored.stored_code(taken) is None
    assert await stored.stored_code(free) == free
    where = EventFilter(event_types=(SET_ON_DEVICE,))
    events = await stored.storage.events("ws", where, limit=9, cursor=None)
    assert {event.access_code_id for event in events.items} == {
        standing.access_code_id,
        free.access_code_id,
    }


async def test_a_visit_retires_codes_of_the_pool_alone_and_none_that_was_pulled(
    stored: Stored,
) -> None:
    guest = await stored.create()
    waiting = [stored.code(pool=Pool.WAITING) for _ in range(2)]
    await stored.visit(new_codes=tuple(waiting))
    pulled = REPLACE(waiting[1], pool=Pool.PULLED)
    assert await stored.update(pulled) is None
    gone = [REPLACE(code, delete_requested_at=NOW) for code in (guest, *waiting)]
    await stored.visit(codes=tuple(gone))
    found = [await stored.stored_code(code) for code in gone]
    assert [code and code.delete_requested_at for code in found] == [None, NOW, None]


async def test_codes_without_a_pin_do_not_meet_and_take_the_one_issued(stored: Stored) -> None:
    wish = stored.code(ends_at=NOW + HOUR, offline=Offline.HOURLY)
    codes = [REPLACE(wish, access_code_id=stored.new_id(), pin=Pin("")) for _ in range(2)]
    for code in codes:
        assert await stored.try_create(code) is None
    assert await stored.storage.pins_on("dev") == []
    issued = REPLACE(
        codes[0], pin=Pin("123456789"), evidence=Evidence(EvidenceKind.ISSUED, None, 1, NOW)
    )
    await stored.visit(codes=(issued,), repinned=frozenset({issued.access_code_id}))
    assert await stored.stored_code(issued) == issued
    view = await stored.storage.code("ws", device_id="dev", pin=Pin("123456789"))
    assert view is not None
    assert view.code.access_code_id == issued.access_code_id


async def test_what_a_lock_calls_a_code_comes_back(stored: Stored) -> None:
    code = await stored.create()
    entry = an_entry(code, phase=Phase.CONFIRMED, name="Größe", appearance="Gr")
    await stored.visit(ledger=(entry,))
    view = await stored.storage.code("ws", access_code_id=code.access_code_id)
    assert view is not None
    assert view.entry == entry


async def test_reported_lengths_bind_and_outlive_what_the_provider_tells(stored: Stored) -> None:
    device = await stored.lock("dev")
    await stored.storage.change_device(
        "dev", lambda d: (REPLACE(d, reported_code_lengths=(5, 6)), [], False), stored.now
    )
    await stored.storage.upsert_device(device, [], stored.now, due=False)
    view = await stored.storage.device("ws", device_id="dev")
    assert view is not None
    assert view.device.code_rules.code_lengths == (5, 6)
    assert view.device.capabilities.code_lengths == (4, 5, 6, 7, 8)
