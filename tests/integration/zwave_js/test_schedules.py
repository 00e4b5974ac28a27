"""Native schedules on the real Schedule Entry Lock of a User Code V2 lock."""

from datetime import UTC, datetime, timedelta

import pytest

from latchwork.domain.observation import Holds
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window, same_schedule
from latchwork.drivers.protocol import DevicesFound, Driver
from support.zwave_connection import Connection, key, make_driver
from support.zwave_rig import SCHEDULE_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]

KEY = key(SCHEDULE_LOCK)
STAY = Window(
    datetime(2027, 3, 27, 14, 0, 20, tzinfo=UTC), datetime(2027, 3, 29, 9, 30, 40, tzinfo=UTC)
)


async def stored_window(driver: Driver, position: int) -> Window | None:
    seen = (await driver.observe(KEY, [position]))[position]
    assert isinstance(seen, Holds)
    assert seen.window is None or isinstance(seen.window, Window)
    return seen.window


async def test_a_window_is_stored_read_back_and_moved(rig: ZwaveRig, driver: Driver) -> None:
    await driver.write(KEY, 1, Pin("4711"), None, STAY)
    state = rig.state(SCHEDULE_LOCK)
    assert state["codes"]["1"]["pin"] == "4711"
    assert state["schedules"]["1"] == {
        "startYear": 27,
        "startMonth": 3,
        "startDay": 27,
        "startHour": 14,
        "startMinute": 0,
        "stopYear": 27,
        "stopMonth": 3,
        "stopDay": 29,
        "stopHour": 9,
        "stopMinute": 31,
    }
    assert not rig.keypad(SCHEDULE_LOCK, "4711")
    assert same_schedule(await stored_window(driver, 1), STAY)
    longer = Window(STAY.starts_at, datetime(2027, 3, 30, 9, 0, tzinfo=UTC))
    await driver.write(KEY, 1, Pin("4711"), None, longer)
    assert await stored_window(driver, 1) == longer


async def test_a_window_that_is_open_lets_the_pin_in(rig: ZwaveRig, driver: Driver) -> None:
    now = datetime.now(UTC)
    open_now = Window(now - timedelta(hours=1), now + timedelta(hours=1))
    await driver.write(KEY, 1, Pin("4711"), None, open_now)
    assert rig.keypad(SCHEDULE_LOCK, "4711")


async def test_no_window_removes_the_one_that_stood_there(rig: ZwaveRig, driver: Driver) -> None:
    await driver.write(KEY, 1, Pin("4711"), None, STAY)
    await driver.write(KEY, 1, Pin("4711"), None, None)
    assert rig.state(SCHEDULE_LOCK)["schedules"] == {}
    assert await stored_window(driver, 1) is None
    assert rig.keypad(SCHEDULE_LOCK, "4711")


async def test_clearing_erases_the_schedule(rig: ZwaveRig, driver: Driver) -> None:
    await driver.write(KEY, 1, Pin("4711"), None, STAY)
    await driver.clear(KEY, 1)
    state = rig.state(SCHEDULE_LOCK)
    assert state["codes"] == {}
    assert state["schedules"] == {}


async def test_the_pin_is_never_on_the_lock_without_its_window(
    rig: ZwaveRig, driver: Driver
) -> None:
    await driver.write(KEY, 1, Pin("4711"), None, STAY)
    commands = rig.state(SCHEDULE_LOCK)["commands"]
    schedule = commands.index("ScheduleEntryLockCCYearDayScheduleSet")
    assert schedule < commands.index("UserCodeCCExtendedUserCodeSet")


async def test_the_lock_is_put_on_utc_for_its_schedules(rig: ZwaveRig, driver: Driver) -> None:
    """Z-Wave JS had set it to its host's zone in the interview."""
    await driver.write(KEY, 1, Pin("4711"), None, STAY)
    state = rig.state(SCHEDULE_LOCK)
    assert (state["standardOffset"], state["dstOffset"]) == (0, 0)


async def test_another_connection_reads_the_same_window(rig: ZwaveRig, live: Connection) -> None:
    await live.driver.write(KEY, 1, Pin("4711"), None, STAY)
    other = Connection(make_driver(rig.url))
    try:
        await other.until(DevicesFound)
        assert same_schedule(await stored_window(other.driver, 1), STAY)
    finally:
        await other.end()


async def test_a_named_zone_is_the_locks_time(rig: ZwaveRig, live: Connection) -> None:
    zoned = Connection(make_driver(rig.url, time_zone="Europe/Amsterdam"))
    try:
        found = await zoned.until(DevicesFound)
        assert {d.time_zone for d in found.devices} == {"Europe/Amsterdam"}
        await zoned.driver.write(KEY, 1, Pin("4711"), None, STAY)
        assert await stored_window(zoned.driver, 1) == STAY
    finally:
        await zoned.end()
    state = rig.state(SCHEDULE_LOCK)
    assert (state["standardOffset"], state["dstOffset"]) == (60, 120)
    # Daylight saving time begins in the night of the 28th.
    assert state["schedules"]["1"]["startHour"] == 15
    assert state["schedules"]["1"]["stopHour"] == 11
