"""A whole Latchwork but for its API, in memory, with the locks of one bench connected."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Final, Self, TypeVar

from latchwork.domain import account_commands, commands
from latchwork.domain.access_code import AccessCode, CodeStatus
from latchwork.domain.device import ConnectedAccount, Device, Workspace
from latchwork.domain.events import Event
from latchwork.domain.ids import uuid7
from latchwork.domain.pin import Pin, Secret
from latchwork.domain.policy import Policy
from latchwork.domain.problem import Problem
from latchwork.drivers.conformance.bench import Bench, LockUnderTest, Unable
from latchwork.drivers.conformance.outcome import NotConforming, expect
from latchwork.drivers.conformance.overheard import Overheard, telling
from latchwork.drivers.conformance.watched import Traffic, watched_factory
from latchwork.engine.connections import Connections
from latchwork.engine.reconciler import Reconciler
from latchwork.engine.worker import Worker
from latchwork.storage.interface import CodeFilter, CodeView, EventFilter, Storage
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault

T = TypeVar("T")

LOOK_EVERY: Final = timedelta(milliseconds=20)
HASTY: Final = Policy(
    code_backoff=timedelta(milliseconds=200),
    device_backoff=timedelta(milliseconds=300),
    longest_backoff=timedelta(seconds=2),
    attention_backoff=timedelta(seconds=1),
)
"""As in earnest, with waits that a test can bear."""
ECHO: Final = timedelta(seconds=1)
"""A lock that reports our own writes does so within this time."""
GONE: Final = "gone"


class Stage:
    """An async context manager. Whatever is called without a lock concerns the lock under test.

    Every look at a code holds the first promise: `set` means that the lock stores its PIN.
    """

    storage: Storage

    def __init__(self, bench: Bench, lock: LockUnderTest) -> None:
        self.bench = bench
        self.lock = lock
        self.traffic = Traffic()
        self.radio: int | None = None
        """What the last `measured` part cost."""
        self.hold_promise = True
        """False for a while in which another hand breaks what nobody can know yet."""
        self._clock = bench.clock
        self._tasks: list[asyncio.Task[None]] = []
        self._overheard = Overheard()
        self._secrets: list[Secret] = list(bench.secrets.values())

    @property
    def others(self) -> Sequence[LockUnderTest]:
        """The locks of the bench beside the one under test."""
        return [lock for lock in self.bench.locks if lock is not self.lock]

    async def __aenter__(self) -> Self:
        for lock in self.bench.locks:
            await lock.reset()
        self.storage = await SqliteStorage.open(
            ":memory:", Vault(bytes(32)), clock_now=self.now, entropy=os.urandom, inline=True
        )
        self._overheard.begin()
        try:
            await self._furnish()
            self.start()
            await self.until("every lock is found and looked at", self._is_settled)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.storage.aclose()
        self._overheard.end()

    async def _furnish(self) -> None:
        workspace = Workspace(
            workspace_id=self.new_id(),
            name="Conformance",
            is_sandbox=False,
            created_at=self.now(),
        )
        await self.storage.add_workspace(workspace)
        self.workspace_id = workspace.workspace_id
        account = ConnectedAccount(
            connected_account_id=self.new_id(),
            workspace_id=workspace.workspace_id,
            provider=self.bench.provider,
            display_name=self.bench.factory.provider_display_name,
            created_at=self.now(),
            lead_time=timedelta(0),
        )
        settings = dict(self.bench.factory.check_settings(self.bench.settings))
        account = await self.storage.add_account(account, settings, self.bench.secrets)
        self.account_id = account.connected_account_id

    def start(self) -> None:
        """Latchwork begins, on what is stored."""
        rng = Random()  # noqa: S311 - spreads waits
        factories = {self.bench.provider: watched_factory(self.bench.factory, self.traffic)}
        connections = Connections(self.storage, factories, self._clock, rng, self.new_id, echo=ECHO)
        reconciler = Reconciler(self.storage, connections, self._clock, HASTY, rng, self.new_id)
        worker = Worker(self.storage, connections, self._clock, reconciler)
        self._tasks = [
            asyncio.create_task(connections.run()),
            asyncio.create_task(worker.run()),
        ]

    async def stop(self) -> None:
        """Latchwork dies wherever it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.storage.clear_leases()

    async def restart(self) -> None:
        """Latchwork dies wherever it is, and begins anew on what is stored."""
        await self.stop()
        self.start()

    async def _is_settled(self) -> bool:
        devices = await self.storage.devices_of_account(self.account_id)
        seen = {d.provider_key for d in devices if d.scanned_at is not None}
        return {lock.provider_key for lock in self.bench.locks} <= seen

    def now(self) -> datetime:
        return self._clock.now()

    def new_id(self) -> str:
        return uuid7(self.now(), os.urandom(10))

    # What callers do

    async def create(
        self,
        pin: str,
        *,
        lock: LockUnderTest | None = None,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        prefer_native_scheduling: bool = True,
    ) -> str:
        """The id of a new code; time-bound when it ends."""
        self._secrets.append(Pin(pin))
        wish = commands.NewCode(
            pin=Pin(pin),
            name="Guest",
            starts_at=starts_at,
            ends_at=ends_at,
            prefer_native_scheduling=prefer_native_scheduling,
        )
        account = await self.storage.account(self.workspace_id, self.account_id)
        expect(account is not None, "the account is gone")
        assert account is not None  # noqa: S101 - for the type checker
        device = await self.device(lock)
        made = commands.new_code(wish, device, account, self.now(), self.new_id)
        duplicate = await self.storage.create_code(
            made.code, made.attempt, made.events, made.due_at
        )
        expect(duplicate is None, "the new PIN counts as a duplicate")
        return made.code.access_code_id

    async def change_pin(self, code_id: str, pin: str) -> None:
        self._secrets.append(Pin(pin))
        await self._change(code_id, commands.Changes(pin=Pin(pin)))

    async def change_end(self, code_id: str, ends_at: datetime) -> None:
        await self._change(code_id, commands.Changes(ends_at=ends_at))

    async def _change(self, code_id: str, changes: commands.Changes) -> None:
        code = (await self.view(code_id)).code
        await self._update(commands.changed_code(code, changes, self.now(), self.new_id))

    async def delete(self, code_id: str) -> None:
        code = (await self.view(code_id)).code
        await self._update(commands.deleted_code(code, self.now(), self.new_id))

    async def _update(self, made: commands.Command) -> None:
        duplicate = await self.storage.update_code(
            made.code, made.attempt, made.events, made.due_at
        )
        expect(duplicate is None, "the changed PIN counts as a duplicate")

    async def audit(self) -> None:
        """What time brings about by itself: our positions are read anew."""
        device = await self.device()
        await self.storage.rescan_device(device.device_id, self.now(), positions=False)

    async def list_anew(self) -> None:
        """A caller wishes the locks of the account to be listed."""
        await self.storage.change_account(
            self.workspace_id,
            self.account_id,
            lambda account: (account_commands.to_be_listed(account, self.now()), ()),
        )

    # What callers see

    async def device(self, lock: LockUnderTest | None = None) -> Device:
        key = (lock or self.lock).provider_key
        device = await self.storage.device_by_key(self.account_id, key)
        if device is None:
            raise NotConforming(f"the driver lists no lock {key!r}")
        return device

    async def is_out_of_reach(self) -> bool:
        """Whether it was found that the lock under test does not answer."""
        device = await self.device()
        return device.failures > 0 or not device.online

    async def find(self, code_id: str) -> CodeView | None:
        return await self.storage.code(self.workspace_id, access_code_id=code_id)

    async def view(self, code_id: str) -> CodeView:
        view = await self.find(code_id)
        if view is None:
            raise NotConforming("the code is gone")
        return view

    async def status(self, code_id: str) -> str:
        """In Seam's words; `gone` for a code that is deleted. Holds the promise."""
        view = await self.find(code_id)
        if view is None:
            return GONE
        is_here = view.device.provider_key == self.lock.provider_key
        if view.code.status is CodeStatus.SET and is_here and self.hold_promise:
            await self._hold(view.code)
        return view.code.status.value

    async def _hold(self, code: AccessCode) -> None:
        pin = code.pin.reveal()
        if pin in (await self.lock.stored()).values():
            return
        # Its time may have come between the look at the code and the look at the lock.
        later = await self.find(code.access_code_id)
        expect(
            later is None or later.code.status is not CodeStatus.SET,
            "a code is `set` while the lock does not store its PIN",
        )

    async def problems(self, code_id: str) -> set[str]:
        """The codes of a code's errors and warnings."""
        code = (await self.view(code_id)).code
        return {problem.code for problem in (*code.errors, *code.warnings)}

    async def position(self, code_id: str) -> int:
        """Where the code was put."""
        entry = (await self.view(code_id)).entry
        if entry is None:
            raise NotConforming("the code has no position")
        return entry.position

    async def events(self, *types: str, code_id: str | None = None) -> Sequence[Event]:
        """The last hundred events of these types (without any: of all), newest first."""
        where = EventFilter(
            event_types=types or None, access_code_ids=None if code_id is None else (code_id,)
        )
        page = await self.storage.events(self.workspace_id, where, limit=100, cursor=None)
        return page.items

    async def secrets_kept(self) -> tuple[int, int]:
        """Holds that no PIN that callers gave, and no secret of the account, is told by a log at
        DEBUG, an event or a problem; how many lines and events there were."""
        lines, events = self._overheard.lines, await self.events()
        problems = [repr(problem) async for problem in self._all_problems()]
        told = telling([*lines, *map(repr, events), *problems], self._secrets)
        expect(not told, f"a secret is told in {len(told)} place(s), at first in: {told[:1]}")
        return len(lines), len(events)

    async def _all_problems(self) -> AsyncIterator[Problem]:
        views = await self.storage.codes(self.workspace_id, CodeFilter(), limit=100, cursor=None)
        for code in (view.code for view in views.items):
            for problem in (*code.errors, *code.warnings):
                yield problem
        for device in await self.storage.devices_of_account(self.account_id):
            for problem in (*device.errors, *device.warnings):
                yield problem
        account = await self.storage.account(self.workspace_id, self.account_id)
        if account is not None:
            for problem in (*account.errors, *account.warnings):
                yield problem

    async def opens(self, pin: str) -> bool:
        """Whether the keypad takes the PIN; whether the lock stores it, where none can be tried."""
        try:
            return await self.lock.keypad(pin)
        except Unable:
            return pin in (await self.lock.stored()).values()

    # Waiting

    async def until(
        self,
        what: str,
        condition: Callable[[], Awaitable[T]],
        within: timedelta | None = None,
    ) -> T:
        """The condition's first true answer. Raises NotConforming when it takes too long."""
        deadline = self.now() + (within or self.bench.patience)
        while not (answer := await condition()):
            if self.now() > deadline:
                raise NotConforming(f"it never happened that {what}")
            for task in self._tasks:
                if task.done() and (error := task.exception()) is not None:
                    raise error
            await self.nap()
        return answer

    async def until_status(self, code_id: str, status: str) -> None:
        async def has_status() -> bool:
            return await self.status(code_id) == status

        await self.until(f"the code became {status}", has_status)

    async def stays(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        """Holds that the condition is true for a while. Raises NotConforming."""
        until = self.now() + self.bench.quiet
        while self.now() < until:
            expect(await condition(), f"it did not stay so that {what}")
            await self.nap()

    async def nap(self) -> None:
        await self._clock.sleep(LOOK_EVERY)

    async def left_alone(self) -> None:
        """Until the driver was asked for nothing for a while."""
        calls, since = self.traffic.calls, self.now()

        async def is_quiet() -> bool:
            nonlocal calls, since
            if self.traffic.calls != calls:
                calls, since = self.traffic.calls, self.now()
            await self._clock.sleep(self.bench.quiet / 20)
            return self.now() - since >= self.bench.quiet

        within = self.bench.patience + self.bench.quiet
        await self.until("an idle lock is left alone", is_quiet, within)

    async def audited(self) -> None:
        """An audit, to its end."""
        reads = self.traffic.reads

        async def has_read() -> bool:
            return self.traffic.reads > reads and self.traffic.under_way == 0

        await self.audit()
        await self.until("the audit was made", has_read)

    async def let_echoes_pass(self) -> None:
        """Until a report of a change is not taken for the echo of our own write any more."""
        await self._clock.sleep(ECHO + LOOK_EVERY)

    async def set_now(self, pin: str, lock: LockUnderTest | None = None) -> str:
        """The id of a new code, once it is set."""
        code_id = await self.create(pin, lock=lock)
        await self.until_status(code_id, "set")
        return code_id

    async def remove_now(self, code_id: str) -> None:
        await self.delete(code_id)
        await self.until_status(code_id, GONE)

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        """Counts the lock's radio operations into `radio`, where they can be counted."""
        before = await self._count()
        yield
        after = await self._count()
        self.radio = None if before is None or after is None else after - before

    async def _count(self) -> int | None:
        try:
            return await self.lock.radio_operations()
        except Unable:
            return None
