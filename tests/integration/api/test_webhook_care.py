"""/latchwork/webhooks: rotation, what was disabled, what is sent again."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from latchwork.domain.webhook import Attempt, Disabled
from support.api_house import ApiHouse, api_house


@pytest.fixture
async def house() -> AsyncIterator[ApiHouse]:
    async with api_house() as house:
        yield house


async def a_webhook(house: ApiHouse) -> dict[str, str]:
    made = await house.ok("/webhooks/create", url="https://example.com/hook")
    webhook: dict[str, str] = made["webhook"]
    return webhook


async def test_w2_a_secret_rotates(house: ApiHouse) -> None:
    before = await a_webhook(house)
    named = {"webhook_id": before["webhook_id"]}
    rotated = (await house.ok("/latchwork/webhooks/rotate_secret", **named))["webhook"]
    assert rotated["secret"] != before["secret"]
    assert rotated == (await house.ok("/webhooks/get", **named))["webhook"]
    valid_until = rotated["latchwork_delivery"]["previous_secret_valid_until"]
    assert valid_until.startswith(f"{house.now + timedelta(hours=24):%Y-%m-%dT%H:%M}")
    # At once, when the old one is known to others.
    leaked = {**named, "previous_secret_valid_hours": 0}
    rotated = (await house.ok("/latchwork/webhooks/rotate_secret", **leaked))["webhook"]
    assert rotated["latchwork_delivery"]["previous_secret_valid_until"] is None
    answer = await house.post(
        "/latchwork/webhooks/rotate_secret", **named, previous_secret_valid_hours=999
    )
    assert answer.status_code == 400
    assert "previous_secret_valid_hours" in answer.text


async def test_w5_a_disabled_webhook_says_so_until_it_is_enabled(house: ApiHouse) -> None:
    webhook = await a_webhook(house)
    named = {"webhook_id": webhook["webhook_id"]}
    await house.storage.disable_webhook(webhook["webhook_id"], Disabled.FAILING, house.now)
    shown = (await house.ok("/webhooks/get", **named))["webhook"]["latchwork_delivery"]
    assert (shown["is_disabled"], shown["disabled_reason"]) == (True, "failing")
    [told] = (await house.ok("/events/list", event_type="latchwork.webhook_disabled"))["events"]
    assert (told["webhook_id"], told["disabled_reason"]) == (webhook["webhook_id"], "failing")
    for path, more in (
        ("resend", {"event_id": told["event_id"]}),
        ("replay", {"since": "2026-01-01T00:00:00Z"}),
    ):
        refused = await house.post(f"/latchwork/webhooks/{path}", **named, **more)
        assert (refused.status_code, refused.json()["error"]["type"]) == (409, "webhook_disabled")
    enabled = (await house.ok("/latchwork/webhooks/enable", **named))["webhook"]
    assert not enabled["latchwork_delivery"]["is_disabled"]
    assert enabled["secret"] == webhook["secret"]
    # What it missed meanwhile, its own end among it.
    replayed = await house.ok(
        "/latchwork/webhooks/replay", **named, since=shown["disabled_at"], include_delivered=True
    )
    assert replayed["message_count"] == 1


async def test_w6_attempts_are_listed_and_events_sent_again(house: ApiHouse) -> None:
    webhook = await a_webhook(house)
    named = {"webhook_id": webhook["webhook_id"]}
    await house.add_lock(display_name="Front")
    lock = (await house.ok("/devices/list"))["devices"][0]["device_id"]
    await house.ok("/access_codes/create", device_id=lock, code="4711")
    claimed = await house.storage.claim_messages(house.now, timedelta(seconds=30), 10)
    message = claimed[0]
    attempt = Attempt(
        attempt=1,
        attempted_at=house.now,
        duration_ms=12,
        status_code=500,
        error=None,
        response="no",
    )
    await house.storage.record_attempt(message, attempt, None, delivered=False)
    [shown] = (await house.ok("/latchwork/webhooks/list_attempts", **named))["webhook_attempts"]
    assert (shown["status_code"], shown["response"], shown["attempt"]) == (500, "no", 1)
    assert (shown["message_id"], shown["event_id"]) == (message.message_id, message.event_id)
    sent = await house.ok("/latchwork/webhooks/resend", **named, event_id=message.event_id)
    assert sent["message_id"] == message.message_id
    [again] = await house.storage.claim_messages(house.now, timedelta(seconds=30), 10)
    assert again.message_id == message.message_id


async def test_a_client_session_may_touch_none_of_it(house: ApiHouse) -> None:
    webhook = await a_webhook(house)
    session = (await house.ok("/client_sessions/create"))["client_session"]
    house.act_as(session["token"])
    for path in ("rotate_secret", "enable", "list_attempts", "resend", "replay"):
        answer = await house.post(
            f"/latchwork/webhooks/{path}",
            webhook_id=webhook["webhook_id"],
            event_id=webhook["webhook_id"],
            since="2026-01-01T00:00:00Z",
        )
        assert answer.status_code in {401, 403, 404}, (path, answer.text)
        assert webhook["secret"] not in answer.text
