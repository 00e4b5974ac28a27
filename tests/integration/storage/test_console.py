"""What the console keeps and asks: sessions, links, the audit log, locks and codes at a glance."""

from datetime import timedelta

import msgspec

from latchwork.domain.access_code import CodeStatus
from latchwork.domain.audit import AuditEntry
from latchwork.domain.console_session import ConsoleLink, ConsoleSession
from latchwork.domain.credentials import ApiKey
from latchwork.domain.events import NewEvent
from latchwork.domain.pin import Secret
from latchwork.storage.audited import AUDITED
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, NOW, Stored

TOKEN = Secret("token")
SESSION = ConsoleSession(
    session_id="s", workspace_id="ws", created_at=NOW, expires_at=NOW + HOUR, api_key_id="key"
)
KEY = ApiKey(api_key_id="key", workspace_id="ws", name="k", hint="last", created_at=NOW)
DAY = timedelta(days=1)


def entry(stored: Stored, action: str = "/a") -> AuditEntry:
    return AuditEntry(
        audit_id=stored.new_id(),
        workspace_id="ws",
        occurred_at=stored.now,
        actor_kind="api_key",
        actor_id="key",
        via="api",
        action=action,
        about={"device_id": "dev", "given": ["code"]},
        made=["x"],
    )


async def test_a_session_lives_as_long_as_its_key(stored: Stored) -> None:
    storage = stored.storage
    await storage.add_api_key(KEY, Secret("seam_key"))
    await storage.add_console_session(SESSION, TOKEN)
    assert await storage.console_session(TOKEN, NOW) == SESSION
    assert await storage.console_session(Secret("other"), NOW) is None
    assert await storage.console_session(TOKEN, NOW + HOUR) is None
    await storage.revoke_api_key("key", NOW)
    assert await storage.console_session(TOKEN, NOW) is None


async def test_a_session_of_no_key_ends_by_itself_alone(stored: Stored) -> None:
    storage = stored.storage
    session = msgspec.structs.replace(SESSION, api_key_id=None)
    await storage.add_console_session(session, TOKEN)
    assert await storage.console_session(TOKEN, NOW) == session
    await storage.end_console_session(TOKEN)
    assert await storage.console_session(TOKEN, NOW) is None


async def test_a_link_is_taken_once(stored: Stored) -> None:
    storage = stored.storage
    link = ConsoleLink(workspace_id="ws", created_at=NOW, expires_at=NOW + HOUR)
    await storage.add_console_link(link, TOKEN)
    assert await storage.take_console_link(Secret("other"), NOW) is None
    assert await storage.take_console_link(TOKEN, NOW) == link
    assert await storage.take_console_link(TOKEN, NOW) is None
    await storage.add_console_link(link, TOKEN)
    assert await storage.take_console_link(TOKEN, NOW + HOUR) is None


async def test_an_entry_is_stored_with_what_was_changed(stored: Stored) -> None:
    storage = stored.storage
    told = [NewEvent(event_type="x", occurred_at=NOW)]
    first = entry(stored)
    held = AUDITED.set(first)
    try:
        await storage.revoke_api_key("nobodys", NOW)
        assert await storage.audit_entries("ws", limit=9, before=None) == []
        await storage.rescan_device("dev", NOW, positions=True)
        await storage.rescan_device("dev", NOW, positions=True)
    finally:
        AUDITED.reset(held)
    await storage.add_events("ws", told)
    assert await storage.audit_entries("ws", limit=9, before=None) == [first]
    stored.clock.go(HOUR)
    await storage.add_audit_entry(second := entry(stored, "/b"))
    await storage.add_audit_entry(third := entry(stored, "/c"))
    ids = sorted((second.audit_id, third.audit_id), reverse=True)
    found = await storage.audit_entries("ws", limit=2, before=None)
    assert [one.audit_id for one in found] == ids
    older = await storage.audit_entries("ws", limit=2, before=ids[1])
    assert older == [first]
    assert await storage.audit_entries("other", limit=9, before=None) == []


async def test_old_entries_are_forgotten(stored: Stored) -> None:
    storage = stored.storage
    await storage.add_audit_entry(entry(stored))
    stored.clock.go(DAY)
    await storage.add_audit_entry(kept := entry(stored))
    assert await storage.prune_audit(stored.now - HOUR, 10) == 1
    assert await storage.audit_entries("ws", limit=9, before=None) == [kept]


async def test_what_is_late_and_what_turns(stored: Stored) -> None:
    storage = stored.storage
    code = stored.code(starts_at=NOW + HOUR, ends_at=NOW + 3 * DAY, name="Ada")
    await stored.try_create(code)
    found = await storage.codes_turning("ws", NOW, NOW + DAY, 9)
    assert [(one.access_code_id, one.name) for one in found] == [(code.access_code_id, "Ada")]
    assert await storage.codes_turning("ws", NOW + DAY, NOW + 2 * DAY, 9) == []
    assert await storage.codes_turning("other", NOW, NOW + DAY, 9) == []
    assert len(await storage.codes_during(["dev"], NOW + DAY, NOW + 2 * DAY, 9)) == 1
    assert await storage.codes_during(["dev"], NOW + 4 * DAY, NOW + 5 * DAY, 9) == []
    assert await storage.codes_during([], NOW, NOW + 5 * DAY, 9) == []
    assert await storage.codes_in_trouble("ws", 9) == []
    census = await storage.census("ws")
    assert (census.locks, census.troubled) == (1, 0)
    assert census.codes == {code.status: 1}
    assert CodeStatus.SET not in census.codes


async def test_locks_come_worst_first_then_by_name(stored: Stored) -> None:
    storage = stored.storage
    await stored.lock("b", display_name="Beta", online=False)
    await stored.lock("a", display_name="alpha")
    await stored.create()
    page = await storage.locks_at_a_glance("ws", limit=2)
    assert page.items[0].device_id == "b"
    rest = await storage.locks_at_a_glance("ws", limit=2, offset=int(page.next_cursor or 0))
    assert rest.next_cursor is None
    shown = {lock.device_id: lock for lock in (*page.items, *rest.items)}
    assert shown["dev"].codes == 1
    assert shown["a"].codes == 0
    [only] = (await storage.locks_at_a_glance("ws", limit=9, search="ALPH")).items
    assert only.device_id == "a"


async def test_the_newest_event_tells_of_change(stored: Stored) -> None:
    storage = stored.storage
    before = await storage.newest_event("ws")
    await storage.add_events("ws", [NewEvent(event_type="x", occurred_at=NOW)])
    after = await storage.newest_event("ws")
    assert after != before
    [event] = (await storage.events("ws", EventFilter(), limit=1, cursor=None)).items
    assert event.event_id == after
    assert await storage.newest_event("nobody") is None
