"""Claims of due locks: order, fairness, leases, tokens."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from latchwork.domain.action_attempt import ActionType, AttemptStatus
from latchwork.domain.visit import VisitChanges
from latchwork.storage.interface import Lease, StaleTokenError
from support.stored import HOUR, LEASE, NOW, SECOND, Stored


def ids(leases: Sequence[Lease]) -> list[str]:
    return [lease.device_id for lease in leases]


async def due_locks(stored: Stored, count: int, account_id: str = "acc") -> list[str]:
    """Locks that become due one second after the other."""
    names = [f"{account_id}-{number}" for number in range(count)]
    for number, name in enumerate(names):
        await stored.lock(name, connected_account_id=account_id)
        await stored.create(
            device_id=name, connected_account_id=account_id, due_at=NOW + number * SECOND
        )
    return names


async def test_the_earliest_due_locks_are_claimed_first(stored: Stored) -> None:
    names = await due_locks(stored, 4)
    assert await stored.storage.next_due() == NOW
    stored.clock.go(2 * SECOND)
    assert ids(await stored.claim(2)) == names[:2]
    assert ids(await stored.claim(2)) == names[2:3]
    assert ids(await stored.claim(2)) == []
    assert await stored.storage.next_due() == NOW + 3 * SECOND


async def test_a_claim_says_whose_lock_until_when(stored: Stored) -> None:
    await stored.lock("due", due=True)
    lease = await stored.claim_one()
    assert lease == Lease(
        device_id="due", connected_account_id="acc", token=lease.token, leased_until=NOW + LEASE
    )


async def test_each_claim_has_a_greater_token(stored: Stored) -> None:
    await stored.lock("due", due=True)
    tokens = []
    for _ in range(3):
        lease = await stored.claim_one()
        tokens.append(lease.token)
        await stored.release(lease, NOW)
    assert tokens == sorted(set(tokens))


async def _first(stored: Stored) -> Lease:
    await stored.lock("due", due=True)
    return await stored.claim_one()


async def test_busy_accounts_are_passed_over(stored: Stored) -> None:
    await stored.account("other")
    await due_locks(stored, 3)
    others = await due_locks(stored, 2, "other")
    stored.clock.go(HOUR)
    assert ids(await stored.claim(1, rooms={"acc": 0})) == others[:1]
    assert ids(await stored.claim(rooms={"acc": 0, "other": 0})) == []
    assert len(await stored.claim()) == 4


async def test_no_account_gets_more_than_its_share(stored: Stored) -> None:
    await stored.account("other")
    mine = await due_locks(stored, 5)
    others = await due_locks(stored, 3, "other")
    stored.clock.go(HOUR)
    claimed = ids(await stored.claim(rooms={"acc": 2}))
    assert sorted(claimed) == sorted(mine[:2] + others)
    assert ids(await stored.claim(0)) == []
    assert ids(await stored.claim(1, rooms={"acc": 2})) == mine[2:3]
    assert ids(await stored.claim(rooms={"acc": 1, "other": 7})) == mine[3:4]
    assert ids(await stored.claim(rooms={"acc": 7})) == mine[4:]


async def test_the_share_counts_locks_whose_lease_ran_out(stored: Stored) -> None:
    await due_locks(stored, 2)
    stored.clock.go(HOUR)
    assert len(await stored.claim()) == 2
    stored.clock.go(LEASE)
    await stored.storage.rescan_device("dev", stored.now, positions=False)
    assert len(await stored.claim(rooms={"acc": 1})) == 1


async def test_a_lock_is_claimed_once_until_its_lease_runs_out(stored: Stored) -> None:
    lease = await _first(stored)
    assert await stored.claim() == ()
    assert await stored.storage.next_due() is None
    stored.clock.go(LEASE - SECOND)
    assert await stored.claim() == ()
    stored.clock.go(SECOND)
    assert await stored.storage.next_due() == lease.leased_until
    again = await stored.claim_one()
    assert again.token > lease.token
    with pytest.raises(StaleTokenError):
        await stored.storage.load_visit(lease)


async def test_an_extended_lease_holds_longer(stored: Stored) -> None:
    lease = await _first(stored)
    stored.clock.go(LEASE - SECOND)
    lease = await stored.write(lease)
    assert lease.leased_until == stored.now + LEASE
    stored.clock.go(LEASE - SECOND)
    assert await stored.claim() == ()


async def test_a_lost_lease_writes_nothing(stored: Stored) -> None:
    code = await stored.create()
    lease = await stored.claim_one()
    stored.clock.go(LEASE)
    newer = await stored.claim_one()
    changes = VisitChanges(
        codes=(msgspec.structs.replace(code, failures=5),), events=(stored.event("late"),)
    )
    with pytest.raises(StaleTokenError):
        await stored.storage.checkpoint(lease, changes, stored.now, stored.now + LEASE)
    with pytest.raises(StaleTokenError):
        await stored.storage.release(lease, changes, stored.now, NOW)
    assert await stored.stored_code(code) == code
    assert await stored.storage.event("ws", event_type="late") is None
    await stored.release(newer)
    assert await stored.storage.next_due() is None


async def test_a_released_lease_cannot_be_used_again(stored: Stored) -> None:
    lease = await _first(stored)
    await stored.release(lease)
    for use in (stored.write(lease), stored.release(lease), stored.storage.load_visit(lease)):
        with pytest.raises(StaleTokenError):
            await use


async def test_a_released_lock_is_due_when_the_visit_says(stored: Stored) -> None:
    await stored.release(await _first(stored), NOW + HOUR)
    assert await stored.storage.next_due() == NOW + HOUR
    assert await stored.claim() == ()
    stored.clock.go(HOUR)
    await stored.release(await stored.claim_one(), None)
    assert await stored.storage.next_due() is None


@pytest.mark.parametrize(
    ("wished", "visit_says", "expected"),
    [(1, 2, 1), (2, 1, 1), (1, None, 1)],
    ids=["the wish is earlier", "the visit is earlier", "the visit wants none"],
)
async def test_a_wish_during_a_visit_is_not_forgotten(
    stored: Stored, wished: int, visit_says: int | None, expected: int
) -> None:
    await stored.create()
    lease = await stored.claim_one()
    await stored.create(due_at=NOW + wished * HOUR)
    assert await stored.claim() == ()
    await stored.release(lease, None if visit_says is None else NOW + visit_says * HOUR)
    assert await stored.storage.next_due() == NOW + expected * HOUR


async def test_a_later_due_time_never_delays_an_earlier_one(stored: Stored) -> None:
    await stored.create(due_at=NOW + HOUR)
    await stored.create(due_at=NOW + 2 * HOUR)
    assert await stored.storage.next_due() == NOW + HOUR


async def test_listeners_hear_of_every_earlier_due_time_after_the_commit(
    stored: Stored,
) -> None:
    woken: list[int] = []
    stored.storage.listen_due(lambda: woken.append(1))
    await stored.create(due_at=NOW + 2 * HOUR)
    assert len(woken) == 1
    await stored.create(due_at=NOW + 3 * HOUR)
    assert len(woken) == 1
    code = await stored.create(due_at=NOW + HOUR)
    assert len(woken) == 2
    await stored.update(code, name="New", due_at=NOW)
    assert len(woken) == 3
    await stored.release(await stored.claim_one(), NOW + HOUR)
    assert len(woken) == 4
    await stored.storage.rescan_device("dev", NOW, positions=False)
    assert len(woken) == 5


async def test_leases_of_a_process_that_died_are_cleared(stored: Stored) -> None:
    lease = await _first(stored)
    await stored.reopen()
    if await stored.storage.workspaces():  # In memory nothing outlives the process.
        assert await stored.storage.clear_leases() == 1
        assert await stored.storage.clear_leases() == 0
        with pytest.raises(StaleTokenError):
            await stored.release(lease)
        assert (await stored.claim_one()).token > lease.token


async def _door(stored: Stored, device_id: str, **fields: Any) -> None:
    await stored.storage.add_attempt(stored.command(device_id=device_id, **fields))


async def test_doors_that_wait_can_be_claimed_alone(stored: Stored) -> None:
    await stored.account("other")
    names = await due_locks(stored, 4)
    others = await due_locks(stored, 2, "other")
    stored.clock.go(HOUR)
    for name in (names[3], names[2], names[2], others[1]):
        await _door(stored, name)
    assert ids(await stored.claim(for_doors=True, rooms={"acc": 0, "other": 0})) == []
    assert ids(await stored.claim(for_doors=True, accounts=())) == []
    assert ids(await stored.claim(for_doors=True, accounts=("other",))) == [others[1]]
    assert ids(await stored.claim(for_doors=True, rooms={"acc": 0})) == []
    leases = await stored.claim(for_doors=True, rooms={"acc": 1})
    assert ids(leases) == [names[2]]
    assert leases[0].for_doors
    assert ids(await stored.claim(for_doors=True)) == [names[3]]
    assert not any(lease.for_doors for lease in await stored.claim())


async def test_a_door_that_is_ended_or_is_no_door_is_not_waited_for(stored: Stored) -> None:
    names = await due_locks(stored, 3)
    stored.clock.go(HOUR)
    await _door(stored, names[0], status=AttemptStatus.SUCCESS)
    await _door(stored, names[1], action_type=ActionType.DELETE_UNMANAGED)
    await _door(stored, names[2], access_code_id="code")
    assert await stored.claim(for_doors=True) == ()


async def test_a_visit_for_a_door_leaves_the_lock_due(stored: Stored) -> None:
    [name] = await due_locks(stored, 1)
    await _door(stored, name)
    [lease] = await stored.claim(for_doors=True)
    view = await stored.storage.load_visit(lease)
    assert [action.action_type for action in view.actions] == [ActionType.UNLOCK_DOOR]
    ended = msgspec.structs.replace(view.actions[0], status=AttemptStatus.SUCCESS)
    await stored.release(lease, stored.now, attempts=(ended,))
    assert await stored.claim(for_doors=True) == ()
    assert ids(await stored.claim()) == [name]


@pytest.mark.parametrize("positions", [True, False])
async def test_claims_tell_that_the_lock_spoke_of_another_hand_until_that_is_read(
    stored: Stored, positions: bool
) -> None:
    await stored.storage.rescan_device("dev", NOW, positions=positions)
    lease = await stored.claim_one()
    assert (lease.suspected, lease.scan_anew) == (True, positions)
    await stored.storage.clear_leases()
    lease = await stored.claim_one()
    assert (lease.suspected, lease.scan_anew) == (True, False)
    await stored.release(lease, NOW, suspected=True)
    lease = await stored.claim_one()
    assert lease.suspected
    await stored.release(lease, NOW)
    lease = await stored.claim_one()
    assert not lease.suspected
    await stored.release(lease, NOW, suspected=True)
    assert (await stored.claim_one()).suspected


async def test_what_a_lock_speaks_of_during_a_visit_is_told_by_the_next_claim(
    stored: Stored,
) -> None:
    await stored.storage.rescan_device("dev", NOW, positions=False)
    lease = await stored.claim_one()
    await stored.storage.rescan_device("dev", NOW, positions=True)
    await stored.release(lease, NOW)
    lease = await stored.claim_one()
    assert (lease.suspected, lease.scan_anew) == (True, True)
