"""What the metrics tell of codes, visits and operations on locks."""

import inspect
from typing import Any

import pytest

from latchwork.domain.pin import Pin
from latchwork.drivers import protocol
from latchwork.drivers.passing import OFFERS
from latchwork.observing.drivers import watched
from latchwork.observing.metrics import Metrics
from latchwork.observing.observer import Observer, WatchedSender
from latchwork.webhooks.post import Answer
from support.virtual_time import run
from support.watched import WatchedWorld
from support.world import HOUR, MINUTE, ONE_LOCK, SECOND

PIN = "73917391"


def test_a_code_in_time_is_measured_and_not_late() -> None:
    async def story() -> None:
        async with WatchedWorld(Observer()) as world:
            code = await world.create(PIN)
            took = await world.wait_for(code, "set", MINUTE)
            name = "latchwork_code_time_to_set_seconds"
            assert world.metric(f"{name}_count", driver="simulator") == 1
            told = world.metric(f"{name}_sum", driver="simulator")
            assert 0 < told <= took.total_seconds()
            late = "latchwork_code_lateness_seconds"
            assert world.metric(f"{late}_count", driver="simulator") == 1
            assert world.metric(f"{late}_sum", driver="simulator") == 0
            assert (
                world.metric(
                    "latchwork_code_events_total",
                    driver="simulator",
                    event_type="access_code.set_on_device",
                )
                == 1
            )
            assert (
                world.metric(
                    "latchwork_driver_operation_seconds_count",
                    driver="simulator",
                    kind="write",
                    outcome="ok",
                )
                == 1
            )
            assert PIN.encode() not in world.observer.metrics.rendered()

    run(story())


def test_a_code_that_came_late_says_how_late_and_what_was_tried_again() -> None:
    async def story() -> None:
        async with WatchedWorld(Observer()) as world:
            world.lock().faults.offline = True
            code = await world.create(PIN, starts_in=2 * HOUR, lasts=HOUR)
            await world.wait(2 * HOUR + 10 * MINUTE)
            assert world.metric("latchwork_code_lateness_seconds_count", driver="simulator") == 0
            world.lock().faults.offline = False
            took = await world.wait_for(code, "set", HOUR)
            late = world.metric("latchwork_code_lateness_seconds_sum", driver="simulator")
            assert late == pytest.approx((10 * MINUTE + took).total_seconds(), abs=5)
            probes = {"driver": "simulator", "kind": "probe"}
            operations = "latchwork_driver_operation_seconds_count"
            assert world.metric(operations, **probes, outcome="ok") >= 1

    run(story())


def test_a_code_found_gone_and_set_again_counts_as_no_late_one() -> None:
    async def story() -> None:
        async with WatchedWorld(Observer()) as world:
            code = await world.create(PIN)
            await world.wait_for(code, "set", MINUTE)
            world.promises = False
            now = world.clock.now()
            position = world.lock().position_of(Pin(PIN), now)
            assert position is not None
            world.lock().put(position, None, now)
            await world.wait(12 * HOUR)
            assert (
                world.metric(
                    "latchwork_code_events_total",
                    driver="simulator",
                    event_type="access_code.deleted_external_to_seam",
                )
                == 1
            )
            assert world.metric("latchwork_code_lateness_seconds_sum", driver="simulator") == 0

    run(story())


def test_failed_operations_are_told_by_outcome_and_their_repetition_as_a_retry() -> None:
    async def story() -> None:
        async with WatchedWorld(Observer()) as world:
            world.lock().faults.fail_next = 2
            code = await world.create(PIN)
            await world.wait_for(code, "set", HOUR)
            operations = "latchwork_driver_operation_seconds_count"
            observed = {"driver": "simulator", "kind": "observe"}
            assert world.metric(operations, **observed, outcome="retry_later") == 2
            assert world.metric("latchwork_driver_retries_total", **observed) == 2

    run(story())


@pytest.mark.parametrize("seconds", range(1, 12))
def test_a_visit_that_lost_its_lease_is_told_as_lost_wherever_it_notices(seconds: int) -> None:
    async def story() -> None:
        lock = {**ONE_LOCK, "latency": 2.5}
        async with WatchedWorld(Observer(), {"locks": [lock]}) as world:
            for number in range(4):
                await world.create(f"471{number}")
            await world.clock.sleep(seconds * SECOND)
            await world.storage.clear_leases()
            await world.clock.sleep(MINUTE)
            name = "latchwork_visit_seconds_count"
            assert world.metric(name, driver="unknown", outcome="lost") == 1

    run(story())


def test_whatever_a_driver_may_offer_besides_is_passed_on() -> None:
    """A protocol that is added to what drivers offer must be added to what is watched."""
    offered = {
        kind
        for _, kind in inspect.getmembers(protocol, inspect.isclass)
        if getattr(kind, "_is_runtime_protocol", False)
    }
    assert set(OFFERS) == offered


def test_a_watched_driver_offers_what_the_driver_does_and_no_more() -> None:
    class Plain:
        max_concurrent_visits = 3

    class Lists(Plain):
        async def list_anew(self) -> Any: ...

        async def receive(self, headers: Any, body: bytes) -> Any: ...

    plain: Any = watched(Plain(), "x", Metrics(), None)  # type: ignore[arg-type]
    lists: Any = watched(Lists(), "x", Metrics(), None)  # type: ignore[arg-type]
    assert plain.max_concurrent_visits == 3
    assert not [offer for offer in OFFERS if isinstance(plain, offer)]
    assert {o for o in OFFERS if isinstance(lists, o)} == {
        protocol.ListsAnew,
        protocol.ReceivesDeliveries,
    }


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(status_code=204), "accepted"),
        (Answer(status_code=500), "refused"),
        (Answer(error="The connection was refused."), "unreachable"),
    ],
)
async def test_webhook_requests_are_told_by_outcome(answer: Answer, outcome: str) -> None:
    class Sender:
        async def post(self, *_: Any) -> Answer:
            return answer

    metrics = Metrics()
    assert await WatchedSender(Sender(), metrics, None).post("https://x", {}, b"") is answer
    name = "latchwork_webhook_post_seconds_count"
    assert metrics.registry.get_sample_value(name, {"outcome": outcome}) == 1
