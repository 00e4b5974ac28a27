"""Behaviours of what locks tell, and of restarts."""

from collections.abc import Sequence

from latchwork.domain import events
from latchwork.domain.events import Event
from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.outcome import expect
from latchwork.drivers.conformance.stage import Stage

PIN, OTHER_PIN = "4711", "2580"
LOW = 0.15


async def _unlock(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    expect(await stage.lock.keypad(PIN), "the keypad refuses a PIN that is `set`")

    async def told() -> Sequence[Event]:
        return await stage.events(events.LOCK_UNLOCKED, code_id=code_id)

    [event, *_] = await stage.until("lock.unlocked names the code", told)
    method = event.payload.get("method")
    expect(method == "keycode", f"lock.unlocked tells the method {method!r}")
    return "lock.unlocked names the code"


async def _battery(stage: Stage) -> str:
    await stage.lock.battery(LOW)

    async def is_told() -> bool:
        is_low = (await stage.device()).battery_level == LOW
        return is_low and bool(await stage.events(events.DEVICE_LOW_BATTERY))

    await stage.until("device.low_battery is told", is_told)
    return f"{LOW:.0%}, told as low"


async def _stack_restarts(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    writes = stage.traffic.writes
    await stage.bench.restart()
    async with stage.measured():
        later = await stage.set_now(OTHER_PIN)
    expect(stage.traffic.writes == writes + 1, "a standing code was written again")
    expect(await stage.status(code_id) == "set", "a standing code is not `set` any more")
    await stage.remove_now(later)
    return "standing code untouched, next code set"


async def _latchwork_restarts(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    writes = stage.traffic.writes
    await stage.restart()
    later = await stage.set_now(OTHER_PIN)
    expect(stage.traffic.writes == writes + 1, "a standing code was written again")
    expect(await stage.status(code_id) == "set", "a standing code is not `set` any more")
    await stage.remove_now(later)
    await stage.remove_now(code_id)
    expect(not await stage.lock.stored(), "a removed code is still stored")
    return "standing code known, and removed afterwards"


REPORTS = (
    Behaviour("unlock_told", "Unlock told with its code", _unlock),
    Behaviour("battery_told", "Battery", _battery),
    Behaviour("stack_restarts", "Restart of the stack", _stack_restarts, (5,)),
    Behaviour("latchwork_restarts", "Restart of Latchwork", _latchwork_restarts, (5,)),
)
