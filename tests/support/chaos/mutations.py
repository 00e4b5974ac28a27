"""Ways in which an engine can be wrong, each put into the running code: every one breaks a promise,
so a simulation that is worth its name must notice."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import msgspec

from latchwork.domain import believe as beliefs
from latchwork.domain import lock_state, plan, settle, wanted
from latchwork.domain.access_code import AccessCode
from latchwork.domain.events import SET_ON_DEVICE
from latchwork.domain.observation import Empty, NotRead
from latchwork.domain.reserve import reserve
from latchwork.domain.slots import Phase
from latchwork.engine import outcome, reconciler
from latchwork.engine.suspects import Suspects
from latchwork.storage.sql import code_rows, engine, events
from latchwork.storage.sql.endpoints import Endpoints
from latchwork.webhooks import deliver

Patches = list[tuple[Any, str, Any]]
Mutation = Callable[[], Patches]
MUTATIONS: dict[str, Mutation] = {}


def mutation(make: Mutation) -> Mutation:
    MUTATIONS[make.__name__] = make
    return make


@contextmanager
def broken(name: str) -> Iterator[None]:
    """The engine with one of the mutations in it."""
    with ExitStack() as stack:
        for owner, attribute, value in MUTATIONS[name]():
            stack.enter_context(patch.object(owner, attribute, value))
        yield


@mutation
def trust_an_acknowledgement() -> Patches:
    """What the lock acknowledged counts as proven."""
    real = reconciler._Visit._note_outcome

    def note(self: Any, step: Any, failure: Exception | None, now: datetime) -> None:
        real(self, step, failure, now)
        entry = self.state.ledger.get(step.position)
        if failure is None and entry is not None and isinstance(step, plan.Write):
            self.state.set_entry(
                msgspec.structs.replace(
                    entry, phase=Phase.CONFIRMED, confirmed_pin=entry.pin, confirmed_at=now
                )
            )

    return [(reconciler._Visit, "_note_outcome", note)]


@mutation
def take_a_failed_write_for_done() -> Patches:
    """A timeout or an error counts as an acknowledgement, and nothing is read back."""
    real = reconciler._Visit._note_outcome

    def note(self: Any, step: Any, failure: Exception | None, now: datetime) -> None:
        real(self, step, None, now)
        entry = self.state.ledger.get(step.position)
        if entry is not None and isinstance(step, plan.Write):
            self.state.set_entry(msgspec.structs.replace(entry, phase=Phase.CONFIRMED))

    return [(reconciler._Visit, "_note_outcome", note)]


@mutation
def believe_a_removal() -> Patches:
    """What was cleared counts as gone, unread."""
    real = reconciler._Visit._note_outcome

    def note(self: Any, step: Any, failure: Exception | None, now: datetime) -> None:
        real(self, step, failure, now)
        entry = self.state.ledger.get(step.position)
        if entry is not None and isinstance(step, plan.Clear):
            beliefs.believe(self.state, {step.position: Empty()}, now)

    return [(reconciler._Visit, "_note_outcome", note)]


@mutation
def skip_the_token_check() -> Patches:
    """A visit whose lease was lost writes back as if it still held it."""
    extend = (
        "UPDATE visit SET leased_until = ?1 WHERE device_id = ?2 AND ?3 > 0 RETURNING workspace_id"
    )
    return [(engine, "_EXTEND", extend)]


@mutation
def trust_not_read() -> Patches:
    """A read that brought nothing counts as a look at an empty position."""
    real = beliefs.believe

    def believe(state: Any, observed: Mapping[int, Any], now: datetime) -> None:
        seen = {p: Empty() if isinstance(o, NotRead) else o for p, o in observed.items()}
        real(state, seen, now)

    return [(reconciler, "believe", believe)]


@mutation
def adopt_a_foreign_slot() -> Patches:
    """Whatever stands in a position of ours is ours."""

    def adopt(state: Any, entry: Any, observation: Any, now: datetime) -> None:
        beliefs._confirm(state, entry, beliefs.EvidenceKind.READ_BACK, None, now)

    return [(beliefs, "_foreign_in_our_position", adopt)]


@mutation
def write_over_a_foreign_code() -> Patches:
    """The code of another hand in a position of ours is written over."""

    def give_back(state: Any, entry: Any, observation: Any, now: datetime) -> None:
        state.set_entry(msgspec.structs.replace(entry, phase=Phase.RESERVED))

    return [(beliefs, "_foreign_in_our_position", give_back)]


@mutation
def forget_the_next_due_time() -> Patches:
    """A visit never says when to look again."""
    real = reconciler._Visit._release

    async def release(self: Any, _: datetime | None) -> None:
        await real(self, None)

    return [(reconciler._Visit, "_release", release)]


@mutation
def write_before_the_ledger() -> Patches:
    """The lock is touched first, and the reservation stored afterwards."""

    async def program(self: Any, driver: Any, step: Any) -> None:
        for one in step.steps:
            begun = await self._before_step()
            reserve(self.state, one)
            await self._do(driver, one, begun)
            self.fresh.pop(one.position, None)
        await self._checkpoint()

    return [(reconciler._Visit, "_program", program)]


@mutation
def confirm_an_old_generation() -> Patches:
    """The answer to an old wish is stored as the state of the new one."""
    anyone = code_rows._WRITE_STATE.replace("AND generation = ?", "AND ? > 0")
    return [(code_rows, "_WRITE_STATE", anyone)]


@mutation
def forget_which_pin_was_proven() -> Patches:
    """The proof of the old PIN stands for the new one."""

    def proven(state: Any, code: AccessCode) -> bool:
        entry = state.entry_of(code)
        return entry is not None and entry.phase is Phase.CONFIRMED

    return [(module, "is_proven", proven) for module in (lock_state, plan, settle, wanted)]


@mutation
def skip_the_removal_at_the_end() -> Patches:
    """A code whose time is over stays."""

    def leaving(self: AccessCode, now: datetime) -> bool:
        return self.delete_requested_at is not None

    return [(AccessCode, "is_leaving", leaving)]


@mutation
def ignore_the_lead_time() -> Patches:
    """A just-in-time code is put on the lock as soon as it is wished."""

    def at_once(code: AccessCode, device: Any, account: Any) -> datetime:
        return code.created_at

    return [(lock_state, "program_from", at_once)]


@mutation
def retry_a_duplicate_for_ever() -> Patches:
    """A PIN that the lock refuses is tried again and again."""
    return [
        (outcome, "block_duplicate", lambda *_: None),
        (plan._Desk, "_refused_as_duplicate", lambda *_: False),
    ]


@mutation
def drop_an_event() -> Patches:
    """One in five codes becomes set and nobody is told."""
    real = events.store
    counted = -1

    async def store(tx: Any, endpoints: Any, workspace: str, told: Any, at: int) -> None:
        nonlocal counted
        kept = []
        for event in told:
            counted += event.event_type == SET_ON_DEVICE
            if event.event_type != SET_ON_DEVICE or counted % 5:
                kept.append(event)
        await real(tx, endpoints, workspace, kept, at)

    return [(events, "store", store)]


@mutation
def double_an_event() -> Patches:
    """One in five codes that become set is told of twice."""
    real = events.store
    counted = -1

    async def store(tx: Any, endpoints: Any, workspace: str, told: Any, at: int) -> None:
        nonlocal counted
        more = []
        for event in told:
            counted += event.event_type == SET_ON_DEVICE
            more += (
                [event, event] if event.event_type == SET_ON_DEVICE and not counted % 5 else [event]
            )
        await real(tx, endpoints, workspace, more, at)

    return [(events, "store", store)]


@mutation
def forget_a_webhook_message() -> Patches:
    """One in twenty events is stored without its messages."""
    real = Endpoints.wanting
    counted = 0

    def wanting(self: Any, workspace: str, event_type: str) -> Any:
        nonlocal counted
        counted += 1
        return real(self, workspace, event_type) if counted % 20 else ()

    return [(Endpoints, "wanting", wanting)]


@mutation
def give_up_a_refused_webhook() -> Patches:
    """A delivery that failed is not tried again."""
    return [(deliver.Deliverer, "_next_due", lambda *_: None)]


@mutation
def claim_what_is_claimed() -> Patches:
    """A lock that one worker visits is claimed by the other as well, when it is due again."""
    due = engine.DUE.replace("AND leased_until IS NULL AND due_at <= ?1", "AND due_at <= ?1")
    return [(engine, "DUE", due), (engine, "CLAIM", due + engine.sql.CLAIMING)]


@mutation
def tell_of_an_overtaken_state() -> Patches:
    """A code that was deleted during the visit is told to be set."""
    return [(engine, "_STATES", frozenset())]


@mutation
def forget_what_a_door_left() -> Patches:
    """A lock that was visited for its door alone is not due any more."""
    release = reconciler._Visit._release

    async def ended(self: Any, due_at: datetime | None) -> None:
        await release(self, None if self.lease.for_doors else due_at)

    return [(reconciler._Visit, "_release", ended)]


@mutation
def ignore_what_a_lock_tells() -> Patches:
    """A lock that says that another hand changed its codes is not heard."""

    def note(self: Any, device_id: str, positions: Any) -> bool:
        return False

    return [(Suspects, "note", note)]
