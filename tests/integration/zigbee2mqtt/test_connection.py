"""Finding, losing and advising: what the driver makes of broker, Zigbee2MQTT and locks."""

import asyncio
from typing import Any

import pytest

from latchwork.domain.device import Reads
from latchwork.domain.errors import NeedsAttention, RetryLater
from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import (
    AccessDenied,
    AccountChanged,
    DeviceChanged,
    DevicesFound,
    Driver,
    LockOperated,
)
from latchwork.drivers.zigbee2mqtt.driver import factory
from support.driver_context import context_for
from support.live_driver import live
from support.zigbee_bench import expose_pin, publish, request
from support.zigbee_rig import IEEE, NAMES, PASSWORD, PLAIN_LOCK, SCHEDULE_LOCK, USER, ZigbeeRig

pytestmark = [pytest.mark.acceptance]

FRONT, BACK = IEEE[SCHEDULE_LOCK], IEEE[PLAIN_LOCK]


def make(rig: ZigbeeRig, secrets: dict[str, str] | None = None, **settings: Any) -> Driver:
    return factory(context_for(factory, {"url": rig.url, **settings}, secrets or {}))


@pytest.fixture(autouse=True)
def quiet_locks(rig: ZigbeeRig) -> None:
    for lock in (SCHEDULE_LOCK, PLAIN_LOCK):
        rig.reset(lock)


async def test_the_locks_are_found_with_what_they_tell_of_themselves(rig: ZigbeeRig) -> None:
    async with live(make(rig, time_zone="Europe/Amsterdam")) as connection:
        found = await connection.until(DevicesFound)
        front, back = sorted(found.devices, key=lambda d: d.provider_key)
        assert found.complete
        assert (front.provider_key, front.display_name) == (FRONT, NAMES[SCHEDULE_LOCK])
        assert back.display_name == NAMES[PLAIN_LOCK]
        assert front.manufacturer == "Yale"
        assert front.online
        assert (front.capabilities.first_position, front.capabilities.positions) == (0, 10)
        assert front.capabilities.reads is Reads.PIN
        assert front.capabilities.native_scheduling
        assert not back.capabilities.native_scheduling


async def test_a_broker_with_passwords(rig: ZigbeeRig) -> None:
    for secrets in ({}, {"password": "wrong"}):
        with pytest.raises(NeedsAttention) as caught:
            async with live(
                factory(context_for(factory, {"url": rig.guarded_url, "username": USER}, secrets))
            ):
                pass
        assert "wrong" not in str(caught.value)
    settings = {"url": rig.guarded_url, "username": USER}
    async with live(factory(context_for(factory, settings, {"password": PASSWORD}))) as connection:
        await connection.until(DevicesFound)


async def test_a_broker_that_is_not_there_is_tried_again(rig: ZigbeeRig) -> None:
    driver = factory(context_for(factory, {"url": "mqtt://127.0.0.1:1"}, {}))
    with pytest.raises(RetryLater):
        async with live(driver):
            pass
    with pytest.raises(RetryLater):
        await driver.observe(FRONT, [1])


async def test_two_locks_of_two_connections_do_not_meet(rig: ZigbeeRig) -> None:
    """As two instances of Zigbee2MQTT: each connection has answers of its own."""
    async with live(make(rig)) as one, live(make(rig)) as other:
        await asyncio.gather(
            one.driver.write(FRONT, 1, Pin("1111"), None, None),
            other.driver.write(BACK, 1, Pin("2222"), None, None),
            one.driver.write(BACK, 2, Pin("3333"), None, None),
        )
    assert rig.pins(SCHEDULE_LOCK) == {1: "1111"}
    assert rig.pins(PLAIN_LOCK) == {1: "2222", 2: "3333"}


async def test_a_topic_without_zigbee2mqtt_is_tried_again(
    rig: ZigbeeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latchwork.drivers.zigbee2mqtt.network.FIRST_LIST", 0.3)
    with pytest.raises(RetryLater, match="other"):
        async with live(make(rig, base_topic="other")):
            pass


async def test_zigbee2mqtt_goes_offline_and_comes_back(rig: ZigbeeRig) -> None:
    async with live(make(rig)) as connection:
        await asyncio.to_thread(rig.stop_bridge)
        with pytest.raises(RetryLater, match="offline"):
            async with asyncio.timeout(10):
                await connection.running
        with pytest.raises(RetryLater):
            async with live(make(rig)):
                pass
        await asyncio.to_thread(rig.start_bridge)
    async with live(make(rig)) as connection:
        assert await connection.driver.probe(FRONT)


@pytest.mark.parametrize("form", ['{{"state": "{}"}}', "{}"], ids=["json", "plain"])
async def test_availability_is_told_as_it_changes_and_to_who_comes_later(
    rig: ZigbeeRig, form: str
) -> None:
    """Zigbee2MQTT takes a day to give up a lock on batteries, so the test says it in its place."""
    topic = f"{NAMES[SCHEDULE_LOCK]}/availability"
    try:
        async with live(make(rig)) as connection:
            await publish(rig, topic, form.format("offline"))
            lost = await connection.until(DeviceChanged, lambda p: p.online is False)
            assert lost.provider_key == FRONT
        async with live(make(rig)) as connection:
            found = await connection.until(DevicesFound)
            assert {d.provider_key: d.online for d in found.devices} == {FRONT: False, BACK: True}
            await publish(rig, topic, form.format("online"))
            await connection.until(
                DeviceChanged, lambda p: p.online is True and p.provider_key == FRONT
            )
    finally:
        await publish(rig, topic, '{"state": "online"}')


async def test_settings_that_tell_or_hide_pins_are_warned_of(rig: ZigbeeRig) -> None:
    async with live(make(rig)) as connection:
        told = await connection.until(AccountChanged)
        assert "log_level" in str(told.conditions["setup_required"])
        await expose_pin(rig, SCHEDULE_LOCK, on=False)
        told = await connection.until(AccountChanged, lambda p: "expose_pin" in str(p.conditions))
        assert NAMES[SCHEDULE_LOCK] in str(told.conditions["setup_required"])
        await expose_pin(rig, SCHEDULE_LOCK, on=True)
        await request(rig, "options", {"options": {"advanced": {"log_level": "warning"}}})
        await connection.until(AccountChanged, lambda p: p.conditions["setup_required"] is False)
        await request(rig, "options", {"options": {"advanced": {"log_level": "info"}}})


async def test_the_bolt_is_moved_and_told(rig: ZigbeeRig) -> None:
    async with live(make(rig)) as connection:
        await connection.driver.unlock(FRONT)
        assert not rig.state(SCHEDULE_LOCK)["locked"]
        await connection.driver.lock(FRONT)
        assert rig.state(SCHEDULE_LOCK)["locked"]
        await connection.driver.write(FRONT, 4, Pin("4711"), None, None)
        assert rig.keypad(SCHEDULE_LOCK, "4711")
        assert await connection.until(LockOperated) == LockOperated(
            provider_key=FRONT, locked=False, method="keycode", position=4
        )
        await connection.until(DeviceChanged, lambda p: p.locked is False)
        assert not rig.keypad(SCHEDULE_LOCK, "9999")
        await connection.until(AccessDenied)


async def test_a_lock_that_is_gone_needs_attention(rig: ZigbeeRig) -> None:
    async with live(make(rig)) as connection:
        with pytest.raises(NeedsAttention):
            await connection.driver.observe("0xdead", [1])


async def test_no_pin_reaches_the_log(rig: ZigbeeRig, capfd: pytest.CaptureFixture[str]) -> None:
    async with live(make(rig)) as connection:
        await connection.driver.write(FRONT, 1, Pin("583920"), None, None)
        rig.fault(SCHEDULE_LOCK, offline=True)
        with pytest.raises(RetryLater) as caught:
            await connection.driver.write(FRONT, 2, Pin("583921"), None, None)
    written = "".join(capfd.readouterr()) + str(caught.value)
    assert "58392" not in written
