"""The nuki driver against Nuki Web as it is documented."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from latchwork.domain.constraints import violations
from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.domain.observation import Empty, Holds, NotRead
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.clouds.driver import CloudDriver
from latchwork.drivers.clouds.model import AnswerLost, OutOfReach
from latchwork.drivers.nuki.driver import factory
from latchwork.drivers.nuki.events import news_of
from latchwork.drivers.protocol import (
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    LockOperated,
    Push,
)
from support.cloud_bench import serving
from support.driver_context import HandClock, KeptStore, context_for
from support.live_driver import killed_at, live
from support.nuki_web import TOKEN, NukiLock, NukiWeb

KEY = "7001"
GUEST, OTHER = Pin("471139"), Pin("258369")


class Rig:
    def __init__(self, nuki: NukiWeb, url: str) -> None:
        self.nuki, self.url, self.store = nuki, url, KeptStore()
        self.clock = HandClock(datetime.now(UTC))
        self.inbound_url: str | None = None

    def driver(self) -> CloudDriver:
        made = factory(
            context_for(
                factory,
                {"url": self.url},
                {"api_token": TOKEN},
                clock=self.clock,
                store=self.store,
                inbound_url=self.inbound_url,
            )
        )
        assert isinstance(made, CloudDriver)
        return made

    @property
    def lock(self) -> NukiLock:
        return self.nuki.locks[7001]

    @property
    def only_code(self) -> dict[str, Any]:
        [auth] = self.lock.auths.values()
        return auth

    async def settle(self) -> None:
        """All wishes reach their locks, and the last list is too old to be taken for the next."""
        self.lock.carries_out.set()
        await self.nuki.settle()
        await self.clock.move(timedelta(seconds=2))


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    nuki = NukiWeb()
    async with serving(nuki.app) as url:
        yield Rig(nuki, url)


async def test_locks_and_the_rules_of_their_pins(rig: Rig) -> None:
    rig.nuki.locks[7002].keypad = False
    rig.nuki.locks[7003] = NukiLock(7003, "Box", kind=1)
    async with live(rig.driver()) as connection:
        found = await connection.until(DevicesFound)
    first, second = found.devices
    limits = first.capabilities
    assert (limits.access_codes, second.capabilities.access_codes) == (True, False)
    assert (first.locked, first.battery_level, first.online) == (True, 0.9, True)
    assert not violations("471139", limits)
    for pin in ("4711", "471130", "123456", "47113x"):
        assert violations(pin, limits), pin


async def test_204_is_not_stored(rig: Rig) -> None:
    rig.lock.online = False
    async with live(rig.driver()) as connection:
        with pytest.raises(RetryLater):
            await connection.driver.observe(KEY, [1])
        rig.lock.online = True
        rig.lock.carries_out.clear()
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        [seen] = (await connection.driver.observe(KEY, [1])).values()
        assert isinstance(seen, NotRead)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, None, "Ada")}
        rig.lock.carries_out.clear()
        await connection.driver.clear(KEY, 1)
        [seen] = (await connection.driver.observe(KEY, [1])).values()
        assert isinstance(seen, NotRead)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}


async def test_what_never_shows_up_is_empty_in_the_end(rig: Rig) -> None:
    rig.lock.ignore_next = 1
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.clock.move(timedelta(minutes=2))
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, None, "Ada")}


async def test_a_window_is_set_and_lifted(rig: Rig) -> None:
    starts = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    window = Window(starts, starts + timedelta(days=2))
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", window)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, window, "Ada")}
        assert rig.only_code["allowedFromDate"] == "2026-12-01T14:00:00.000Z"
        auth_id = rig.only_code["id"]
        await connection.driver.write(KEY, 1, OTHER, "Ada", None)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(OTHER, None, "Ada")}
    assert rig.only_code["id"] == auth_id


@pytest.mark.parametrize(
    "by_hand", [{"enabled": False}, {"allowedWeekDays": 96}, {"allowedFromTime": 480}]
)
async def test_a_code_that_is_restricted_by_hand_is_no_longer_as_wished(
    rig: Rig, by_hand: dict[str, Any]
) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        await connection.driver.observe(KEY, [1])
        rig.only_code.update(by_hand)
        await rig.clock.move(timedelta(seconds=2))
        [seen] = (await connection.driver.observe(KEY, [1])).values()
        assert isinstance(seen, Holds)
        assert isinstance(seen.window, Window)
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, None, "Ada")}


async def test_an_operation_under_way_proves_nothing(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        rig.only_code["operationId"] = "65f0"
        [seen] = (await connection.driver.observe(KEY, [1])).values()
        assert isinstance(seen, NotRead)


async def test_a_lost_answer_makes_one_code(rig: Rig) -> None:
    rig.lock.lose_next = 1
    rig.lock.carries_out.clear()
    async with live(rig.driver()) as connection:
        with pytest.raises(RetryLater):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert rig.nuki.calls.count(f"PUT /smartlock/{KEY}/auth") == 1
        [seen] = (await connection.driver.observe(KEY, [1])).values()
        assert isinstance(seen, NotRead)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, None, "Ada")}


async def test_a_conflict_with_our_own_earlier_try_is_no_duplicate(rig: Rig) -> None:
    rig.lock.lose_next = 1
    rig.lock.carries_out.clear()
    async with live(rig.driver()) as connection:
        with pytest.raises(RetryLater):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        rig.nuki.refuse_next = [web.json_response([]), web.json_response({}, status=409)]
        with pytest.raises(RetryLater):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.clock.move(timedelta(minutes=11))
        rig.nuki.refuse_next = [web.json_response([]), web.json_response({}, status=409)]
        with pytest.raises(Conflict):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)


async def test_another_hands_code_is_found_before_anything_is_sent(rig: Rig) -> None:
    rig.lock.auths["hand"] = {"id": "hand", "type": 13, "code": 471139, "name": "Anna"}
    async with live(rig.driver()) as connection:
        with pytest.raises(Conflict) as caught:
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert caught.value.position == 100
    assert [call for call in rig.nuki.calls if not call.startswith("GET")] == []


async def test_another_hands_code_is_touched_only_by_who_has_seen_it(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        assert await connection.driver.observe(KEY, [100]) == {100: Empty()}
        rig.lock.auths["hand"] = {"id": "hand", "type": 13, "code": 471139, "name": "Anna"}
        await rig.clock.move(timedelta(seconds=11))
        with pytest.raises(RetryLater):
            await connection.driver.write(KEY, 100, OTHER, "Ada", None)
        with pytest.raises(RetryLater):
            await connection.driver.clear(KEY, 100)
        assert [call for call in rig.nuki.calls if not call.startswith("GET")] == []
        seen = await connection.driver.observe(KEY, [100])
        assert seen == {100: Holds(GUEST, None, "Anna")}
        await connection.driver.write(KEY, 100, OTHER, "Ada", None)
        await rig.settle()
        assert await connection.driver.observe(KEY, [100]) == {100: Holds(OTHER, None, "Ada")}
        await connection.driver.clear(KEY, 100)
        await rig.settle()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"detailMessage": "The supplied value '4' for parameter 'code' is no"}, Rejected),
        (400, {"detailMessage": "The supplied value '13' for parameter 'type'"}, NeedsAttention),
        (401, {}, NeedsAttention),
        (402, {}, NeedsAttention),
        (403, {}, NeedsAttention),
        (404, {}, NeedsAttention),
        (405, {}, Unsupported),
        (409, {}, Conflict),
        (422, {}, Rejected),
        (423, {}, RetryLater),
        (500, {}, AnswerLost),
        (502, {}, OutOfReach),
        (503, {}, OutOfReach),
        (504, {}, OutOfReach),
    ],
)
async def test_answers_say_what_to_do(
    rig: Rig, status: int, body: dict[str, Any], kind: type[LatchworkError]
) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.observe(KEY, [1])
        rig.nuki.refuse_next = [web.json_response(body, status=status)]
        with pytest.raises(LatchworkError) as caught:
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert type(caught.value) is kind
        assert "471139" not in str(caught.value)


async def test_a_code_that_is_gone_is_made_anew_and_counts_as_cleared(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        await connection.driver.observe(KEY, [1])
        rig.lock.auths.clear()
        with pytest.raises(RetryLater, match="gone"):
            await connection.driver.write(KEY, 1, OTHER, "Ada", None)
        await connection.driver.clear(KEY, 1)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}
        await connection.driver.write(KEY, 1, OTHER, "Ada", None)
        await rig.settle()
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(OTHER, None, "Ada")}


async def test_a_rate_limit_is_kept(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        rig.nuki.refuse_next = [web.json_response({}, status=429, headers={"retry-after": "90"})]
        with pytest.raises(RetryLater) as caught:
            await connection.driver.observe(KEY, [1])
        assert caught.value.after == timedelta(seconds=90)
        calls = len(rig.nuki.calls)
        await rig.clock.move(timedelta(seconds=89))
        with pytest.raises(RetryLater):
            await connection.driver.observe(KEY, [1])
        assert len(rig.nuki.calls) == calls
        await rig.clock.move(timedelta(seconds=1))
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}


async def test_what_does_not_follow_the_documentation_is_named_without_its_values(
    rig: Rig,
) -> None:
    rig.nuki.refuse_next = [web.json_response([{"smartlockId": "secret-471139"}])]
    with pytest.raises(NeedsAttention, match="GET /smartlock") as caught:
        async with live(rig.driver()):
            pass
    assert "471139" not in str(caught.value)


async def test_webhooks_are_registered_once_and_must_be_signed(rig: Rig) -> None:
    received: list[Push] = []
    driver: CloudDriver | None = None

    async def inbound(request: web.Request) -> web.Response:
        assert driver is not None
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            received.extend(await driver.receive(headers, await request.read()))
        except Rejected:
            return web.Response(status=401)
        return web.Response()

    app = web.Application()
    app.router.add_post("/inbound", inbound)
    async with serving(app) as url:
        rig.inbound_url = f"{url}/inbound"
        for _ in range(2):
            driver = rig.driver()
            async with live(driver) as connection:
                found = await connection.until(DevicesFound)
                assert found.devices[0].capabilities.pushes_changes
                rig.lock.battery = 15
                await rig.nuki.tell_status(rig.lock)
                status = rig.lock.shown()
                forged = {"feature": "DEVICE_STATUS", "smartlockId": 7001, "state": status["state"]}
                assert await rig.nuki.tell(forged, secret="guess") == [401]
    assert len(rig.nuki.webhooks) == 1
    told = DeviceChanged(provider_key=KEY, online=True, locked=True, battery_level=0.15)
    assert received == [told, told]


async def test_an_account_without_webhooks_is_polled(rig: Rig) -> None:
    rig.nuki.advanced = False
    rig.inbound_url = "https://locks.example.com/latchwork/inbound/x"
    async with live(rig.driver()) as connection:
        found = await connection.until(DevicesFound)
        assert not found.devices[0].capabilities.pushes_changes
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        await connection.driver.observe(KEY, [1])
        await connection.driver.unlock(KEY)
        assert await rig.nuki.type_pin(rig.lock, "471139")
        await rig.clock.move(timedelta(seconds=60))
        remote = await connection.until(LockOperated, lambda p: p.method == "remote")
        typed = await connection.until(LockOperated, lambda p: p.method == "keycode")
    assert (remote.locked, remote.position) == (False, None)
    assert (typed.locked, typed.position) == (False, 1)
    assert rig.nuki.calls.count("GET /smartlock/log") == 1


async def test_a_busy_log_is_read_to_its_end(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        await connection.driver.observe(KEY, [1])
        for _ in range(120):
            assert await rig.nuki.type_pin(rig.lock, "471139")
        await rig.clock.move(timedelta(seconds=60))

        def told() -> list[str | None]:
            return [p.report_id for p in connection.pushes if isinstance(p, LockOperated)]

        await connection.until(LockOperated, lambda _: len(told()) >= 120)
    assert len(set(told())) == len(told()) == 120
    assert rig.nuki.calls.count("GET /smartlock/log") == 3


async def test_what_was_told_and_not_stored_is_told_after_the_next_start(rig: Rig) -> None:
    driver = rig.driver()

    async def typed() -> None:
        await driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        await driver.observe(KEY, [1])
        assert await rig.nuki.type_pin(rig.lock, "471139")
        await rig.clock.move(timedelta(seconds=60))

    await killed_at(driver, LockOperated, typed)
    async with live(rig.driver()) as connection:
        await connection.driver.observe(KEY, [1])
        await rig.clock.move(timedelta(seconds=60))
        assert (await connection.until(LockOperated)).position == 1
        await connection.driver.observe(KEY, [1])
    async with live(rig.driver()) as connection:
        await connection.driver.unlock(KEY)
        await rig.clock.move(timedelta(seconds=60))
        assert (await connection.until(LockOperated)).method == "remote"


async def test_without_a_webhook_of_ours_nothing_is_received(rig: Rig) -> None:
    driver = rig.driver()
    async with live(driver):
        with pytest.raises(Rejected):
            await driver.receive({}, b"{}")


async def test_an_authorisation_that_changed_is_read_anew(rig: Rig) -> None:
    rig.inbound_url = "http://127.0.0.1:1/inbound"
    driver = rig.driver()
    async with live(driver):
        await driver.write(KEY, 1, GUEST, "Ada", None)
        await rig.settle()
        await driver.observe(KEY, [1])
        body = json.dumps({"feature": "DEVICE_AUTHS", "smartlockAuth": rig.only_code}).encode()
        told = await driver._news.pushes(news_of(body))
        assert told == [CodesChanged(provider_key=KEY, positions=(1,))]
