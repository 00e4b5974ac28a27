"""Behaviours of codes on a lock that is lost, lies, hides, or is changed by another hand."""

from collections.abc import Awaitable, Callable

from latchwork.domain import events
from latchwork.drivers.conformance.behaviour import Behaviour
from latchwork.drivers.conformance.bench import Fault
from latchwork.drivers.conformance.outcome import NotConforming, expect
from latchwork.drivers.conformance.stage import Stage

PIN, OTHER_PIN, HAND_PIN = "4711", "2580", "9246"


async def _offline(stage: Stage) -> str:
    standing = await stage.set_now(PIN)
    position = await stage.position(standing)
    await stage.lock.fault(Fault.OFFLINE)
    await stage.audit()
    code_id = await stage.create(OTHER_PIN)
    elsewhere = [await stage.create(OTHER_PIN, lock=lock) for lock in stage.others]

    async def is_noticed() -> bool:
        expect(await stage.status(code_id) == "setting", "the code is not `setting`")
        return await stage.is_out_of_reach()

    await stage.until("the lock is found out of reach", is_noticed)
    for other in elsewhere:
        await stage.until_status(other, "set")
        expect(not await stage.problems(other), "a lock in reach tells the other's trouble")
    await _hold_standing(stage, standing, position)
    told = "as disconnected" if not (await stage.device()).online else "by a failure to reach it"
    await stage.lock.fault(Fault.OFFLINE, on=False)
    async with stage.measured():
        await stage.until_status(code_id, "set")
    device = await stage.device()
    expect(device.online and device.failures == 0, "the lock still counts as out of reach")
    expect(
        stage.traffic.written[stage.lock.provider_key, position] == 1,
        "a standing code was written again",
    )
    others = f"; meanwhile {len(elsewhere)} set on other locks" if elsewhere else ""
    return f"noticed {told}, standing code kept, next one set when it came back{others}"


async def _hold_standing(stage: Stage, code_id: str, position: int) -> None:
    """Holds that what was proven is still believed while nothing can be read."""
    expect(await stage.status(code_id) == "set", "a failed read took the status away")
    expect(not await stage.problems(code_id), "a failed read became the code's error")
    changed = (events.MODIFIED_EXTERNALLY, events.DELETED_EXTERNALLY)
    expect(not await stage.events(*changed), "a failed read became another hand's change")
    expect(
        dict(await stage.lock.stored()) == {position: PIN},
        "a lock out of reach does not store what it did",
    )


async def _ignored(stage: Stage) -> str:
    await stage.lock.fault(Fault.IGNORE_NEXT_WRITE)
    async with stage.measured():
        code_id = await stage.set_now(PIN)
    stored = await stage.lock.stored()
    expect(stored.get(await stage.position(code_id)) == PIN, "the PIN is not stored")
    expect(stage.traffic.writes > 1, "the ignored write was not repeated")
    return f"exposed by the read, set with write {stage.traffic.writes}"


async def _answer_lost(stage: Stage) -> str:
    await stage.lock.fault(Fault.LOSE_NEXT_ANSWER)
    async with stage.measured():
        await stage.set_now(PIN)
    stored = await stage.lock.stored()
    expect(list(stored.values()) == [PIN], "the PIN is not stored exactly once")
    writes = stage.traffic.writes
    return "found by the read, not written again" if writes == 1 else f"set with write {writes}"


async def _masked(stage: Stage) -> str:
    await stage.lock.fault(Fault.MASK_READS)
    async with stage.measured():
        code_id = await stage.set_now(PIN)
    evidence = (await stage.view(code_id)).code.evidence
    if evidence is None:
        raise NotConforming("a code is `set` without evidence")
    await stage.audited()
    expect(await stage.status(code_id) == "set", "an audit took the status away")
    expect(stage.traffic.writes == 1, "what cannot be read was written again")
    await stage.remove_now(code_id)
    expect(not await stage.lock.stored(), "a removed code is still stored")
    return f"proof: {evidence.kind.value}"


async def _overwritten(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    position = await stage.position(code_id)
    await stage.let_echoes_pass()
    stage.hold_promise = False  # Nobody can know yet.
    await stage.lock.program_by_hand(position, HAND_PIN, told=True)

    async def is_told() -> bool:
        return bool(await stage.events(events.MODIFIED_EXTERNALLY, code_id=code_id))

    how = await _noticed(stage, is_told)
    stage.hold_promise = True
    async with stage.measured():
        await stage.until_status(code_id, "set")
    stored = await stage.lock.stored()
    expect(stored.get(position) == HAND_PIN, "the other hand's PIN was not left alone")
    expect(PIN in stored.values(), "our code was not put elsewhere")
    return f"{how}, left alone, ours put elsewhere"


async def _erased(stage: Stage) -> str:
    code_id = await stage.set_now(PIN)
    position = await stage.position(code_id)
    writes = stage.traffic.writes
    await stage.let_echoes_pass()
    stage.hold_promise = False  # Nobody can know yet.
    await stage.lock.erase_by_hand(position, told=True)

    async def is_noticed() -> bool:
        return stage.traffic.writes > writes

    how = await _noticed(stage, is_noticed)
    stage.hold_promise = True
    await stage.until_status(code_id, "set")
    expect(PIN in (await stage.lock.stored()).values(), "the code is not on the lock again")
    return f"{how}, set again"


async def _noticed(stage: Stage, condition: Callable[[], Awaitable[bool]]) -> str:
    """Waits until a change is noticed; by the next audit where the lock does not tell."""
    if (await stage.device()).capabilities.pushes_changes:
        await stage.until("a change that the lock tells of is noticed", condition)
        return "told by the lock"
    await stage.audit()
    await stage.until("a change is noticed by the audit", condition)
    return "found by the next audit"


TROUBLES = (
    Behaviour("offline_and_back", "Offline and back", _offline, (3, 8)),
    Behaviour("acknowledged_and_ignored", "Acknowledged and ignored", _ignored),
    Behaviour("answer_lost", "Answer lost after applying", _answer_lost, (13,)),
    Behaviour("masked_read_back", "Masked read-back", _masked, (2,)),
    Behaviour("overwritten_by_hand", "Overwritten by hand", _overwritten, (1,)),
    Behaviour("erased_by_hand", "Erased by hand", _erased),
)
