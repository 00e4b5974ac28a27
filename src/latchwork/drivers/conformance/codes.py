"""Behaviours of codes on a lock that does what it says."""

from datetime import timedelta

from latchwork.domain.window import Window, same_schedule
from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.bench import Fault, LockUnderTest, Unable
from latchwork.drivers.conformance.outcome import NotConforming, expect
from latchwork.drivers.conformance.stage import GONE, Stage

PIN, OTHER_PIN, FOREIGN_PIN = "4711", "2580", "9246"
NEAR = timedelta(seconds=2)
FAR = timedelta(hours=3)
LONG = timedelta(days=2)


async def _set(stage: Stage) -> str:
    async with stage.measured():
        code_id = await stage.set_now(PIN)
    stored = await stage.lock.stored()
    expect(list(stored.values()).count(PIN) == 1, "the PIN is not stored exactly once")
    expect(await stage.opens(PIN), "the keypad refuses a PIN that is `set`")
    evidence = (await stage.view(code_id)).code.evidence
    if evidence is None:
        raise NotConforming("a code is `set` without evidence")
    return f"proof: {evidence.kind.value}"


async def _update(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    async with stage.measured():
        await stage.change_pin(code_id, OTHER_PIN)
        await stage.until_status(code_id, "set")
    expect(await stage.opens(OTHER_PIN), "the keypad refuses the new PIN")
    expect(not await stage.opens(PIN), "the keypad still takes the old PIN")
    stored = await stage.lock.stored()
    expect(list(stored.values()) == [OTHER_PIN], "something else is stored besides the new PIN")
    return "at its position"


async def _remove(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    async with stage.measured():
        await stage.remove_now(code_id)
    expect(not await stage.lock.stored(), "a removed code is still stored")
    expect(not await stage.opens(PIN), "the keypad still takes a removed PIN")
    return "proof: read empty"


async def _native_window(stage: Stage) -> str:
    if not (await stage.device()).capabilities.native_scheduling:
        raise Unable("the lock stores no schedules")
    begin = (stage.now() + FAR).replace(second=0, microsecond=0)
    code_id = await stage.create(PIN, starts_at=begin, ends_at=begin + LONG)

    async def is_scheduled() -> bool:
        return (await stage.view(code_id)).code.scheduled_on_device

    async with stage.measured():
        await stage.until("the schedule is proven on the lock", is_scheduled)
    expect(await stage.status(code_id) == "unset", "a scheduled code is not `unset`")
    expect(PIN in (await stage.lock.stored()).values(), "the lock does not store the code")
    await _check_schedule(stage, code_id, Window(begin, begin + LONG))
    now = await stage.create(OTHER_PIN, starts_at=stage.now(), ends_at=stage.now() + LONG)
    await stage.until_status(now, "set")
    if stage.lock.keypad_keeps_schedules:
        expect(await stage.opens(OTHER_PIN), "the keypad refuses a PIN inside its window")
        return "kept shut by the lock itself until its start"
    return "stored and read back"


async def _check_schedule(stage: Stage, code_id: str, wished: Window) -> None:
    if stage.lock.keypad_keeps_schedules:
        expect(not await stage.opens(PIN), "the keypad takes a PIN before its window")
        return
    stored = await stage.lock.window(await stage.position(code_id))
    expect(same_schedule(stored, wished), f"the lock stores the schedule {stored}")


async def _just_in_time(stage: Stage) -> str:
    begin = stage.now() + NEAR
    code_id = await stage.create(
        PIN, starts_at=begin, ends_at=begin + NEAR, prefer_native_scheduling=False
    )
    while stage.now() < begin - NEAR / 4:
        expect(not await stage.lock.stored(), "the PIN is on the lock before its start")
        await stage.nap()
    await stage.until_status(code_id, "set")
    expect(stage.now() >= begin, "the code is `set` before its start")
    await stage.until_status(code_id, GONE)
    expect(stage.now() >= begin + NEAR, "the code is gone before its end")
    expect(not await stage.lock.stored(), "an ended code is still stored")
    return "on at its start, off at its end"


async def _duplicate(stage: Stage) -> str:
    first = (await stage.device()).capabilities.first_position
    await stage.lock.fault(Fault.REFUSE_DUPLICATES)
    await stage.lock.program_by_hand(first + 1, PIN, told=False)
    code_id = await stage.create(PIN)

    async def is_told() -> bool:
        expect(await stage.status(code_id) != "set", "a refused duplicate is `set`")
        return "duplicate_code_on_device" in await stage.problems(code_id)

    async with stage.measured():
        await stage.until("the duplicate is told", is_told)
    expect(
        dict(await stage.lock.stored()) == {first + 1: PIN}, "the lock does not store what it did"
    )
    writes = stage.traffic.writes

    async def is_quiet() -> bool:
        return stage.traffic.writes == writes

    await stage.stays("a refused duplicate costs no more radio", is_quiet)
    await stage.remove_now(code_id)
    expect(
        dict(await stage.lock.stored()) == {first + 1: PIN}, "removing the code took the other one"
    )
    return f"refused and told after {writes} write{'s' if writes != 1 else ''}"


async def _foreign_kept(stage: Stage) -> str:
    first = (await stage.device()).capabilities.first_position
    theirs = {first: FOREIGN_PIN, first + 1: "8135"}
    for position, pin in theirs.items():
        await stage.lock.program_by_hand(position, pin, told=False)
    async with stage.measured():
        code_id = await stage.set_now(PIN)
    position = await stage.position(code_id)
    expect(position not in theirs, "a position of somebody else counts as ours")
    expect(
        dict(await stage.lock.stored()) == {**theirs, position: PIN},
        "a foreign code was overwritten or moved",
    )
    await stage.remove_now(code_id)
    expect(dict(await stage.lock.stored()) == theirs, "a foreign code was removed")
    listed = await stage.storage.code_at((await stage.device()).device_id, first)
    expect(listed[0] is not None and not listed[1], "the foreign code is not listed as unmanaged")
    return "two foreign codes found, listed and left alone"


async def _full(stage: Stage) -> str:
    limits = (await stage.device()).capabilities
    theirs = {
        position: f"{5000 + position}"
        for position in range(limits.first_position, limits.last_position + 1)
    }
    for position, pin in theirs.items():
        await stage.lock.program_by_hand(position, pin, told=False)
    code_id = await stage.create(PIN)

    async def is_told() -> bool:
        return "no_space_for_access_code_on_device" in await stage.problems(code_id)

    async with stage.measured():
        await stage.until("the lack of space is told", is_told)
    expect(dict(await stage.lock.stored()) == theirs, "a foreign code had to make room")
    told = f"told when all {limits.positions} positions were found taken"
    if not limits.pushes_changes:
        return told
    await stage.lock.erase_by_hand(limits.last_position, told=True)
    await stage.until_status(code_id, "set")
    return f"{told}; set once one was freed"


async def _serialised(stage: Stage) -> str:
    """Several codes on every lock of the bench at once."""
    wanted: dict[str, tuple[str, LockUnderTest]] = {}
    for number, lock in enumerate(stage.bench.locks):
        for nth in range(4):
            pin = f"{6 + nth}{number % 10}3{nth + 1}"
            wanted[await stage.create(pin, lock=lock)] = (pin, lock)
    began = stage.now()
    async with stage.measured():
        for code_id in wanted:
            await stage.until_status(code_id, "set")
    took = (stage.now() - began).total_seconds()
    for pin, lock in wanted.values():
        expect(pin in (await lock.stored()).values(), "a code is `set` and not stored")
    traffic = stage.traffic
    expect(traffic.most_per_lock == 1, "two calls at once on one lock")
    return (
        f"{len(wanted)} codes on {len(stage.bench.locks)} lock(s) in {took:.1f} s; at once at "
        f"most {traffic.most_per_lock} on a lock, {traffic.most_per_connection} on the connection"
    )


CODES = (
    Behaviour("set", "Set, and proven", _set),
    Behaviour("update", "Update of the PIN", _update),
    Behaviour("remove", "Remove", _remove),
    Behaviour("native_window", "Window on the lock, ahead", _native_window),
    Behaviour("just_in_time", "Window just in time", _just_in_time),
    Behaviour("duplicate_refused", "Duplicate refused by the lock", _duplicate, (4,)),
    Behaviour("foreign_kept", "Foreign codes kept", _foreign_kept, (7,)),
    Behaviour("full_lock", "Full lock", _full, (7,)),
    Behaviour("one_at_a_time", "One thing at a time", _serialised),
)
