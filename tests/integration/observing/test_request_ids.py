"""A request's id goes with its work: into its log lines, and into the visit that it woke."""

import structlog

from latchwork import request_ids
from latchwork.logs import with_request_id
from latchwork.observing.observer import Observer
from latchwork.observing.wakes import LARGEST, LARGEST_OF_ONE, Wakes
from support.api_house import api_house
from support.virtual_time import run
from support.watched import WatchedWorld
from support.world import MINUTE


async def test_a_command_is_noted_under_its_request_and_a_refused_one_is_not() -> None:
    wakes = Wakes()
    async with api_house(wakes=wakes) as house:
        lock = await house.add_lock()
        made = await house.post("/access_codes/create", device_id=lock, code="4711")
        refused = await house.post("/access_codes/create", device_id=lock, code="4711")
        assert refused.status_code == 409
        await house.post("/access_codes/list", device_id=lock)
        assert wakes.take([lock]) == (made.headers["seam-request-id"],)
        code_id = made.json()["access_code"]["access_code_id"]
        gone = await house.post("/access_codes/delete", access_code_id=code_id)
        assert wakes.take([lock, code_id]) == (gone.headers["seam-request-id"],)
        assert wakes.take([lock, code_id]) == ()


def test_the_visit_that_a_request_woke_speaks_under_its_id() -> None:
    async def story() -> None:
        async with WatchedWorld(Observer()) as world:
            device = await world.device()
            world.lock().faults.fail_next = 1
            with structlog.testing.capture_logs(processors=[with_request_id]) as lines:
                world.observer.wakes.note([device.device_id], "request-1")
                world.observer.wakes.note([device.device_id], "request-2")
                code = await world.create("4711")
                await world.wait_for(code, "set", MINUTE)
            told = [line for line in lines if line["event"] in ("lock.unreached", "visit.ended")]
            assert told[0]["request_id"] == "request-1,request-2"
            assert "request_id" not in told[-1]
        assert request_ids.current.get() is None

    run(story())


def test_what_wakes_is_bounded() -> None:
    wakes = Wakes()
    for number in range(LARGEST + 5):
        wakes.note([f"lock-{number}"], "request")
    assert wakes.take(["lock-4"]) == ()
    assert wakes.take(["lock-5"]) == ("request",)
    for number in range(LARGEST_OF_ONE + 5):
        wakes.note(["lock"], f"request-{number}")
    last = tuple(f"request-{number}" for number in range(5, LARGEST_OF_ONE + 5))
    assert wakes.take(["lock"]) == last
