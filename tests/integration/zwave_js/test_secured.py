"""Locks that hear nothing but encrypted commands."""

import pytest

from latchwork.domain.observation import Empty, Holds
from latchwork.domain.pin import Pin
from latchwork.drivers.protocol import CodesChanged, LockOperated
from support.zwave_connection import Connection, key
from support.zwave_rig import SECURED_LOCKS, ZwaveRig

pytestmark = [pytest.mark.acceptance]
OF_CODES = ("UserCode", "UserCredential", "ScheduleEntryLock", "Notification")
secured_locks = pytest.mark.parametrize("node", SECURED_LOCKS)


@secured_locks
async def test_nothing_of_a_code_goes_in_the_clear(
    secured: ZwaveRig, secured_live: Connection, node: int
) -> None:
    driver = secured_live.driver
    await driver.write(key(node), 1, Pin("4711"), "Ana", None)
    seen = (await driver.observe(key(node), [1]))[1]
    assert isinstance(seen, Holds)
    assert seen.pin == Pin("4711")
    await driver.clear(key(node), 1)
    assert (await driver.observe(key(node), [1]))[1] == Empty()
    state = secured.state(node)
    assert any(command.startswith(OF_CODES) for command in state["commands"])
    assert not [command for command in state["inTheClear"] if command.startswith(OF_CODES)]


@secured_locks
async def test_what_a_secured_lock_tells_is_heard(
    secured: ZwaveRig, secured_live: Connection, node: int
) -> None:
    await secured_live.driver.write(key(node), 4, Pin("4711"), None, None)
    assert secured.keypad(node, "4711")
    assert (await secured_live.until(LockOperated)).position == 4
    secured.program(node, 5, "5555")
    await secured_live.until(CodesChanged, lambda p: p.positions == (5,))
