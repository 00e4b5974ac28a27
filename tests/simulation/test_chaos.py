"""Days of random commands, faults and crashes from a seed: the promises hold at every look, and
once the locks behave again everything ends as it was wished.

`LATCHWORK_SEED=17 pytest tests/simulation/test_chaos.py` runs that seed alone.
"""

import os
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from latchwork.domain.action_attempt import ActionAttempt, ActionType
from latchwork.domain.pin import Pin
from latchwork.storage.interface import UnmanagedFilter
from support.virtual_time import run
from support.world import DAY, HOUR, MINUTE, SECOND, World

SEEDS = [int(seed) for seed in os.environ.get("LATCHWORK_SEED", "1 2 3 4 5 6").split()]
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "native": {"native_scheduling": True, "name_max_length": 8},
    "masked": {"reads": "occupancy"},
    "telling": {"pushes_changes": True, "refuses_duplicates": True},
    "small": {"positions": 3},
}
FAULTS: tuple[tuple[str, Any], ...] = (
    ("offline", True),
    ("drop_answer", 2),
    ("ignore_writes", 2),
    ("ignore_clears", 2),
    ("unread", 3),
    ("fail_next", 5),
    ("fail_every", 3),
    ("late_apply", 3),
    ("delay", 6),
    ("flapping", {"period": 90, "share": 0.7}),
)
STEPS = 60


class Chaos:
    def __init__(self, seed: int, world: World) -> None:
        self.rng = Random(seed)
        self.world = world
        self.wished: dict[str, str] = {}
        self.named: set[Pin | None] = set()
        """PINs of other hands that need not stand any more, and may."""
        self.wishes: list[str] = []
        self.pins = iter(self.rng.sample(range(1000, 9999), STEPS * 2))

    async def step(self) -> None:
        act = self.rng.choices(
            (
                self.create,
                self.delete,
                self.change,
                self.break_,
                self.mend,
                self.crash,
                self.hand,
                self.name_one,
            ),
            weights=(6, 2, 2, 3, 3, 1, 1, 1),
        )[0]
        await act()
        pause = self.rng.choice((SECOND / 2, 3 * SECOND, MINUTE, 20 * MINUTE, 3 * HOUR))
        await self.world.wait(pause, min(pause, 10 * MINUTE))

    def _key(self) -> str:
        return self.rng.choice(sorted(KINDS))

    def _span(self) -> timedelta:
        return self.rng.choice((10 * MINUTE, 2 * HOUR, DAY, 4 * DAY))

    async def create(self) -> None:
        key, pin = self._key(), str(next(self.pins))
        bound = self.rng.random() < 0.5
        starts_in = self._span() if bound and self.rng.random() < 0.6 else None
        code = await self.world.create(
            pin, key=key, starts_in=starts_in, lasts=self._span() if bound else None
        )
        self.wished[code] = key

    async def _one(self) -> str | None:
        now = self.world.clock.now()
        standing = []
        for code_id in self.wished:
            view = await self.world.find(code_id)
            if view is not None and not view.code.is_leaving(now):
                standing.append(code_id)
        return self.rng.choice(standing) if standing else None

    async def delete(self) -> None:
        if (code_id := await self._one()) is not None:
            await self.world.delete(code_id)

    async def change(self) -> None:
        if (code_id := await self._one()) is None:
            return
        if self.rng.random() < 0.5:
            await self.world.update(code_id, pin=str(next(self.pins)))
            return
        ends_at = (await self.world.view(code_id)).code.ends_at
        if ends_at is not None:
            await self.world.update(code_id, ends_at=ends_at + self._span())

    async def break_(self) -> None:
        name, value = self.rng.choice(FAULTS)
        await self._simulate("set_fault", name=name, value=value)

    async def mend(self) -> None:
        await self._simulate("clear_faults")

    async def _simulate(self, action: str, **values: Any) -> None:
        await self.world.driver.simulate(self._key(), action, values)

    async def crash(self) -> None:
        await self.world.restart()
        await self.world.clock.sleep(SECOND / 100)

    async def hand(self) -> None:
        """Another person's code, on a lock with room."""
        key, pin = self._key(), str(next(self.pins))
        lock = self.world.lock(key)
        position = lock.capabilities.last_position
        if key != "small" and position not in lock.codes:
            self.world.program_by_hand(position, pin, key)
            await self.world.driver.house.save(lock)

    async def name_one(self) -> None:
        """A caller wishes one of the codes of other hands taken over or removed."""
        world = self.world
        page = await world.storage.unmanaged_codes(
            world.workspace_id, UnmanagedFilter(), limit=50, cursor=None
        )
        known = sorted(
            (view for view in page.items if view.code.pin is not None),
            key=lambda view: (view.device.provider_key, view.code.position),
        )
        if not known:
            return
        view = self.rng.choice(known)
        kind = self.rng.choice((ActionType.CONVERT_TO_MANAGED, ActionType.DELETE_UNMANAGED))
        if kind is ActionType.DELETE_UNMANAGED:
            place = (view.device.provider_key, view.code.position)
            self.named.add(world.foreign.pop(place, view.code.pin))
        attempt = ActionAttempt(
            action_attempt_id=world.new_id(),
            workspace_id=world.workspace_id,
            action_type=kind,
            created_at=world.clock.now(),
            device_id=view.device.device_id,
            values={"unmanaged_access_code_id": view.code.unmanaged_access_code_id},
        )
        await world.storage.add_attempt(attempt)
        self.wishes.append(attempt.action_attempt_id)

    async def _wishes_ended(self) -> None:
        for attempt_id in self.wishes:
            attempt = await self.world.storage.attempt(self.world.workspace_id, attempt_id)
            assert attempt is not None
            assert attempt.status.value != "pending"

    async def end(self) -> None:
        """The locks behave, and time passes: every wish is as it should be."""
        world = self.world
        for key in KINDS:
            await world.driver.simulate(key, "clear_faults", {})
        await world.wait(2 * HOUR)
        now = world.clock.now()
        for code_id, key in self.wished.items():
            view = await world.find(code_id)
            if view is None or key == "small":
                continue
            code = view.code
            assert not code.is_leaving(now)
            if code.window.contains(now):
                assert code.status.value == "set", f"{key}: {code.errors} {code.warnings}"
        await self._no_strangers()
        await self._wishes_ended()

    async def _no_strangers(self) -> None:
        """Nothing is on a lock but what is wished and what other people put there."""
        for key in KINDS:
            known = {pin for (at, _), pin in self.world.foreign.items() if at == key}
            known |= self.named
            for code_id, on in self.wished.items():
                view = await self.world.find(code_id)
                if on == key and view is not None:
                    known.add(view.code.pin)
            held = {stored.pin for stored in self.world.lock(key).codes.values()}
            assert held <= known, key


async def rage(seed: int) -> None:
    locks = [
        {"key": key, "name": key, "latency": 0.2, "capabilities": capabilities}
        for key, capabilities in KINDS.items()
    ]
    async with World({"locks": locks}, seed) as world:
        chaos = Chaos(seed, world)
        for _ in range(STEPS):
            await chaos.step()
        await chaos.end()


@pytest.mark.parametrize("seed", SEEDS)
def test_promises_hold_through_faults_and_crashes(seed: int) -> None:
    run(rage(seed))
