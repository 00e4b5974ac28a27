"""The engine's numbers in one place."""

from datetime import timedelta

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When to speak of lateness, how often to look, how long to wait."""

    delay_after: timedelta = timedelta(minutes=2)
    """A wish made too late for its start may take this long before it counts as late."""
    failure_deadline: timedelta = timedelta(minutes=15)
    """Lateness turns into failure after this; trying goes on."""
    audit_interval: timedelta = timedelta(hours=6)
    """One standing code of a lock is proven anew this often, times the radio operations that a
    read takes: four of them a day."""
    verify_before_start: timedelta = timedelta(hours=1)
    """A preloaded code whose proof is older than this at its start is read once more."""
    backup_pool_size: int = 2
    """Backup codes that wait on a lock while one of its time-bound codes asks for a pool."""
    reads_per_round: int = 16
    """Positions that one read asks for at most."""
    operations_per_read: int = 4
    """The radio operations that one read may take: a door command waits until it has ended."""
    writes_per_round: int = 8
    code_backoff: timedelta = timedelta(seconds=2)
    """First wait after an attempt that a lock did not honour; doubles."""
    device_backoff: timedelta = timedelta(seconds=5)
    """First wait after a lock could not be reached; doubles."""
    longest_backoff: timedelta = timedelta(minutes=5)
    attention_backoff: timedelta = timedelta(minutes=15)
    """Wait after an error that a person must mend."""
    flaky_after: int = 2
    """Failures in a row to reach a lock before its connection is called flaky."""
    offline_after: int = 4
    """Failures in a row to reach a lock before it is called disconnected."""
    unmanaged_expiry: timedelta = timedelta(minutes=15)
    """A wish to convert or delete another hand's code that could not be done by then is given up:
    what is on the lock may be something else by the time the lock answers again."""
    action_expiry: timedelta = timedelta(seconds=60)
    """A door command older than this is not carried out any more."""


def backoff(first: timedelta, longest: timedelta, failures: int, jitter: float) -> timedelta:
    """Doubling from `first` to `longest`; `jitter` of 0.0 to 1.0 spreads it by a quarter."""
    doublings = min(max(failures - 1, 0), 20)
    wait = min(first * (1 << doublings), longest)
    return wait * (0.875 + 0.25 * jitter)
