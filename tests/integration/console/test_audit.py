"""The audit log: what was done, and by whom; nothing that was refused, only read, or secret."""

from datetime import timedelta

import msgspec

from latchwork.domain.audit import AuditEntry
from support.browser import Browser

PIN = "739173"


async def entries(browser: Browser) -> list[AuditEntry]:
    house = browser.house
    return list(await house.storage.audit_entries(house.workspace_id, limit=100, before=None))


async def test_commands_of_the_api_are_recorded_with_what_they_made(outside: Browser) -> None:
    house = outside.house
    lock = await house.add_lock()
    made = await house.ok("/access_codes/create", device_id=lock, name="Ada", code=PIN)
    code_id = made["access_code"]["access_code_id"]
    made_at = house.now
    house.now += timedelta(seconds=1)
    await house.ok("/access_codes/update", access_code_id=code_id, name="Grace")
    updated, created = await entries(outside)
    [key] = await house.storage.api_keys()
    assert (created.actor_kind, created.actor_id, created.via) == ("api_key", key.api_key_id, "api")
    assert created.action == "/access_codes/create"
    assert created.about == {"device_id": lock, "given": ["code", "name"]}
    assert code_id in created.made
    assert created.occurred_at == made_at
    assert (updated.action, updated.about["access_code_id"]) == ("/access_codes/update", code_id)
    kept = msgspec.json.encode([created, updated])
    assert PIN.encode() not in kept
    assert b"Grace" not in kept


async def test_what_was_refused_or_only_read_is_not_recorded(outside: Browser) -> None:
    house = outside.house
    lock = await house.add_lock()
    await house.ok("/access_codes/create", device_id=lock, code="4711")
    before = await entries(outside)
    assert (
        await house.post("/access_codes/create", device_id=lock, code="4711")
    ).status_code == 409
    assert (await house.post("/access_codes/create", device_id=lock, code="1")).status_code == 400
    assert (await house.post("/webhooks/delete", webhook_id="none")).status_code == 404
    await house.ok("/access_codes/list")
    await house.ok("/access_codes/generate_code", device_id=lock)
    assert await entries(outside) == before


async def test_a_command_of_several_writes_has_one_entry(outside: Browser) -> None:
    house = outside.house
    locks = [await house.add_lock() for _ in range(3)]
    await house.ok(
        "/access_codes/create_multiple",
        device_ids=locks,
        behavior_when_code_cannot_be_shared="throw",
    )
    [entry] = await entries(outside)
    assert entry.about["device_ids"] == locks
