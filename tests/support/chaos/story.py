"""Days of random wishes, faults and crashes from a seed, and the end that they must come to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import structlog

from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.pin import Pin
from support.chaos.quiet import check_quiet
from support.chaos.world import STARTS, ChaosWorld
from support.virtual_time import run
from support.world import DAY, HOUR, MINUTE, SECOND, is_over

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "native": {"native_scheduling": True, "name_max_length": 8},
    "masked": {"reads": "occupancy"},
    "telling": {"pushes_changes": True, "refuses_duplicates": True},
    "small": {"positions": 3},
}
ONE_BY_ONE = {"plain", "masked"}
"""They are scanned position by position."""
FAULTS: tuple[tuple[str, Any], ...] = (
    ("offline", True),
    ("drop_answer", 2),
    ("ignore_writes", 2),
    ("ignore_clears", 2),
    ("unread", 3),
    ("unread", 12),
    ("fail_next", 5),
    ("fail_every", 3),
    ("late_apply", 3),
    ("delay", 6),
    ("flapping", {"period": 90, "share": 0.7}),
    ("clock_skew", 90),
    ("clock_skew", -90),
)
PAUSES = (SECOND / 2, 3 * SECOND, MINUTE, 20 * MINUTE, 3 * HOUR, DAY, 9 * DAY)
WEIGHTS = (16, 16, 16, 16, 12, 4, 1)
STEPS = 30


class Failed(AssertionError):
    """A promise was broken: of which seed, how to see it again, and what led to it."""

    def __init__(self, seed: int, cause: BaseException, trace: str) -> None:
        super().__init__(
            f"seed {seed}: {str(cause) or repr(cause)}\n\n{trace}\n\n"
            f"Replay: make simulate SEEDS=1 FIRST={seed}"
        )


class Story:
    def __init__(self, seed: int, world: ChaosWorld) -> None:
        self.rng = Random(seed)
        self.world = world
        self.wished: dict[str, str] = {}
        self.wishes: list[str] = []
        self.pins = iter(self.rng.sample(range(1000, 9999), STEPS * 3))
        self.acts = {
            self.create: 7,
            self.delete: 2,
            self.change: 2,
            self.second_thoughts: 1,
            self.break_: 4,
            self.mend: 3,
            self.crash: 1,
            self.hand: 1,
            self.hand_in_our_place: 1,
            self.erase: 1,
            self.duplicate: 1,
            self.name_one: 1,
            self.stall: 1,
            self.step_clock: 1,
            self.door: 1,
        }

    async def step(self) -> None:
        act = self.rng.choices(list(self.acts), weights=list(self.acts.values()))[0]
        await act()
        pause = self.rng.choices(PAUSES, weights=WEIGHTS)[0]
        await self.world.wait(pause, max(min(pause, 10 * MINUTE), pause / 6))

    def _note(self, what: str, key: str = "", outcome: Any = "") -> None:
        self.world.trace.note(self.world.clock.now(), "story", what, key, outcome)

    def _key(self) -> str:
        return self.rng.choice(sorted(KINDS))

    def _span(self) -> timedelta:
        return self.rng.choice((10 * MINUTE, 2 * HOUR, 26 * HOUR, 4 * DAY, 16 * DAY))

    # Callers

    async def create(self, key: str | None = None, pin: str | None = None) -> None:
        key, pin = key or self._key(), pin or str(next(self.pins))
        bound = self.rng.random() < 0.5
        starts_in = self._span() if bound and self.rng.random() < 0.6 else None
        lasts = self._span() if bound else None
        code = await self.world.create(pin, key=key, starts_in=starts_in, lasts=lasts)
        self.wished[code] = key
        self._note(f"wish {pin} in {starts_in} for {lasts}", key, code)

    async def _one(self) -> str | None:
        now = self.world.clock.now()
        standing = []
        for code_id in self.wished:
            view = await self.world.find(code_id)
            if view is not None and not is_over(view.code, now):
                standing.append(code_id)
        return self.rng.choice(standing) if standing else None

    async def delete(self) -> None:
        if (code_id := await self._one()) is not None:
            await self.world.delete(code_id)
            self._note("unwish", self.wished[code_id], code_id)

    async def change(self) -> None:
        if (code_id := await self._one()) is None:
            return
        if self.rng.random() < 0.5:
            pin = str(next(self.pins))
            await self.world.update(code_id, pin=pin)
            self._note(f"change to {pin}", self.wished[code_id], code_id)
            return
        ends_at = (await self.world.view(code_id)).code.ends_at
        if ends_at is not None:
            span = self._span()
            await self.world.update(code_id, ends_at=ends_at + span)
            self._note(f"extend by {span}", self.wished[code_id], code_id)

    async def second_thoughts(self) -> None:
        """A wish that changes while the visit for it is under way."""
        key = self.rng.choice(sorted(KINDS.keys() - {"small"}))
        before = set(self.wished)
        await self.create(key)
        [code_id] = self.wished.keys() - before
        await self.world.clock.sleep(self.rng.random() * SECOND)
        pin = str(next(self.pins))
        await self.world.update(code_id, pin=pin)
        self._note(f"change to {pin}", key, code_id)

    async def name_one(self) -> None:
        """A caller wishes one of the codes of other hands taken over or removed."""
        world = self.world
        known = sorted(
            (view for view in await world.others() if view.code.pin is not None),
            key=lambda view: (view.device.provider_key, view.code.position),
        )
        if not known:
            return
        view = self.rng.choice(known)
        kind = self.rng.choice((ActionType.CONVERT_TO_MANAGED, ActionType.DELETE_UNMANAGED))
        if kind is ActionType.DELETE_UNMANAGED:
            place = (view.device.provider_key, view.code.position)
            world.named.add(world.foreign.pop(place, view.code.pin))
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
        self._note(f"{kind.value} at {view.code.position}", view.device.provider_key)

    async def door(self) -> None:
        """Somebody stands at a door while codes are being programmed."""
        for _ in range(3):
            await self.create()
        await self.world.clock.sleep(self.rng.random() * SECOND)
        key = self._key()
        kind = self.rng.choice((ActionType.LOCK_DOOR, ActionType.UNLOCK_DOOR))
        self.wishes.append(await self.world.ask(kind, key))
        self._note(kind.value, key)

    # The world

    async def break_(self) -> None:
        name, value = self.rng.choice(FAULTS)
        key = self._key()
        await self.world.driver.simulate(key, "set_fault", {"name": name, "value": value})
        self.world.sound_since[key] = None
        self._note(f"fault {name} {value}", key)

    async def mend(self) -> None:
        await self._mend(self._key())

    async def _mend(self, key: str) -> None:
        await self.world.driver.simulate(key, "clear_faults", {})
        self.world.sound_since[key] = self.world.clock.now()
        self._note("faults end", key)

    async def crash(self) -> None:
        self._note("crash")
        await self.world.restart()
        await self.world.clock.sleep(SECOND / 100)

    async def stall(self) -> None:
        """One of the workers stands still, in the midst of visits, for longer than leases last."""
        for _ in range(3):
            await self.create()
        await self.world.clock.sleep(self.rng.random() * SECOND / 2)
        storage = self.rng.choice(self.world.stalling)
        span = self.rng.choice((20, 200, 900, 1500)) * SECOND
        self._note(f"worker {self.world.stalling.index(storage) + 1} stalls for {span}")
        storage.running.clear()
        await self.world.wait(span, span / 4)
        storage.running.set()
        self.world.disturbed_at = self.world.clock.now()

    async def step_clock(self) -> None:
        step = self.rng.choice((-45 * SECOND, -5 * SECOND, 20 * SECOND, 50 * SECOND, HOUR))
        self._note(f"clock steps by {step}")
        self.world.set_clock(step)
        self.world.disturbed_at = self.world.clock.now()

    async def hand(self) -> None:
        """Another person's code, on a lock with room."""
        key, pin = self._key(), str(next(self.pins))
        lock = self.world.lock(key)
        position = lock.capabilities.last_position
        if key != "small" and position not in lock.codes:
            await self._by_hand(key, position, pin)

    async def hand_in_our_place(self) -> None:
        """Another person's code where ours was meant to be, or has been, on a lock that can tell
        them apart."""
        key, pin = self.rng.choice(("plain", "telling")), str(next(self.pins))
        position, told = self.rng.choice((1, 2, 3)), self.rng.random() < 0.5 and self._tells(key)
        if self._may_meddle(key, position):
            await self._doubt(key, position, told=told)
            await self._by_hand(key, position, pin, told=told)

    async def erase(self) -> None:
        """Another person clears a code of ours, and the lock tells so if it can be reached."""
        key, position = "telling", self.rng.choice((1, 2, 3))
        if position in self.world.lock(key).codes and self._may_meddle(key, position):
            await self._doubt(key, position, told=self._tells(key))
            await self.world.driver.simulate(key, "clear_by_hand", {"position": position})
            self._note(f"cleared by hand: {position}", key)

    def _tells(self, key: str) -> bool:
        return key == "telling" and self.world.sound_since[key] is not None

    def _may_meddle(self, key: str, position: int) -> bool:
        """Not while a command of ours is under way, which nobody could tell in time."""
        world = self.world
        if world.lock(key).pending or world.driver._turns.get(key, None) is None:
            return False
        return not world.is_being_visited(key) and (key, position) not in world.foreign

    async def _doubt(self, key: str, position: int, *, told: bool) -> None:
        for code_id, on in self.wished.items():
            view = await self.world.find(code_id) if on == key else None
            if view is None or view.entry is None or view.entry.position != position:
                continue
            self.world.doubt(code_id, told=told)

    async def duplicate(self) -> None:
        """Another person's code, and before it is seen the wish for the same PIN."""
        key, pin = "telling", str(next(self.pins))
        lock = self.world.lock(key)
        position = lock.capabilities.last_position - 1
        if position not in lock.codes:
            await self._by_hand(key, position, pin)
            await self.create(key, pin)

    async def _by_hand(self, key: str, position: int, pin: str, *, told: bool = False) -> None:
        self.world.foreign[key, position] = Pin(pin)
        act = {"position": position, "code": pin, "told": told}
        await self.world.driver.simulate(key, "program_by_hand", act)
        self._note(f"by hand{', told' if told else ''}: {pin} at {position}", key)

    # The end

    async def end(self) -> None:
        """The locks behave, and time passes: every wish is as it should be."""
        world = self.world
        for key in KINDS:
            await self._mend(key)
        await world.wait(7 * HOUR, HOUR / 2)
        now = world.clock.now()
        for code_id, key in self.wished.items():
            view = await world.find(code_id)
            if view is None or key == "small" or view.code.blocked is not None:
                continue
            code = view.code
            assert not is_over(code, now), f"{code_id} should be gone"
            if code.window.contains(now):
                assert code.status.value == "set", f"{key}: {code.errors} {code.warnings}"
        await self._no_strangers()
        await self._wishes_ended()
        await check_quiet(world)
        await world.close()

    async def _no_strangers(self) -> None:
        """Nothing is on a lock but what is wished and what other people put there."""
        for key in KINDS:
            known = {pin for (at, _), pin in self.world.foreign.items() if at == key}
            known |= self.world.named
            for code_id, on in self.wished.items():
                view = await self.world.find(code_id)
                if on == key and view is not None:
                    known.add(view.code.pin)
            held: set[Pin | None] = {stored.pin for stored in self.world.lock(key).codes.values()}
            assert held <= known, f"{key} holds what nobody wishes"

    async def _wishes_ended(self) -> None:
        for attempt_id in self.wishes:
            assert await self.world.status_of(attempt_id) is not AttemptStatus.PENDING


async def _tell(seed: int, steps: int) -> str:
    zone, start = STARTS[seed % len(STARTS)]
    zones = {"native": zone}
    locks = [
        {
            "key": key,
            "name": key,
            "latency": 0.2,
            "capabilities": capabilities,
            "scans": key not in ONE_BY_ONE,
            "time_zone": zones.get(key),
        }
        for key, capabilities in KINDS.items()
    ]
    world = ChaosWorld({"locks": locks}, seed, start, zones)
    try:
        async with world:
            story = Story(seed, world)
            for _ in range(steps):
                await story.step()
            await story.end()
    except Exception as error:
        raise Failed(seed, error, world.trace.text()) from error
    return world.trace.digest


def rage(seed: int, steps: int = STEPS) -> str:
    """Runs the seed's story; the digest of its trace. Raises Failed."""
    with _without_the_servers_log():
        return run(_tell(seed, steps))


@contextmanager
def _without_the_servers_log() -> Iterator[None]:
    """A story has its trace."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)
