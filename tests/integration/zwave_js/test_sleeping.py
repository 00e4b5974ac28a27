"""A lock that hears nothing while it sleeps. Z-Wave JS keeps its commands until it wakes up."""

import asyncio

import pytest

from latchwork.domain.errors import RetryLater
from latchwork.domain.observation import Empty, Holds, Observation
from latchwork.domain.pin import Pin
from latchwork.drivers.zwave_js.client import Client
from support.zwave_connection import Connection, key
from support.zwave_rig import SLEEPING_LOCK, V1_LOCK, ZwaveRig

pytestmark = [pytest.mark.acceptance]
SLEEPER = key(SLEEPING_LOCK)
PATIENCE = 30.0


async def awake(rig: ZwaveRig, connection: Connection, position: int) -> Observation:
    """What a position of the sleeping lock holds, once it is awake and has answered."""
    async with asyncio.timeout(PATIENCE):
        while True:
            rig.wake(SLEEPING_LOCK)
            try:
                return (await connection.driver.observe(SLEEPER, [position]))[position]
            except RetryLater:
                await asyncio.sleep(0.1)


async def test_a_command_that_a_sleeping_lock_will_hear_later_is_waited_for_before_any_read(
    sleeping: ZwaveRig, sleeping_live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = sleeping_live.driver
    assert await awake(sleeping, sleeping_live, 1) == Empty()
    sleeping.sleep(SLEEPING_LOCK)
    monkeypatch.setattr(Client, "command_timeout", 0.3)
    with pytest.raises(RetryLater, match="in time"):
        await driver.write(SLEEPER, 1, Pin("4711"), None, None)
    for _ in range(2):
        with pytest.raises(RetryLater, match="still trying"):
            await driver.observe(SLEEPER, [1])
    with pytest.raises(RetryLater, match="still trying"):
        await driver.clear(SLEEPER, 1)
    assert sleeping.pins(SLEEPING_LOCK) == {}
    monkeypatch.undo()
    assert await awake(sleeping, sleeping_live, 1) == Holds(Pin("4711"))
    assert sleeping.pins(SLEEPING_LOCK) == {1: "4711"}


async def test_a_sleeping_lock_holds_up_no_other(
    sleeping: ZwaveRig, sleeping_live: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping.sleep(SLEEPING_LOCK)
    monkeypatch.setattr(Client, "command_timeout", 0.3)
    with pytest.raises(RetryLater):
        await sleeping_live.driver.observe(SLEEPER, [1])
    monkeypatch.undo()
    other = key(V1_LOCK)
    await sleeping_live.driver.write(other, 1, Pin("4711"), None, None)
    assert sleeping.pins(V1_LOCK) == {1: "4711"}
    assert await awake(sleeping, sleeping_live, 1) == Empty()
