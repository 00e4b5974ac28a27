"""Which process keeps which account, and when another one may."""

import pytest

from latchwork.storage.interface import StaleTokenError
from latchwork.storage.ownership import Term
from support.stored import SECOND, Stored

TERM = Term(at_most=8 * SECOND, without_session=3 * SECOND)


async def accounts(stored: Stored, count: int) -> set[str]:
    """The furnished one and more, so many in all."""
    names = {"acc", *(f"acc-{number}" for number in range(1, count))}
    for name in names - {"acc"}:
        await stored.account(name)
    return names


async def share(stored: Stored, process_id: str) -> set[str]:
    return set(await stored.storage.share_accounts(process_id, stored.now, TERM))


async def test_one_process_keeps_all(stored: Stored) -> None:
    names = await accounts(stored, 3)
    assert await share(stored, "one") == names
    assert await share(stored, "one") == names


async def test_a_second_process_gets_its_share_when_the_first_has_given_it_back(
    stored: Stored,
) -> None:
    names = await accounts(stored, 4)
    await share(stored, "one")
    assert await share(stored, "two") == set()
    kept = await share(stored, "one")
    assert len(kept) == 2
    assert await share(stored, "two") == set()
    await stored.storage.give_accounts_back("one", sorted(kept))
    assert await share(stored, "two") == names - kept


async def test_accounts_of_a_process_that_died_go_to_the_living_after_its_term(
    stored: Stored,
) -> None:
    names = await accounts(stored, 2)
    await share(stored, "dead")
    stored.clock.go(TERM.at_most - SECOND)
    assert await share(stored, "living") == set()
    stored.clock.go(SECOND)
    assert await share(stored, "living") == names
    assert await share(stored, "dead") == set()


async def test_a_visit_of_a_dead_owner_ends_with_the_takeover(stored: Stored) -> None:
    await share(stored, "dead")
    await stored.create()
    lease = await stored.claim_one()
    stored.clock.go(TERM.at_most)
    assert await stored.claim() == ()
    await share(stored, "living")
    with pytest.raises(StaleTokenError):
        await stored.write(lease)
    assert (await stored.claim_one()).token > lease.token


async def test_a_visit_of_a_living_owner_is_left_alone(stored: Stored) -> None:
    await share(stored, "one")
    await stored.create()
    lease = await stored.claim_one()
    stored.clock.go(TERM.at_most / 2)
    await share(stored, "one")
    await share(stored, "two")
    await stored.write(lease)


async def test_who_leaves_frees_its_accounts_at_once(stored: Stored) -> None:
    await share(stored, "one")
    await stored.storage.leave("one")
    assert await share(stored, "two") == {"acc"}


async def test_a_process_that_owns_nothing_takes_no_share(stored: Stored) -> None:
    names = await accounts(stored, 3)
    await stored.storage.beat("api", stored.now, TERM)
    assert await share(stored, "one") == names


async def test_a_deleted_account_has_no_owner(stored: Stored) -> None:
    await accounts(stored, 2)
    await share(stored, "one")
    assert await stored.storage.delete_account("ws", "acc-1", lambda *_: [])
    assert await share(stored, "one") == {"acc"}


async def test_only_locks_of_the_named_accounts_are_claimed(stored: Stored) -> None:
    await stored.account("other")
    await stored.lock("theirs", connected_account_id="other", due=True)
    await stored.lock("ours", due=True)
    storage = stored.storage
    assert await storage.next_due(["other"]) == stored.now
    assert await storage.next_due([]) is None
    assert await stored.claim(accounts=[]) == ()
    (lease,) = await stored.claim(accounts=["other"])
    assert lease.device_id == "theirs"
    assert await storage.next_due(["other"]) is None
    (lease,) = await stored.claim()
    assert lease.device_id == "ours"
