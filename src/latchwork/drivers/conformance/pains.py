"""Behaviours that show the absence of a pain which no other behaviour shows in passing; their
numbers are those of docs/reliability.md."""

import asyncio
import math
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from latchwork.domain import events
from latchwork.domain.slots import Phase
from latchwork.domain.window import Window, same_schedule
from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.bench import Fault, Unable
from latchwork.drivers.conformance.outcome import expect
from latchwork.drivers.conformance.stage import Stage

PIN, OTHER_PIN, HAND_PIN = "4711", "2580", "9246"
SOON, FAR = timedelta(seconds=2), timedelta(hours=3)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG = 2 * DAY
BUDGET: Final = 4
"""Radio operations that a quiet day may cost a lock."""


async def _hand_while_setting(stage: Stage) -> str:
    aimed: list[int] = []

    async def overwrite(provider_key: str, position: int) -> None:
        if provider_key == stage.lock.provider_key:
            stage.traffic.after_write = None
            aimed.append(position)
            await stage.lock.program_by_hand(position, HAND_PIN, told=False)

    stage.traffic.after_write = overwrite
    async with stage.measured():
        code_id = await stage.set_now(PIN)
    stored = await stage.lock.stored()
    expect(stored.get(await stage.position(code_id)) == PIN, "our PIN is not where it is believed")
    expect(
        sorted(stored.values()) == sorted((PIN, HAND_PIN)),
        "the lock does not hold the other hand's PIN and ours",
    )
    theirs = next(position for position, pin in stored.items() if pin == HAND_PIN)
    found = await stage.storage.code_at((await stage.device()).device_id, theirs)
    expect(not found[1], "the other PIN counts as ours")
    if theirs not in aimed:
        return "another code to the lock's cloud, left alone, ours made anew"
    expect(found[0] is not None, "the other PIN is not listed as unmanaged")
    return "found by the read, left alone, ours put elsewhere"


async def _late_write(stage: Stage) -> str:
    await stage.lock.fault(Fault.DELAY_NEXT_WRITE)
    code_id = await stage.create(PIN)

    async def is_set() -> bool:
        expect(not (await stage.view(code_id)).code.errors, "lateness is told as an error")
        return await stage.status(code_id) == "set"

    async with stage.measured():
        await stage.until("the late code became set", is_set)
    await stage.bench.clock.sleep(3 * SOON / 4)
    stored = dict(await stage.lock.stored())
    expect(stored == {await stage.position(code_id): PIN}, "the PIN is not stored exactly once")
    expect(await is_set(), "what was stored late took the status away")
    return f"waited for, set after {stage.traffic.writes} write(s), stored once"


async def _killed(stage: Stage) -> str:
    standing = await stage.set_now(PIN)
    written = asyncio.Event()

    async def hold(_provider_key: str, _position: int) -> None:
        written.set()
        await asyncio.Event().wait()

    async def is_written() -> bool:
        return written.is_set()

    stage.traffic.after_write = hold
    code_id = await stage.create(OTHER_PIN)
    await stage.until("the lock has the write and the engine does not know", is_written)
    await stage.lock.fault(Fault.OFFLINE)
    await stage.stop()
    stage.traffic.after_write = None
    written_before, clears = stage.traffic.written.copy(), stage.traffic.clears
    stage.start()

    await stage.until("the lock is found out of reach", stage.is_out_of_reach)
    expect(await stage.status(standing) == "set", "a restart took the status away")
    expect(await stage.status(code_id) == "setting", "what nobody could read counts as proven")
    await stage.lock.fault(Fault.OFFLINE, on=False)
    async with stage.measured():
        await stage.until_status(code_id, "set")
    expect(await stage.status(standing) == "set", "a standing code is not `set` any more")
    stored = sorted((await stage.lock.stored()).values())
    expect(stored == sorted((PIN, OTHER_PIN)), "the lock does not hold each PIN once")
    place = stage.lock.provider_key, await stage.position(standing)
    expect(stage.traffic.written[place] == 1, "a standing code was written again")
    again = stage.traffic.written.total() - written_before.total()
    if not again:
        return "found by the read, nothing written again"
    cleared = " and cleared" if stage.traffic.clears > clears else ""
    return f"standing code untouched, the unproven one read{cleared}, then written again"


async def _nothing_listed(stage: Stage) -> str:
    await stage.bench.list_nothing(on=False)
    code_id = await stage.set_now(PIN)
    before = stage.traffic.writes, stage.traffic.clears
    await stage.bench.list_nothing(on=True)
    try:
        await stage.list_anew()

        async def is_missed() -> bool:
            return not (await stage.device()).online

        async def is_left_alone() -> bool:
            return (stage.traffic.writes, stage.traffic.clears) == before

        await stage.until("the lock is missed", is_missed)
        await stage.stays("nothing is written or cleared", is_left_alone)
        expect(await stage.status(code_id) == "set", "a lock that is not listed lost its code")
    finally:
        await stage.bench.list_nothing(on=False)
    await stage.list_anew()

    async def is_back() -> bool:
        device = await stage.device()
        return device.online and not device.removed and not device.errors

    await stage.until("the lock is listed again", is_back)
    await stage.until_status(code_id, "set")
    await stage.audited()
    expect(await stage.status(code_id) == "set", "the code is not `set` any more")
    expect(await is_left_alone(), "a lock that was not listed cost writes")
    return "told as missing, nothing written or cleared, all as before when it was back"


async def _idle(stage: Stage) -> str:
    await stage.lock.radio_operations()
    native = (await stage.device()).capabilities.native_scheduling
    end = stage.now() + LONG if native else None
    code_id = await stage.create(PIN, starts_at=stage.now() if native else None, ends_at=end)
    await stage.until_status(code_id, "set")
    await stage.left_alone()
    async with stage.measured():
        await stage.audited()
    audited_at = stage.now()
    await stage.left_alone()
    due_at = await stage.storage.next_due()
    expect(due_at is not None and due_at > stage.now(), "no audit is to come")
    cost = stage.radio or 0
    a_day = 0 if due_at is None else round(cost * (DAY / (due_at - audited_at)), 1)
    expect(a_day <= BUDGET, f"a quiet day costs {a_day:g} radio operations")
    return f"{cost} radio operation(s) an audit, at most {math.ceil(a_day)} a day, nothing else"


async def _change_of_clocks(stage: Stage) -> str:
    if not (await stage.device()).capabilities.native_scheduling:
        raise Unable("the lock stores no schedules")
    begin = (stage.now() + FAR).replace(second=0, microsecond=0)
    change = _next_change(ZoneInfo(stage.bench.time_zone), begin + DAY)
    wished = Window(begin, change + 3 * HOUR / 2)
    code_id = await stage.create(PIN, starts_at=wished.starts_at, ends_at=wished.ends_at)

    async def is_scheduled() -> bool:
        return (await stage.view(code_id)).code.scheduled_on_device

    await stage.until("the schedule is proven on the lock", is_scheduled)
    stored = await stage.lock.window(await stage.position(code_id))
    expect(same_schedule(stored, wished), f"the lock stores {stored} instead of {wished}")
    writes = stage.traffic.writes
    await stage.audited()
    expect(stage.traffic.writes == writes, "a stay over a change of the clocks was written again")
    expect(
        not await stage.events(events.MODIFIED_EXTERNALLY),
        "a change of the clocks counts as another hand's",
    )
    return f"exact to the minute over the change in {change:%B %Y}"


def _next_change(zone: ZoneInfo, after: datetime) -> datetime:
    """The next instant on the hour at which the clocks there change. Raises Unable."""
    at = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(366 * 24):
        if at.astimezone(zone).utcoffset() != (at + HOUR).astimezone(zone).utcoffset():
            return at + HOUR
        at += HOUR
    raise Unable("the clocks never change where the lock is")


async def _extended(stage: Stage) -> str:
    native = (await stage.device()).capabilities.native_scheduling
    end = stage.now() + (LONG if native else 2 * SOON)
    code_id = await stage.create(PIN, starts_at=stage.now(), ends_at=end)
    await stage.until_status(code_id, "set")
    position, clears = await stage.position(code_id), stage.traffic.clears
    wished = Window((await stage.view(code_id)).code.starts_at, end + LONG)
    async with stage.measured():
        await stage.change_end(code_id, end + LONG)
        if native:
            await _proven_without_gap(stage, code_id, wished)
        else:
            await stage.bench.clock.sleep(end + SOON / 4 - stage.now())
    expect(await stage.status(code_id) == "set", "an extended code is not `set`")
    expect(await stage.opens(PIN), "the keypad refuses the PIN of an extended stay")
    expect(dict(await stage.lock.stored()) == {position: PIN}, "the PIN or its position changed")
    expect(stage.traffic.clears == clears, "the code was cleared on the way")
    if not native:
        expect(stage.traffic.writes == 1, "an extended code was written again")
        return "stands beyond its old end, nothing written"
    stored = await stage.lock.window(position)
    expect(same_schedule(stored, wished), f"the lock stores {stored} instead of {wished}")
    return "new schedule on the lock, no gap on the way"


async def _proven_without_gap(stage: Stage, code_id: str, wished: Window) -> None:
    async def is_proven() -> bool:
        expect(await stage.opens(PIN), "the keypad refuses the PIN while the stay is extended")
        expect(await stage.status(code_id) == "set", "a code is not `set` while it is extended")
        entry = (await stage.view(code_id)).entry
        return entry is not None and entry.phase is Phase.CONFIRMED and entry.window == wished

    await stage.until("the extension is proven", is_proven)


async def _scarce(stage: Stage) -> str:
    limits = (await stage.device()).capabilities
    theirs = {p: f"{5000 + p}" for p in range(limits.first_position, limits.last_position)}
    for position, pin in theirs.items():
        await stage.lock.program_by_hand(position, pin, told=False)
    native = limits.native_scheduling
    later = await _scheduled_later(stage) if native else None
    async with stage.measured():
        active = await stage.set_now(PIN)
    if later is None:
        start = stage.now() + SOON
        later = await stage.create(OTHER_PIN, starts_at=start, ends_at=start + LONG)

    async def is_told() -> bool:
        expect(await stage.status(active) == "set", "the code in force lost its position")
        return "no_space_for_access_code_on_device" in await stage.problems(later)

    await stage.until("the lack of space is told", is_told)
    expect(await stage.status(later) != "set", "a code without a position is `set`")
    expect(
        dict(await stage.lock.stored()) == {**theirs, limits.last_position: PIN},
        "the last position is not that of the code in force",
    )
    how = "made room for" if native else "waits for"
    return f"a code of a later start {how} the one in force"


async def _scheduled_later(stage: Stage) -> str:
    start = stage.now() + FAR
    code_id = await stage.create(OTHER_PIN, starts_at=start, ends_at=start + LONG)

    async def is_scheduled() -> bool:
        return (await stage.view(code_id)).code.scheduled_on_device

    await stage.until("the last position is taken", is_scheduled)
    return code_id


async def _secrets(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)

    async def break_off(_provider_key: str, _position: int) -> None:
        stage.traffic.after_write = None
        raise RuntimeError("whatever escapes a driver is logged with all that led to it")

    stage.traffic.after_write = break_off
    await stage.change_pin(code_id, OTHER_PIN)
    await stage.until_status(code_id, "set")
    await stage.restart()
    await stage.remove_now(code_id)
    lines, told = await stage.secrets_kept()
    expect(lines and told, "nothing was logged or told")
    return "no PIN and no secret of the account in logs at DEBUG, events and problems"


PAINS = (
    Behaviour("hand_while_setting", "Another hand at our position", _hand_while_setting, (1,)),
    Behaviour("late_write", "Stored late", _late_write, (3,)),
    Behaviour("killed_unproven", "Killed before the proof", _killed, (5,)),
    Behaviour("nothing_listed", "No locks listed for a while", _nothing_listed, (6,)),
    Behaviour("idle", "A quiet day", _idle, (9,)),
    Behaviour("change_of_clocks", "A stay over a change of clocks", _change_of_clocks, (10,)),
    Behaviour("stay_extended", "Stay extended while it lasts", _extended, (11,)),
    Behaviour("scarce_positions", "One position for two codes", _scarce, (12,)),
    Behaviour("secrets_kept", "Secrets kept", _secrets, (15,)),
)
