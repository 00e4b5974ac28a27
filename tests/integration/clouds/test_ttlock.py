"""The ttlock driver against the platform as it is documented."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import pytest

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
from latchwork.drivers.clouds.model import OutOfReach
from latchwork.drivers.protocol import (
    AccessDenied,
    CodesChanged,
    DeviceChanged,
    DevicesFound,
    LockOperated,
)
from latchwork.drivers.ttlock import failures, wire
from latchwork.drivers.ttlock.cloud import TtlockCloud
from latchwork.drivers.ttlock.driver import factory
from latchwork.drivers.ttlock.failures import (
    POWER_SAVING,
    QUOTA_SPENT,
    TOKEN_VOID,
    TOO_MANY_CALLS,
)
from support.cloud_bench import serving
from support.driver_context import HandClock, KeptStore, context_for
from support.live_driver import killed_at, live
from support.shown import shows
from support.ttlock_bench import SECRETS, settings_for
from support.ttlock_platform import PASSWORD, TtLock, TtlockPlatform

KEY = "501"
GUEST = Pin("4711")


class Rig:
    def __init__(self, platform: TtlockPlatform, url: str) -> None:
        self.platform, self.url, self.store = platform, url, KeptStore()
        self.clock = HandClock(datetime.now(UTC))
        platform.now = lambda: self.clock.now().timestamp()

    def driver(self, **secrets: str) -> CloudDriver:
        made = factory(
            context_for(
                factory,
                settings_for(self.url),
                {**SECRETS, **secrets},
                clock=self.clock,
                store=self.store,
            )
        )
        assert isinstance(made, CloudDriver)
        return made

    @property
    def lock(self) -> TtLock:
        return self.platform.locks[501]

    @property
    def only_code(self) -> dict[str, Any]:
        [code] = self.lock.codes.values()
        return code


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    platform = TtlockPlatform()
    async with serving(platform.app) as url:
        yield Rig(platform, url)


async def test_locks_are_listed_with_what_they_can(rig: Rig) -> None:
    rig.platform.locks[502].gateway = False
    async with live(rig.driver()) as connection:
        found = await connection.until(DevicesFound)
    first, second = found.devices
    assert found.complete
    assert (first.provider_key, first.display_name, first.battery_level) == (KEY, "Lock 501", 0.9)
    assert first.capabilities.native_scheduling
    assert first.capabilities.code_lengths == (4, 5, 6, 7, 8, 9)
    assert (first.online, second.online) == (True, False)


async def test_tokens_outlive_a_restart_and_are_renewed(rig: Rig) -> None:
    async with live(rig.driver()):
        pass
    async with live(rig.driver()) as connection:
        assert rig.platform.grants == ["password"]
        rig.platform.tokens.clear()
        await connection.driver.observe(KEY, [1])
        assert rig.platform.grants == ["password", "refresh_token"]
        rig.platform.tokens.clear()
        rig.platform.refresh_tokens.clear()
        await connection.driver.scan("502")
    assert rig.platform.grants == ["password", "refresh_token", "refresh_token", "password"]


async def test_a_token_is_renewed_before_it_expires(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await rig.clock.move(timedelta(days=90) - timedelta(minutes=1))
        await connection.driver.observe(KEY, [1])
    assert rig.platform.grants == ["password", "refresh_token"]


async def test_a_clock_that_is_off_is_told(rig: Rig) -> None:
    rig.platform.now = lambda: rig.clock.now().timestamp() - 301
    with pytest.raises(NeedsAttention, match="clock"):
        async with live(rig.driver()):
            pass


async def test_a_wrong_password_needs_a_person(rig: Rig) -> None:
    with pytest.raises(NeedsAttention, match="password is wrong") as caught:
        async with live(rig.driver(password="wrong")):
            pass
    assert PASSWORD not in str(caught.value)


async def test_an_ongoing_code_is_permanent(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        seen = await connection.driver.observe(KEY, [1, 2])
    assert rig.only_code["keyboardPwdType"] == 2
    assert seen == {1: Holds(GUEST, None, "Ada"), 2: Empty()}


@pytest.mark.parametrize("seconds", [0, 1, 59])
async def test_windows_go_in_milliseconds_and_are_never_cut_short(rig: Rig, seconds: int) -> None:
    starts = datetime(2026, 12, 1, 14, 0, seconds, tzinfo=UTC)
    ends = datetime(2026, 12, 3, 10, 0, seconds, tzinfo=UTC)
    window = Window(starts, ends)
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", window)
        code = rig.only_code
        assert code["startDate"] == 1_796_133_600_000
        assert code["endDate"] == 1_796_292_000_000 + (60_000 if seconds else 0)
        [seen] = (await connection.driver.observe(KEY, [1])).values()
    assert isinstance(seen, Holds)


@pytest.mark.parametrize(
    "window",
    [
        Window(None, datetime(2026, 12, 3, 10, 0, tzinfo=UTC)),
        Window(datetime(2026, 12, 3, 10, 0, tzinfo=UTC), None),
    ],
)
async def test_a_window_may_be_open_on_one_side(rig: Rig, window: Window) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", window)
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, window, "Ada")}


async def test_a_change_sends_both_dates_and_the_pin_only_when_it_differs(rig: Rig) -> None:
    starts = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
    window = Window(starts, starts + timedelta(days=2))
    longer = Window(starts, starts + timedelta(days=3))
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", window)
        code_id = rig.only_code["keyboardPwdId"]
        await connection.driver.write(KEY, 1, GUEST, "Ada", longer)
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, longer, "Ada")}
        await connection.driver.write(KEY, 1, Pin("2580"), "Ada", None)
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(Pin("2580"), None, "Ada")}
    assert rig.only_code["keyboardPwdId"] == code_id


async def test_a_code_that_is_gone_already_counts_as_cleared(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        rig.lock.codes.clear()
        await connection.driver.clear(KEY, 1)
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}


async def test_long_lists_come_in_pages(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        for n in range(230):
            rig.lock.codes[n] = {"keyboardPwdId": n, "keyboardPwd": f"{5000 + n}", "isCustom": 1}
        rig.lock.codes[999] = {"keyboardPwdId": 999, "keyboardPwd": "777777", "isCustom": 0}
        seen = await connection.driver.scan(KEY)
    assert sum(isinstance(one, Holds) for one in seen.values()) == 230
    assert len(seen) == 250


MEANINGS: Final[dict[int, type[LatchworkError]]] = {
    -3007: Conflict,
    -3009: NeedsAttention,
    -4056: NeedsAttention,
    -3006: Rejected,
    -2032: Rejected,
    -3: Rejected,
    -2009: RetryLater,
    -2012: OutOfReach,
    -3002: OutOfReach,
    -3036: OutOfReach,
    -3003: RetryLater,
    -3037: RetryLater,
    -3034: NeedsAttention,
    -4043: Unsupported,
    -1003: NeedsAttention,
    -2018: NeedsAttention,
    -2025: NeedsAttention,
    20002: NeedsAttention,
    10000: NeedsAttention,
    10001: NeedsAttention,
    10007: NeedsAttention,
    10011: NeedsAttention,
    30008: NeedsAttention,
    80000: NeedsAttention,
    90000: RetryLater,
    12345: RetryLater,
}
ELSEWHERE: Final = {POWER_SAVING, *TOKEN_VOID, TOO_MANY_CALLS, QUOTA_SPENT}
"""Codes that the driver does something about, in tests of their own."""


def test_no_error_code_is_left_untested() -> None:
    assert failures._TABLE.keys() <= MEANINGS.keys() | ELSEWHERE


@pytest.mark.parametrize(("code", "kind"), MEANINGS.items())
async def test_error_codes_say_what_to_do(rig: Rig, code: int, kind: type[LatchworkError]) -> None:
    async with live(rig.driver()) as connection:
        rig.lock.fail_next = [code]
        with pytest.raises(LatchworkError) as caught:
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        assert type(caught.value) is kind
        assert not rig.lock.codes
        assert "4711" not in str(caught.value)


async def test_a_lock_that_saves_power_and_cannot_be_left_a_message_is_out_of_reach(
    rig: Rig,
) -> None:
    async with live(rig.driver()) as connection:
        rig.lock.fail_next = [POWER_SAVING, POWER_SAVING]
        with pytest.raises(OutOfReach):
            await connection.driver.write(KEY, 1, GUEST, "Ada", None)


@pytest.mark.parametrize("code", sorted(TOKEN_VOID))
async def test_a_void_token_is_renewed_once_and_then_needs_a_person(rig: Rig, code: int) -> None:
    async with live(rig.driver()) as connection:
        rig.platform.fail_calls = [code]
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}
        assert rig.platform.grants == ["password", "refresh_token"]
        rig.platform.fail_calls = [code, code]
        with pytest.raises(NeedsAttention):
            await connection.driver.scan("502")
        assert len(rig.platform.grants) == 3


async def test_too_many_calls_mean_a_minute_of_silence(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        rig.platform.fail_calls = [30006]
        with pytest.raises(RetryLater) as caught:
            await connection.driver.observe(KEY, [1])
        assert caught.value.after == timedelta(minutes=1)
        calls = len(rig.platform.calls)
        with pytest.raises(RetryLater):
            await connection.driver.observe(KEY, [1])
        assert len(rig.platform.calls) == calls
        await rig.clock.move(timedelta(minutes=1))
        assert await connection.driver.observe(KEY, [1]) == {1: Empty()}


async def test_a_spent_quota_needs_a_person_and_stays_quiet(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        rig.platform.fail_calls = [30007]
        with pytest.raises(NeedsAttention, match="quota"):
            await connection.driver.observe(KEY, [1])
        calls = len(rig.platform.calls)
        with pytest.raises(RetryLater):
            await connection.driver.observe(KEY, [1])
    assert len(rig.platform.calls) == calls


async def test_a_lock_that_saves_power_gets_it_later_and_is_not_believed_before(rig: Rig) -> None:
    rig.lock.saves_power = True
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        [seen] = (await connection.driver.observe(KEY, [1])).values()
        assert isinstance(seen, NotRead)
        rig.only_code["status"] = 1
        await rig.clock.move(timedelta(seconds=2))
        assert await connection.driver.observe(KEY, [1]) == {1: Holds(GUEST, None, "Ada")}


async def test_what_failed_later_is_raised_at_the_next_try_and_cleared_away(rig: Rig) -> None:
    rig.lock.saves_power = True
    driver = rig.driver()
    async with live(driver):
        await driver.write(KEY, 1, GUEST, "Ada", None)
        code_id = rig.only_code["keyboardPwdId"]
        rig.only_code["status"] = 5
        body = f"notifyType=4&lockId=501&objectType=2&objectId={code_id}&errcode=-3007"
        assert await driver.receive({}, body.encode()) == [
            CodesChanged(provider_key=KEY, positions=(1,))
        ]
        assert await driver.observe(KEY, [1]) == {1: Empty()}
        with pytest.raises(Conflict):
            await driver.write(KEY, 1, GUEST, "Ada", None)
        assert not rig.lock.codes
        await driver.write(KEY, 1, Pin("2580"), "Ada", None)
    assert rig.only_code["keyboardPwd"] == "2580"


async def test_a_code_that_the_platform_calls_invalid_does_not_count(rig: Rig) -> None:
    async with live(rig.driver()) as connection:
        await connection.driver.write(KEY, 1, GUEST, "Ada", None)
        rig.only_code["status"] = 2
        [seen] = (await connection.driver.observe(KEY, [1])).values()
    assert isinstance(seen, Holds)
    assert isinstance(seen.window, Window)
    assert seen.window.has_ended(rig.clock.now())


async def test_a_typed_passcode_names_its_position_once(rig: Rig) -> None:
    driver = rig.driver()
    async with live(driver) as connection:
        await driver.write(KEY, 1, GUEST, "Ada", None)
        assert await rig.platform.type_pin(rig.lock, "4711")
        [record] = rig.lock.records
        body = {"notifyType": "1", "lockId": "501", "records": json.dumps([record])}
        told = await driver.receive({}, _form(body))
        used = next(p for p in told if isinstance(p, LockOperated))
        assert (used.position, used.locked, used.method) == (1, False, "keycode")
        await rig.clock.move(timedelta(minutes=15))
        polled = await connection.until(LockOperated)
        assert (polled.position, polled.report_id) == (1, used.report_id)


async def test_what_was_told_and_not_stored_is_told_after_the_next_start(rig: Rig) -> None:
    driver = rig.driver()

    async def typed() -> None:
        await driver.write(KEY, 1, GUEST, "Ada", None)
        assert await rig.platform.type_pin(rig.lock, "4711")
        await rig.clock.move(timedelta(minutes=15))

    await killed_at(driver, LockOperated, typed)
    async with live(rig.driver()) as connection:
        await connection.driver.observe(KEY, [1])
        await rig.clock.move(timedelta(minutes=15))
        assert (await connection.until(LockOperated)).position == 1


async def test_a_record_too_long_to_be_read_at_once_is_told_part_by_part(rig: Rig) -> None:
    # Records have whole milliseconds, this clock has not.
    rig.clock = HandClock(datetime(2026, 11, 27, 12, 0, 0, 400, tzinfo=UTC))
    cloud = TtlockCloud(context_for(factory, settings_for(rig.url), SECRETS, clock=rig.clock))
    await cloud.locks()
    await cloud.subscribe()
    began = rig.clock.now()
    minutes = [began + timedelta(minutes=n) for n in range(1, 6001)]
    rig.lock.records = [
        {"recordType": 10, "success": 1, "lockDate": wire.to_ms(at), "serverDate": wire.to_ms(at)}
        for at in minutes
    ]
    await rig.clock.move(timedelta(minutes=6001))
    parts = []
    while (part := await cloud.news()) and len(parts) < 5:
        assert await cloud.news() == part, "not stored yet"
        await cloud.news_taken()
        parts.append(part)
    await cloud.aclose()
    assert len(parts) == 2
    told = [one.occurred_at for part in parts for one in part if isinstance(one, LockOperated)]
    assert told == [wire.from_ms(wire.to_ms(at)) for at in minutes]


def _form(values: dict[str, str]) -> bytes:
    return urlencode(values).encode()


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"recordType": 4, "success": 0}, AccessDenied(provider_key=KEY, report_id="None.4")),
        ({"recordType": 30}, DeviceChanged(provider_key=KEY, door_open=False)),
        ({"recordType": 44}, DeviceChanged(provider_key=KEY, tampered=True)),
        (
            {"recordType": 45},
            LockOperated(provider_key=KEY, locked=True, method="automatic", report_id="None.45"),
        ),
    ],
)
async def test_records_of_other_kinds(rig: Rig, record: dict[str, Any], told: Any) -> None:
    driver = rig.driver()
    async with live(driver):
        body = {"notifyType": "1", "lockId": "501", "records": json.dumps([record])}
        assert await driver.receive({}, _form(body)) == [told]


async def test_wifi_locks_come_and_go(rig: Rig) -> None:
    driver = rig.driver()
    async with live(driver):
        told = await driver.receive({}, b"notifyType=3&lockId=501&isOnline=0")
        assert told == [DeviceChanged(provider_key=KEY, online=False)]
        rig.lock.gateway = False
        with pytest.raises(RetryLater):
            await driver.observe(KEY, [1])
        rig.lock.gateway = True
        assert await driver.observe(KEY, [1]) == {1: Empty()}


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"notifyType=1&lockId=x&records=[]", b"notifyType=1&lockId=501&records=4"]
)
async def test_what_is_no_callback_is_refused(rig: Rig, body: bytes) -> None:
    driver = rig.driver()
    async with live(driver):
        with pytest.raises(Rejected):
            await driver.receive({}, body)


async def test_nothing_secret_is_shown(rig: Rig) -> None:
    driver = rig.driver()
    async with live(driver):
        await driver.write(KEY, 1, GUEST, "Ada", None)
        shown = repr(vars(driver)) + repr(driver._book.page(KEY).slots)
    assert not shows(shown, "4711")
    assert PASSWORD not in shown
