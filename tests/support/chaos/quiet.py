"""What a quiet day may cost a lock: few radio operations, each for a reason."""

from datetime import datetime

import msgspec

from latchwork.domain.timing import is_natively_scheduled
from latchwork.storage.interface import CodeFilter
from support.chaos.world import ChaosWorld
from support.world import DAY, HOUR

PROOFS = 6
"""Reads on a quiet day: the four that renew proofs, one of each end of the day beside."""
READS_A_COMMAND = 2
"""A position is read before a write or a clear, and after it."""
COMMANDS = 6
"""Writes and clears on a quiet day beyond those that its begins and ends call for: what other hands
did is found with the proofs, and a duplicate is tried anew when a code of the lock is gone."""
CROWDED = 3
"""Times as much on a lock of three positions with codes that wait for one: it is looked at for
room as well."""


class Due(msgspec.Struct):
    """How many times something falls due on a lock in a day: programming of a code, its removal,
    the start of one that the lock keeps shut until then, which is proven anew."""

    begins: int = 0
    ends: int = 0
    scheduled: int = 0


def _is_within(at: datetime | None, now: datetime) -> bool:
    return at is not None and now < at <= now + DAY


async def _due_within(world: ChaosWorld, key: str) -> Due:
    now = world.clock.now()
    where = CodeFilter(device_id=(await world.device(key)).device_id)
    page = await world.storage.codes(world.account.workspace_id, where, limit=1000, cursor=None)
    due = Due()
    for view in page.items:
        starts_at, ends_at = view.code.starts_at, view.code.ends_at
        due.ends += _is_within(ends_at, now)
        if starts_at is not None:
            due.begins += _is_within(starts_at - view.device.lead_time, now)
        if is_natively_scheduled(view.code, view.device):
            due.scheduled += _is_within(starts_at, now)
    return due


async def check_quiet(world: ChaosWorld) -> None:
    """A converged lock costs few radio operations a day."""
    locks = world.driver.house.locks
    before = {key: msgspec.structs.replace(lock.radio) for key, lock in locks.items()}
    due = {key: await _due_within(world, key) for key in before}
    await world.wait(DAY, 4 * HOUR)
    for key, lock in world.driver.house.locks.items():
        spent, was = lock.radio, before[key]
        factor = CROWDED if key == "small" else 1
        changes = due[key].begins + due[key].ends
        commands = spent.write + spent.clear - was.write - was.clear
        reads = spent.read + spent.probe - was.read - was.probe
        assert commands <= factor * (COMMANDS + changes), (
            f"{key}: {commands} commands on a quiet day of {changes} changes"
        )
        proofs = factor * PROOFS + due[key].scheduled
        assert reads <= proofs + READS_A_COMMAND * commands, (
            f"{key}: {reads} reads on a quiet day of {commands} commands"
        )
