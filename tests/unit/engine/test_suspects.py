"""What may have been changed by another hand: told once, and again until it was read."""

from datetime import UTC, datetime, timedelta

from latchwork.domain.policy import Policy
from latchwork.engine.suspects import Suspects

NOW = datetime(2026, 11, 26, tzinfo=UTC)
POLICY = Policy()


def suspects(now: datetime = NOW) -> Suspects:
    return Suspects(lambda: now)


def test_positions_are_given_once_and_any_means_all_of_ours() -> None:
    found = suspects()
    assert found.note("dev", [3, 1])
    assert found.take("dev", {1, 2}) == [1, 3]
    assert found.take("dev", {1, 2}) == []
    assert found.note("dev", None)
    assert found.note("dev", [7])
    assert found.take("dev", {1, 2}) == [1, 2, 7]


def test_the_first_word_after_our_own_write_is_its_echo() -> None:
    found = suspects()
    found.note_write("dev", 1, NOW)
    assert not found.note("dev", None)
    assert not found.note("dev", [1])
    assert found.note("dev", [1])
    assert found.take("dev", set()) == [1]
    found.note_write("dev", 2, NOW - timedelta(minutes=1))
    assert found.note("dev", [2])


def test_what_was_not_read_is_suspected_on_and_tried_the_rarer_the_longer_it_fails() -> None:
    found = suspects()
    waits = []
    for _ in range(9):
        found.note("dev", [1, 2])
        assert found.take("dev", set()) == [1, 2]
        wait = found.put_back("dev", [2], POLICY, 0.5)
        assert wait is not None
        waits.append(wait)
        assert found.take("dev", set()) == [2]
    assert waits[0] == POLICY.device_backoff
    assert waits == sorted(waits)
    assert waits[-1] == POLICY.longest_backoff
    assert found.put_back("dev", [], POLICY, 0.5) is None
    assert found.put_back("dev", [2], POLICY, 0.5) == POLICY.device_backoff


def test_what_only_storage_knows_of_may_be_any_position() -> None:
    found = suspects()
    found.note("known", [3])
    found.note("read", [3])
    found.take("read", {1, 2})
    for name in ("known", "read", "unknown"):
        found.recall(name)
    assert found.take("known", {1, 2}) == [3]
    assert found.take("read", {1, 2}) == []
    assert found.take("unknown", {1, 2}) == [1, 2]
    found.recall("read")
    assert found.take("read", {1, 2}) == [1, 2]
