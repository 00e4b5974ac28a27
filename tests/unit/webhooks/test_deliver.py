"""The deliverer on virtual time: what it sends, when, how often, and what it records."""

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
import structlog

from latchwork.domain.events import Event
from latchwork.domain.webhook import Disabled, Webhook
from latchwork.webhooks.post import Answer
from support.delivery import OK, House, on_virtual_time, render
from support.virtual_time import run as run_virtual
from support.webhook_memory import a_webhook

DAY = timedelta(days=1)


@on_virtual_time
async def test_a_message_is_sent_at_once_and_recorded() -> None:
    house = House()
    async with house.delivering():
        await house.sleep(timedelta(hours=1))
        hook = a_webhook("a", "https://hooks.example.com/in?x=1")
        sent_at = house.clock.now()
        message_id = house.storage.send(hook, sent_at)
        await house.sleep(timedelta(seconds=1))
    (request,) = house.receiver.requests
    assert request.at == sent_at
    assert request.url == hook.url
    assert request.message_id == message_id
    assert request.body == b'{"event_id":"event-1","code":"7391"}'
    row = house.storage.messages[message_id]
    (attempt,) = row.attempts
    assert row.delivered
    assert row.due_at is None
    assert (attempt.attempt, attempt.status_code, attempt.error) == (1, 200, None)
    assert attempt.response == "thanks"
    assert attempt.duration_ms == 40
    assert attempt.attempted_at == sent_at


@on_virtual_time
async def test_a_failing_endpoint_gets_eight_attempts_over_the_schedule() -> None:
    house = House(Answer(status_code=500))
    house.receiver.delay = lambda request: timedelta(0)
    async with house.delivering():
        message_id = house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(5 * DAY)
    times = [request.at for request in house.receiver.requests]
    assert [round((b - a).total_seconds()) for a, b in pairwise(times)] == [
        5,
        300,
        1800,
        7200,
        18000,
        36000,
        36000,
    ]
    assert round((times[-1] - times[0]).total_seconds()) == 27 * 3600 + 35 * 60 + 5
    row = house.storage.messages[message_id]
    assert [attempt.attempt for attempt in row.attempts] == list(range(1, 9))
    assert row.due_at is None
    assert not row.delivered


@on_virtual_time
async def test_jitter_stays_within_a_tenth() -> None:
    house = House(Answer(status_code=500))
    house.receiver.delay = lambda request: timedelta(0)
    house.jitter = 1.0
    async with house.delivering():
        house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(timedelta(minutes=1))
    first, second = (request.at for request in house.receiver.requests)
    assert second - first == timedelta(seconds=5.5)


@on_virtual_time
async def test_attempts_keep_the_id_and_renew_the_timestamp_and_signature() -> None:
    house = House(Answer(status_code=500))
    async with house.delivering():
        house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(2 * DAY)
    requests = house.receiver.requests
    assert len({request.message_id for request in requests}) == 1
    assert len({request.headers["svix-timestamp"] for request in requests}) == 8
    assert len({request.headers["svix-signature"] for request in requests}) == 8
    for request in requests:
        assert request.headers["svix-timestamp"] == str(int(request.at.timestamp()))


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 307, 308, 400, 404, 500, 503])
def test_only_2xx_succeeds(status: int) -> None:
    assert not Answer(status_code=status).accepted


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_succeeds(status: int) -> None:
    assert Answer(status_code=status).accepted


@on_virtual_time
async def test_a_request_without_an_answer_is_a_failed_attempt() -> None:
    house = House(Answer(error="No answer within 15 s."))
    async with house.delivering():
        message_id = house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(timedelta(seconds=1))
    row = house.storage.messages[message_id]
    assert row.attempts[0].status_code is None
    assert row.attempts[0].error == "No answer within 15 s."
    assert row.due_at is not None


@on_virtual_time
async def test_it_recovers_when_the_endpoint_does() -> None:
    house = House()
    house.receiver.respond = lambda request: (
        OK if len(house.receiver.requests) == 3 else Answer(status_code=502)
    )
    async with house.delivering():
        message_id = house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(2 * DAY)
    row = house.storage.messages[message_id]
    assert row.delivered
    assert [attempt.status_code for attempt in row.attempts] == [502, 502, 200]


@on_virtual_time
async def test_retry_after_is_honoured() -> None:
    house = House(Answer(status_code=429, retry_after="90"))
    house.receiver.delay = lambda request: timedelta(0)
    async with house.delivering():
        house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(timedelta(minutes=2))
    first, second = (request.at for request in house.receiver.requests)
    assert second - first == timedelta(seconds=90)


@on_virtual_time
async def test_retry_after_on_another_status_means_nothing() -> None:
    house = House(Answer(status_code=500, retry_after="90"))
    async with house.delivering():
        house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(timedelta(seconds=10))
    assert len(house.receiver.requests) == 2


@on_virtual_time
async def test_410_disables_the_endpoint_and_ends_its_messages() -> None:
    house = House(Answer(status_code=410), per_endpoint=1)
    hook = a_webhook("a")
    async with house.delivering():
        ids = [house.storage.send(hook, house.clock.now()) for _ in range(3)]
        await house.sleep(5 * DAY)
    assert house.storage.hooks[hook.webhook_id].disabled
    assert len(house.receiver.requests) == 1
    assert all(house.storage.messages[message_id].due_at is None for message_id in ids)
    row = house.storage.messages[ids[0]]
    assert [attempt.status_code for attempt in row.attempts] == [410]
    assert not row.delivered


@on_virtual_time
async def test_w5_five_days_of_only_failures_disable_the_endpoint() -> None:
    house = House(Answer(status_code=500))
    hook = a_webhook("a")
    with structlog.testing.capture_logs() as logs:
        async with house.delivering():
            for _ in range(4):
                house.storage.send(hook, house.clock.now())
                await house.sleep(1.2 * DAY)
            assert not house.storage.hooks[hook.webhook_id].disabled
            for _ in range(3):
                house.storage.send(hook, house.clock.now())
            await house.sleep(DAY)
    stands = house.storage.hooks[hook.webhook_id]
    assert (stands.disabled, stands.disabled_reason) == (True, Disabled.FAILING)
    told = [line for line in logs if line["event"] == "webhook.disabled"]
    assert [(line["webhook_id"], line["reason"]) for line in told] == [(hook.webhook_id, "failing")]


@on_virtual_time
async def test_w5_one_success_begins_the_days_anew() -> None:
    house = House(Answer(status_code=500))
    hook = a_webhook("a")
    async with house.delivering():
        for day in range(12):
            answer = OK if day == 4 else Answer(status_code=500)
            house.receiver.respond = lambda _, answer=answer: answer
            house.storage.send(hook, house.clock.now())
            await house.sleep(DAY)
            stands = house.storage.hooks[hook.webhook_id]
            assert stands.disabled == (day >= 10), day
            if day == 4:
                assert stands.failing is None


@on_virtual_time
async def test_a_slow_endpoint_does_not_starve_the_others() -> None:
    house = House(concurrency=16, per_endpoint=4)
    slow, quick = a_webhook("slow", "https://slow.example"), a_webhook("quick")
    house.receiver.delay = lambda request: timedelta(
        seconds=15 if request.url == slow.url else 0.02
    )
    async with house.delivering():
        for _ in range(200):
            house.storage.send(slow, house.clock.now())
        await house.sleep(timedelta(seconds=5))
        started = house.clock.now()
        for _ in range(100):
            house.storage.send(quick, started)
        await house.sleep(timedelta(seconds=4))
    quick_ones = [request for request in house.receiver.requests if request.url == quick.url]
    assert len(quick_ones) == 100
    slow_ones = [r for r in house.receiver.requests if r.url == slow.url and r.at <= started]
    assert len(slow_ones) == 4


@on_virtual_time
async def test_concurrency_is_bounded_and_used() -> None:
    house = House(concurrency=10, per_endpoint=4)
    hooks = [a_webhook(str(number)) for number in range(8)]
    house.receiver.delay = lambda request: timedelta(seconds=1)
    async with house.delivering():
        for number in range(80):
            house.storage.send(hooks[number % 8], house.clock.now())
        await house.sleep(timedelta(seconds=12))
    assert len(house.receiver.requests) == 80
    assert house.receiver.most_at_once == 10


@on_virtual_time
async def test_a_burst_to_one_endpoint_drains_without_pauses() -> None:
    house = House(per_endpoint=8)
    hook = a_webhook("a")
    house.receiver.delay = lambda request: timedelta(milliseconds=10)
    async with house.delivering():
        started = house.clock.now()
        for _ in range(800):
            house.storage.send(hook, started)
        await house.sleep(timedelta(seconds=5))
    assert len(house.receiver.requests) == 800
    assert house.receiver.requests[-1].at - started < timedelta(seconds=2)


@on_virtual_time
async def test_waiting_costs_next_to_nothing() -> None:
    house = House()
    async with house.delivering():
        await house.sleep(DAY)
    assert house.storage.claims < 24 * 60 * 2 + 10


@on_virtual_time
async def test_stop_lets_requests_under_way_finish_and_be_recorded() -> None:
    house = House()
    house.receiver.delay = lambda request: timedelta(seconds=10)
    deliverer = house.deliverer()
    task = asyncio.create_task(deliverer.run())
    first = house.storage.send(a_webhook("a"), house.clock.now())
    await house.sleep(timedelta(seconds=1))
    deliverer.stop()
    late = house.storage.send(a_webhook("b"), house.clock.now())
    await task
    assert house.storage.messages[first].delivered
    assert house.storage.messages[late].attempts == []
    assert len(house.receiver.requests) == 1


@on_virtual_time
async def test_an_idle_deliverer_stops_at_once() -> None:
    house = House()
    started = house.clock.now()
    async with house.delivering():
        await house.sleep(timedelta(seconds=1))
    assert house.clock.now() - started == timedelta(seconds=1)


@on_virtual_time
async def test_a_crash_between_send_and_record_means_a_second_send_of_the_same_id() -> None:
    house = House()
    house.receiver.delay = lambda request: timedelta(seconds=10)
    message_id = house.storage.send(a_webhook("a"), house.clock.now())
    crashing = asyncio.create_task(house.deliverer().run())
    await house.sleep(timedelta(seconds=1))
    crashing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await crashing
    assert house.storage.messages[message_id].attempts == []
    async with house.delivering():
        await house.sleep(timedelta(minutes=2))
    assert [request.message_id for request in house.receiver.requests] == [message_id] * 2
    assert house.storage.messages[message_id].delivered
    assert len(house.storage.messages[message_id].attempts) == 1


@on_virtual_time
async def test_two_deliverers_send_each_message_once() -> None:
    house = House()
    hooks = [a_webhook(str(number)) for number in range(3)]
    async with house.delivering(), house.delivering():
        for number in range(60):
            house.storage.send(hooks[number % 3], house.clock.now())
        await house.sleep(timedelta(minutes=3))
    ids = [request.message_id for request in house.receiver.requests]
    assert sorted(ids) == sorted(house.storage.messages)


@pytest.mark.parametrize("method", ["claim_messages", "record_attempt", "event_by_id"])
def test_storage_that_fails_for_a_while_loses_nothing(method: str) -> None:
    async def test() -> None:
        house = House()
        house.storage.fail_next[method] = 3
        async with house.delivering():
            message_id = house.storage.send(a_webhook("a"), house.clock.now())
            await house.sleep(timedelta(minutes=5))
        assert house.storage.messages[message_id].delivered
        assert len(house.receiver.requests) == 1

    run_virtual(test())


@on_virtual_time
async def test_a_message_whose_event_is_gone_fails_visibly() -> None:
    house = House()
    async with house.delivering():
        message_id = house.storage.send(a_webhook("a"), house.clock.now())
        house.storage.events_by_id.clear()
        await house.sleep(timedelta(seconds=1))
    assert house.receiver.requests == []
    assert "no longer stored" in str(house.storage.messages[message_id].attempts[0].error)


@on_virtual_time
async def test_a_body_that_cannot_be_made_holds_up_nothing_else() -> None:
    house = House()

    def broken(event: Event, webhook: Webhook) -> bytes:
        if event.event_id == "event-1":
            raise KeyError("7391")
        return render(event, webhook)

    house.render = broken
    async with house.delivering():
        bad = house.storage.send(a_webhook("a"), house.clock.now())
        good = house.storage.send(a_webhook("a"), house.clock.now())
        await house.sleep(timedelta(seconds=1))
    assert house.storage.messages[good].delivered
    assert (
        house.storage.messages[bad].attempts[0].error == "Not sent: the message could not be made."
    )


@on_virtual_time
async def test_nothing_secret_is_logged() -> None:
    house = House(Answer(status_code=500, response="7391"))

    def broken(event: Event, webhook: Webhook) -> bytes:
        if event.event_id == "event-2":
            raise KeyError("7391")
        return render(event, webhook)

    house.render = broken
    hook = a_webhook("a", "https://hooks.example.com/?token=canary")
    house.storage.fail_next["record_attempt"] = 2
    with structlog.testing.capture_logs() as logs:
        async with house.delivering():
            house.storage.send(hook, house.clock.now())
            house.storage.send(hook, house.clock.now())
            await house.sleep(timedelta(seconds=4))
    text = repr(logs)
    assert "webhook.attempt" in text
    for secret in ("7391", "canary", hook.secret.reveal()):
        assert secret not in text
