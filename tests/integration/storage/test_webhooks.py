"""Endpoints, and the outbox: one message for each that wants an event, fenced by tokens."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from latchwork.domain.pin import Secret
from latchwork.domain.webhook import Attempt, Disabled, DueMessage, Failing
from latchwork.storage.interface import EventFilter
from support.stored import HOUR, NOW, SECOND, Stored

LEASE = timedelta(seconds=30)


def an_attempt(number: int = 1, **fields: object) -> Attempt:
    values = {
        "attempt": number,
        "attempted_at": NOW,
        "duration_ms": 40,
        "status_code": 500,
        "error": None,
        "response": "no",
        **fields,
    }
    return msgspec.convert(values, Attempt)


async def claim(stored: Stored, limit: int = 50, **fields: object) -> Sequence[DueMessage]:
    return await stored.storage.claim_messages(stored.now, LEASE, limit, **fields)


async def tell(stored: Stored, *event_types: str) -> None:
    await stored.storage.add_events("ws", [stored.event(kind) for kind in event_types])


async def types_of(stored: Stored, messages: Sequence[DueMessage]) -> list[str]:
    found = [await stored.storage.event_by_id(message.event_id) for message in messages]
    return [event.event_type for event in found if event is not None]


async def test_a_webhook_comes_back_as_it_was_stored(stored: Stored) -> None:
    webhook = await stored.webhook("a.b", "c.d")
    stored.clock.go(SECOND)
    other = await stored.webhook()
    assert await stored.storage.webhook("ws", webhook.webhook_id) == webhook
    assert await stored.storage.webhooks("ws") == [webhook, other]
    assert await stored.storage.webhook("other", webhook.webhook_id) is None
    assert await stored.storage.webhooks("other") == []


async def test_each_endpoint_gets_the_events_that_it_wants(stored: Stored) -> None:
    everything, some = await stored.webhook("*"), await stored.webhook("a", "b")
    await tell(stored, "a", "c")
    messages = await claim(stored)
    wanted = {everything.webhook_id: ["a", "c"], some.webhook_id: ["a"]}
    for webhook in (everything, some):
        mine = [m for m in messages if m.webhook == webhook]
        assert sorted(await types_of(stored, mine)) == wanted[webhook.webhook_id]
    assert len(messages) == 3
    assert {(m.attempt, m.webhook.secret.reveal()) for m in messages} == {(1, "whsec_c2VjcmV0")}


async def test_endpoints_of_other_workspaces_hear_nothing(stored: Stored) -> None:
    await stored.workspace("other")
    await stored.webhook(workspace_id="other")
    await tell(stored, "a")
    assert await claim(stored) == ()


async def test_every_write_with_events_fills_the_outbox(stored: Stored) -> None:
    await stored.webhook()
    code = await stored.create()
    assert await types_of(stored, await claim(stored)) == ["access_code.created"]
    event = stored.event("access_code.set_on_device", access_code_id=code.access_code_id)
    await stored.visit(events=(event,))
    assert await types_of(stored, await claim(stored)) == ["access_code.set_on_device"]


async def test_a_changed_endpoint_gets_what_it_wants_from_then_on(stored: Stored) -> None:
    webhook = await stored.webhook("a")
    await tell(stored, "b")
    assert await stored.storage.update_webhook("ws", webhook.webhook_id, ("b",))
    await tell(stored, "a", "b")
    messages = await claim(stored)
    assert await types_of(stored, messages) == ["b"]
    assert messages[0].webhook.event_types == ("b",)
    assert not await stored.storage.update_webhook("other", webhook.webhook_id, ("c",))
    assert not await stored.storage.update_webhook("ws", "none", ("c",))
    found = await stored.storage.webhook("ws", webhook.webhook_id)
    assert found is not None
    assert found.event_types == ("b",)


async def test_a_deleted_endpoint_takes_its_messages_with_it(stored: Stored) -> None:
    webhook = await stored.webhook()
    await tell(stored, "a", "b")
    (message,) = await claim(stored, 1)
    await stored.storage.record_attempt(message, an_attempt(), NOW, delivered=False)
    assert not await stored.storage.delete_webhook("other", webhook.webhook_id)
    assert await stored.storage.delete_webhook("ws", webhook.webhook_id)
    assert not await stored.storage.delete_webhook("ws", webhook.webhook_id)
    await tell(stored, "c")
    stored.clock.go(HOUR)
    assert await claim(stored) == ()
    assert await stored.storage.next_message_due() is None
    await stored.storage.record_attempt(message, an_attempt(2), NOW, delivered=False)
    assert await stored.storage.attempts_of("ws", webhook.webhook_id, 9) == []


async def test_a_disabled_endpoint_gets_nothing_more(stored: Stored) -> None:
    webhook = await stored.webhook()
    await tell(stored, "a")
    await stored.storage.disable_webhook(webhook.webhook_id, Disabled.GONE, NOW)
    await tell(stored, "b")
    assert await claim(stored) == ()
    assert await stored.storage.next_message_due() is None
    found = await stored.storage.webhook("ws", webhook.webhook_id)
    assert found is not None
    assert found.disabled


async def test_disabling_is_told_once_and_ends_when_enabled(stored: Stored) -> None:
    webhook, other = await stored.webhook(), await stored.webhook()
    for _ in range(2):
        await stored.storage.disable_webhook(webhook.webhook_id, Disabled.FAILING, NOW)
    (message,) = await claim(stored)
    assert message.webhook == other
    assert await types_of(stored, [message]) == ["latchwork.webhook_disabled"]
    event = await stored.storage.event_by_id(message.event_id)
    assert event is not None
    told = {"webhook_id": webhook.webhook_id, "disabled_reason": "failing"}
    assert event.payload == told
    found = await stored.storage.webhook("ws", webhook.webhook_id)
    assert found is not None
    assert (found.disabled_at, found.disabled_reason) == (NOW, Disabled.FAILING)
    assert not await stored.storage.enable_webhook("other", webhook.webhook_id)
    assert await stored.storage.enable_webhook("ws", webhook.webhook_id)
    assert await stored.storage.webhook("ws", webhook.webhook_id) == webhook
    await tell(stored, "a")
    assert {m.webhook.webhook_id for m in await claim(stored)} == {
        webhook.webhook_id,
        other.webhook_id,
    }


async def test_a_row_of_failures_is_kept_and_ended(stored: Stored) -> None:
    webhook = await stored.webhook()
    failing = Failing(NOW - HOUR, NOW)
    await stored.storage.note_failing(webhook, failing)
    await tell(stored, "a")
    (message,) = await claim(stored)
    assert message.webhook.failing == failing
    # Of a deliverer that knew nothing of it.
    await stored.storage.note_failing(webhook, Failing(NOW, NOW))
    found = await stored.storage.webhook("ws", webhook.webhook_id)
    assert found is not None
    assert found.failing == failing
    await stored.storage.note_failing(found, None)
    assert await stored.storage.webhook("ws", webhook.webhook_id) == webhook


async def test_w2_a_rotated_secret_signs_beside_the_new_one_for_its_time(stored: Stored) -> None:
    webhook = await stored.webhook()
    rotate = stored.storage.rotate_secret
    until = NOW + 24 * HOUR
    assert await rotate("other", webhook.webhook_id, Secret("whsec_bmV3"), until) is None
    rotated = await rotate("ws", webhook.webhook_id, Secret("whsec_bmV3"), until)
    assert rotated is not None
    assert rotated == await stored.storage.webhook("ws", webhook.webhook_id)
    await tell(stored, "a")
    (message,) = await claim(stored)
    for at, known in ((NOW, ["whsec_bmV3", "whsec_c2VjcmV0"]), (until, ["whsec_bmV3"])):
        assert [s.reveal() for s in message.webhook.secrets_at(at)] == known
    again = await rotate("ws", webhook.webhook_id, Secret("whsec_bmV4dA"), until)
    assert again is not None
    assert [s.reveal() for s in again.secrets_at(NOW)] == ["whsec_bmV4dA", "whsec_bmV3"]


async def test_an_event_is_sent_again_under_the_id_it_had(stored: Stored) -> None:
    webhook = await stored.webhook("a")
    await tell(stored, "a", "b")
    (message,) = await claim(stored)
    await stored.storage.record_attempt(message, an_attempt(), None, delivered=True)
    resend = stored.storage.resend
    assert await resend("other", webhook.webhook_id, message.event_id) is None
    assert await resend("ws", webhook.webhook_id, "no-such-event") is None
    assert await resend("ws", webhook.webhook_id, message.event_id) == message.message_id
    (again,) = await claim(stored)
    assert (again.message_id, again.attempt) == (message.message_id, 1)
    # One that the endpoint did not ask for, and that is named all the same.
    page = await stored.storage.events("ws", EventFilter(event_types=("b",)), limit=1, cursor=None)
    sent = await resend("ws", webhook.webhook_id, page.items[0].event_id)
    assert [m.message_id for m in await claim(stored)] == [sent]


async def test_a_replay_sends_what_was_missed(stored: Stored) -> None:
    webhook = await stored.webhook("a")
    await tell(stored, "a")
    (taken,) = await claim(stored)
    await stored.storage.record_attempt(taken, an_attempt(), None, delivered=True)
    await tell(stored, "a")
    (failed,) = await claim(stored)
    await stored.storage.record_attempt(failed, an_attempt(), None, delivered=False)
    await stored.storage.disable_webhook(webhook.webhook_id, Disabled.GONE, NOW)
    stored.clock.go(HOUR)
    await tell(stored, *["a", "b"] * 300)
    await stored.storage.enable_webhook("ws", webhook.webhook_id)
    await tell(stored, "a")
    replay = stored.storage.replay
    assert await replay("other", webhook.webhook_id, NOW, delivered_too=False) is None
    assert await replay("ws", webhook.webhook_id, stored.now, delivered_too=False) == 300
    assert await replay("ws", webhook.webhook_id, NOW, delivered_too=False) == 1
    messages = await claim(stored, 1000)
    assert len(messages) == len({m.event_id for m in messages}) == 302
    assert await replay("ws", webhook.webhook_id, NOW, delivered_too=True) == 303


async def test_messages_are_claimed_earliest_first(stored: Stored) -> None:
    await stored.webhook()
    for kind in ("a", "b", "c"):
        await tell(stored, kind)
        stored.clock.go(SECOND)
    assert await stored.storage.next_message_due() == NOW
    assert await types_of(stored, await claim(stored, 2)) == ["a", "b"]
    assert await types_of(stored, await claim(stored, 2)) == ["c"]
    assert await claim(stored) == ()


async def test_a_start_of_the_only_process_ends_the_leases_of_the_one_before(
    stored: Stored,
) -> None:
    await stored.webhook()
    await tell(stored, "a", "b")
    done, held = await claim(stored)
    later = NOW + HOUR
    await stored.storage.record_attempt(done, an_attempt(), later, delivered=False)
    assert await claim(stored) == ()
    await stored.storage.clear_leases()
    # What waits for its next attempt goes on waiting.
    (again,) = await claim(stored)
    assert again.message_id == held.message_id
    await stored.storage.record_attempt(held, an_attempt(), None, delivered=True)
    assert await stored.storage.attempts_of("ws", held.webhook.webhook_id, 9) == [
        (done.message_id, done.event_id, an_attempt())
    ]


async def test_a_message_whose_lease_ran_out_is_claimed_again(stored: Stored) -> None:
    await stored.webhook()
    await tell(stored, "a")
    (first,) = await claim(stored)
    assert await stored.storage.next_message_due() == NOW + LEASE
    stored.clock.go(LEASE)
    (second,) = await claim(stored)
    assert (second.message_id, second.attempt) == (first.message_id, 1)
    assert second.token != first.token
    await stored.storage.record_attempt(first, an_attempt(), None, delivered=True)
    webhook_id = first.webhook.webhook_id
    assert await stored.storage.attempts_of("ws", webhook_id, 9) == []
    await stored.storage.record_attempt(second, an_attempt(), None, delivered=True)
    assert len(await stored.storage.attempts_of("ws", webhook_id, 9)) == 1


async def test_no_busy_endpoint_and_no_more_than_its_share(stored: Stored) -> None:
    one, two = await stored.webhook("one"), await stored.webhook("two")
    await tell(stored, *["one"] * 5, *["two"] * 2)
    claimed = await claim(stored, busy_webhooks=(one.webhook_id,), per_webhook=1)
    assert [m.webhook for m in claimed] == [two]
    claimed = await claim(stored, per_webhook=3)
    assert sorted(await types_of(stored, claimed)) == ["one"] * 3 + ["two"]
    assert await claim(stored, 0) == ()


async def test_a_failed_attempt_is_due_again_when_told(stored: Stored) -> None:
    webhook = await stored.webhook()
    await tell(stored, "a")
    (message,) = await claim(stored)
    await stored.storage.record_attempt(message, an_attempt(), NOW + HOUR, delivered=False)
    assert await stored.storage.next_message_due() == NOW + HOUR
    assert await claim(stored) == ()
    stored.clock.go(HOUR)
    (again,) = await claim(stored)
    assert (again.message_id, again.attempt) == (message.message_id, 2)
    await stored.storage.record_attempt(again, an_attempt(2), None, delivered=False)
    assert await stored.storage.next_message_due() is None
    numbers = [
        (message_id, event_id, attempt.attempt)
        for message_id, event_id, attempt in await stored.storage.attempts_of(
            "ws", webhook.webhook_id, 9
        )
    ]
    assert numbers == [(message.message_id, message.event_id, n) for n in (2, 1)]


async def test_a_recorded_message_cannot_be_recorded_again(stored: Stored) -> None:
    await stored.webhook()
    await tell(stored, "a")
    (message,) = await claim(stored)
    await stored.storage.record_attempt(message, an_attempt(), None, delivered=True)
    await stored.storage.record_attempt(message, an_attempt(2), NOW, delivered=False)
    assert await stored.storage.next_message_due() is None


async def test_an_attempt_is_recorded_as_it_went(stored: Stored) -> None:
    webhook = await stored.webhook()

    async def recorded(**fields: object) -> Attempt:
        await tell(stored, "a")
        (message,) = await claim(stored)
        attempt = an_attempt(**fields)
        await stored.storage.record_attempt(message, attempt, None, delivered=True)
        ((_, _, found),) = await stored.storage.attempts_of("ws", webhook.webhook_id, 1)
        return found

    fields = {"status_code": None, "error": "refused\x00é", "response": "a\x00b", "duration_ms": 7}
    assert await recorded(**fields) == an_attempt(**fields)
    assert (await recorded(response="\ud800x")).response == "?x"
    assert (await recorded(response="ü" * 5000)).response == "ü" * 1024
    assert (await recorded(response="x" + "ü" * 5000)).response == "x" + "ü" * 1023
    assert await stored.storage.attempts_of("other", webhook.webhook_id, 9) == []


async def test_listeners_hear_of_new_messages_after_the_commit(stored: Stored) -> None:
    woken: list[int] = []
    stored.storage.listen_messages(lambda: woken.append(1))
    await tell(stored, "a")
    assert woken == []
    await stored.webhook("b")
    await tell(stored, "a")
    assert woken == []
    await tell(stored, "b", "b")
    assert woken == [1]
    assert await stored.storage.next_message_due() == NOW
