"""Codes that a lock computes by itself, on virtual time, with the keypad as the judge."""

from typing import Any

import pytest

from latchwork.domain.commands import Changes, changed_code, deleted_code
from latchwork.domain.errors import Rejected
from latchwork.domain.problem import has
from support.delivery import on_virtual_time
from support.world import DAY, HOUR, MINUTE, SECOND, World


def computing_lock(**fields: Any) -> dict[str, Any]:
    capabilities = {"access_codes": False, "offline": {}, "reads": "nothing"}
    lock = {"key": "shed", "name": "Shed", "latency": 0.2, "capabilities": capabilities}
    return {"locks": [{**lock, "time_zone": "Europe/Amsterdam", **fields}]}


@on_virtual_time
async def test_hourly_code_opens_in_its_window_alone_and_without_a_link_to_the_lock() -> None:
    async with World(computing_lock()) as world:
        code = await world.create_offline(starts_in=3 * HOUR + 20 * MINUTE, lasts=4 * HOUR)
        world.lock().faults.offline = True
        await world.wait(MINUTE)
        standing = (await world.view(code)).code
        pin = standing.pin.reveal()
        assert (len(pin), standing.status.value, standing.scheduled_on_device) == (9, "unset", True)
        assert (standing.starts_at, standing.ends_at) == (
            world.clock.start + 3 * HOUR,
            world.clock.start + 8 * HOUR,
        )
        while world.clock.now() < world.clock.start + 10 * HOUR:
            is_open = 3 * HOUR <= world.clock.now() - world.clock.start < 8 * HOUR
            assert world.keypad(pin) == is_open
            await world.wait(MINUTE)
            if is_open and world.clock.now() - world.clock.start < 8 * HOUR:
                assert await world.status(code) == "set"
        assert await world.status(code) == "gone"
        assert await world.told(code) == [
            "created",
            "issued",
            "scheduled_on_device",
            "set_on_device",
            "removed_from_device",
        ]
        assert world.lock().radio.total == 0


@on_virtual_time
async def test_pain_10_daily_code_keeps_its_time_of_day_over_a_change_of_the_clocks() -> None:
    async with World(computing_lock()) as world:
        code = await world.create_offline(lasts=150 * DAY)
        await world.wait(MINUTE)
        standing = (await world.view(code)).code
        assert standing.offline is not None
        assert standing.offline.value == "daily"
        assert standing.ends_at is not None
        # Summer time has come by then: the same hour of the lock's clock is an hour earlier.
        assert standing.ends_at == world.clock.start + 150 * DAY - HOUR + DAY
        lock = world.lock()
        assert lock.opens(standing.pin, world.clock.start + 100 * DAY)
        assert lock.opens(standing.pin, standing.ends_at - SECOND)
        assert not lock.opens(standing.pin, standing.ends_at)
        assert not lock.opens(standing.pin, world.clock.start - SECOND)


@on_virtual_time
async def test_code_for_one_use_opens_once() -> None:
    async with World(computing_lock()) as world:
        code = await world.create_offline()
        await world.wait(MINUTE)
        assert await world.status(code) == "set"
        assert "igloo_algopin_must_be_used_within_24_hours" in await world.problems(code)
        pin = (await world.view(code)).code.pin.reveal()
        assert world.keypad(pin)
        await world.simulate("keypad_code_entry", code=pin)
        await world.wait(MINUTE)
        assert not world.keypad(pin)
        assert await world.status(code) == "gone"
        assert (await world.told(code))[-2:] == ["lock.unlocked", "removed_from_device"]


@on_virtual_time
async def test_equal_windows_have_different_codes_until_none_is_left() -> None:
    async with World(computing_lock()) as world:
        codes = [await world.create_offline(lasts=2 * HOUR) for _ in range(9)]
        await world.wait(MINUTE)
        views = [(await world.view(code)).code for code in codes]
        pins = {view.pin.reveal() for view in views if view.is_issued}
        assert len(pins) == 8
        assert all(world.keypad(pin) for pin in pins)
        [left_out] = [view for view in views if not view.is_issued]
        assert await world.problems(left_out.access_code_id) == {
            "provider_issue",
            "failed_to_issue",
        }


@on_virtual_time
async def test_provider_that_issues_late_is_told_and_asked_again() -> None:
    async with World(computing_lock(faults={"fail_next": -1})) as world:
        code = await world.create_offline(starts_in=2 * HOUR, lasts=4 * HOUR)
        await world.wait(HOUR)
        assert await world.problems(code) == set()
        await world.wait(HOUR + 5 * MINUTE)
        assert await world.status(code) == "setting"
        assert await world.problems(code) == {"delay_in_issuing"}
        await world.wait(20 * MINUTE)
        assert await world.problems(code) == {"delay_in_issuing", "failed_to_issue"}
        world.lock().faults.fail_next = 0
        await world.wait_for(code, "set", 6 * MINUTE)
        assert await world.problems(code) == set()
        told = await world.told(code)
        assert told == ["created", "delay_in_issuing", "failed_to_issue", "issued", "set_on_device"]


@on_virtual_time
async def test_crash_while_a_code_is_issued_does_not_issue_another() -> None:
    for tenth in range(1, 8):
        async with World(computing_lock(), seed=tenth) as world:
            code = await world.create_offline(lasts=2 * HOUR)
            await world.wait(tenth * SECOND / 10, SECOND / 10)
            await world.restart()
            await world.wait(MINUTE)
            assert world.keypad((await world.view(code)).code.pin.reveal())
            assert len(world.lock().issued) == 1
            assert (await world.told(code)).count("issued") == 1


@on_virtual_time
async def test_issued_code_can_be_neither_changed_nor_revoked() -> None:
    async with World(computing_lock()) as world:
        code = await world.create_offline(lasts=2 * HOUR)
        await world.wait(MINUTE)
        standing = (await world.view(code)).code
        with pytest.raises(Rejected, match="cannot be changed"):
            changed_code(standing, Changes(name="Bo"), world.clock.now(), world.new_id)
        with pytest.raises(Rejected, match="cannot be revoked"):
            deleted_code(standing, world.clock.now(), world.new_id)


@on_virtual_time
async def test_expired_subscription_is_the_providers_issue() -> None:
    async with World(computing_lock(faults={"subscription_expired": True})) as world:
        code = await world.create_offline(lasts=2 * HOUR)
        await world.wait(MINUTE)
        assert has((await world.view(code)).code.errors, "provider_issue")
        world.lock().faults.subscription_expired = False
        await world.wait_for(code, "set", 20 * MINUTE)
