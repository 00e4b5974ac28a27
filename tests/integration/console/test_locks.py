"""A lock's page: what is wished beside what is on it; and what can be done to it."""

import msgspec

from latchwork.domain.access_code import CodeStatus, Evidence, EvidenceKind
from latchwork.domain.pin import Pin
from latchwork.domain.slots import ForeignCode, LedgerEntry, Phase
from latchwork.domain.visit import VisitChanges
from support.browser import Browser, found
from support.stored import LEASE

OURS, THEIRS = "739173", "824682"


async def visited(browser: Browser, lock: str) -> str:
    """A lock that holds a proven code of ours at 1 and one of another hand at 2; theirs' id."""
    house, storage = browser.house, browser.house.storage
    made = await house.ok("/access_codes/create", device_id=lock, name="Ada", code=OURS)
    code_id = made["access_code"]["access_code_id"]
    view = await storage.code(house.workspace_id, access_code_id=code_id)
    assert view is not None
    [lease] = await storage.claim_due(house.now, LEASE, 9, rooms={})
    entry = LedgerEntry(
        device_id=lock,
        position=1,
        access_code_id=code_id,
        generation=1,
        pin=Pin(OURS),
        phase=Phase.CONFIRMED,
        confirmed_at=house.now,
        confirmed_pin=Pin(OURS),
    )
    evidence = Evidence(EvidenceKind.READ_BACK, 1, 1, house.now)
    foreign = ForeignCode(
        unmanaged_access_code_id=house.new_id(),
        device_id=lock,
        position=2,
        pin=Pin(THEIRS),
        name="Old key",
        created_at=house.now,
    )
    changes = VisitChanges(
        codes=(msgspec.structs.replace(view.code, status=CodeStatus.SET, evidence=evidence),),
        ledger=(entry,),
        foreign=(foreign,),
    )
    await storage.release(lease, changes, house.now, None)
    return foreign.unmanaged_access_code_id


async def test_position_by_position(inside: Browser) -> None:
    lock = await inside.house.add_lock(battery_level=0.12, time_zone="Europe/Berlin")
    await visited(inside, lock)
    page = await inside.get(f"/locks/{lock}")
    body = found(r"(?s)<tbody>(.*?)</tbody>", page)
    first, second = body.split("</tr>")[:2]
    assert "Ada" in first
    assert "This PIN" in first
    assert "the lock read this PIN back" in first
    assert "16:00" in first
    assert "another hand" in second
    assert "Old key" in second
    assert "Convert" in second
    assert "Delete" in second
    assert OURS not in page
    assert THEIRS not in page
    assert "12 %" in page


async def test_codes_of_another_hand(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    other = await visited(inside, lock)
    assert THEIRS in (await inside.post(f"/others/{other}/pin")).text
    assert "being taken over" in await inside.done(f"/locks/{lock}/others/{other}/convert")
    assert "being removed" in await inside.done(f"/locks/{lock}/others/{other}/delete")
    entries = await house.storage.audit_entries(house.workspace_id, limit=9, before=None)
    done = {entry.action: entry for entry in entries}
    assert done["reveal_pin"].about == {"access_code_id": other, "device_id": lock}
    assert "/access_codes/unmanaged/convert_to_managed" in done
    assert "/access_codes/unmanaged/delete" in done


async def test_the_bolt_and_the_name(inside: Browser) -> None:
    lock = await inside.house.add_lock()
    assert "on its way to the lock" in await inside.done(f"/locks/{lock}/bolt/unlock")
    assert "Attic" in await inside.done(f"/locks/{lock}/name", name="Attic")
    assert "Front Door" in await inside.done(f"/locks/{lock}/name", name="")
    assert "Attic" not in await inside.get("/locks?q=door")


async def test_a_simulated_lock_can_be_broken_and_another_cannot(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    assert "Break this lock" in await inside.get(f"/locks/{lock}")
    response = await inside.post(f"/locks/{lock}/simulate", what="keypad", code="1234")
    assert response.status_code == 303
    response = await inside.post(f"/locks/{lock}/simulate", what="nonsense")
    assert response.status_code == 400
    workspace = await house.storage.workspace(house.workspace_id)
    assert workspace is not None


async def test_the_timeline_shows_bars_with_their_proof(inside: Browser) -> None:
    house = inside.house
    lock = await house.add_lock()
    await visited(inside, lock)
    await house.ok(
        "/access_codes/create",
        device_id=lock,
        name="Later",
        starts_at="2026-11-26T10:00:00Z",
        ends_at="2026-11-27T10:00:00Z",
    )
    page = await inside.get("/timeline")
    assert page.count('class="body"') == 2
    assert "Proof: the lock read this PIN back, position 1, today 15:00" in page
    assert "Later: Waiting" in page
    assert "Put on the lock from Thu 26 Nov, 09:00 on" in page
    assert page.count('class="ahead"') == 1
    assert 'class="now"' in page
    assert OURS not in page
    for query in ("?days=28", "?from=2026-12-24&days=14", "?from=nonsense&after=x&days=9"):
        await inside.get(f"/timeline{query}")
    assert 'class="body"' not in await inside.get("/timeline?from=2020-01-01")
