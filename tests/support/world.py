"""A whole Latchwork but for its API, on virtual time: storage in memory, the engine, and simulated
locks whose keypads can be tried."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Self
from unittest.mock import patch
from zoneinfo import ZoneInfo

from latchwork.domain import backup, commands, offline
from latchwork.domain.access_code import AccessCode, CodeStatus, Pool
from latchwork.domain.action_attempt import ActionAttempt, ActionType, AttemptStatus
from latchwork.domain.device import ConnectedAccount, Device, Workspace
from latchwork.domain.events import Event
from latchwork.domain.ids import uuid7
from latchwork.domain.pin import Pin
from latchwork.domain.policy import Policy
from latchwork.domain.window import Window
from latchwork.drivers.simulator.driver import SimulatorDriver, factory
from latchwork.drivers.simulator.lock import SimulatedLock, Stored
from latchwork.engine import connections
from latchwork.engine.connections import Connections
from latchwork.engine.reconciler import Reconciler
from latchwork.engine.worker import Worker
from latchwork.storage.interface import (
    CodeFilter,
    CodeView,
    EventFilter,
    UnmanagedFilter,
    UnmanagedView,
)
from latchwork.storage.sqlite.storage import SqliteStorage
from latchwork.storage.vault import Vault
from support.virtual_time import VirtualClock

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ONE_LOCK = {"key": "front", "name": "Front Door", "latency": 0.2}


def one_lock(faults: Mapping[str, Any] | None = None, **capabilities: Any) -> dict[str, Any]:
    """Settings of a connection with one lock of these capabilities."""
    lock = {**ONE_LOCK, "capabilities": capabilities, "faults": dict(faults or {})}
    return {"locks": [lock]}


class World:
    """An async context manager. Codes go on the first lock unless another one's key is named.

    At every look the promises are checked: `set` opens the keypad; what is gone does not; codes
    of other people stand as they were. `promises` False for a while in which another hand or a
    lying lock breaks what nobody can know yet.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None, seed: int = 1) -> None:
        self.settings = factory.check_settings(settings or one_lock())
        self.rng = Random(seed)
        self.clock = VirtualClock()
        self.policy = Policy()
        self.promises = True
        self.foreign: dict[tuple[str, int], Pin] = {}
        self.codes: dict[str, AccessCode] = {}
        self._latest = datetime.min.replace(tzinfo=UTC)
        """What the clock showed at most before it was set."""
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        # Its look every two seconds would take most of the work of a test that spans weeks.
        self._patience = patch.object(connections, "LOOK_FOR_ACCOUNTS", DAY)
        self._patience.start()
        self.storage = await SqliteStorage.open(
            ":memory:",
            Vault(bytes(32)),
            clock_now=self.clock.now,
            entropy=self.rng.randbytes,
            inline=True,
        )
        now = self.clock.now()
        workspace = Workspace(workspace_id=self.new_id(), name="w", is_sandbox=True, created_at=now)
        await self.storage.add_workspace(workspace)
        self.workspace_id = workspace.workspace_id
        account = ConnectedAccount(
            connected_account_id=self.new_id(),
            workspace_id=workspace.workspace_id,
            provider="simulator",
            display_name="Simulator",
            created_at=now,
        )
        self.account = await self.storage.add_account(account, self.settings, {})
        self.start()
        await asyncio.sleep(10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        await self.storage.aclose()
        self._patience.stop()

    def new_id(self) -> str:
        return uuid7(self.clock.now(), self.rng.randbytes(10))

    def start(self) -> None:
        """Starts connections and worker on the storage as it stands."""
        self.connections = self.new_connections()
        reconciler = Reconciler(
            self.storage, self.connections, self.clock, self.policy, self.rng, self.new_id
        )
        worker = Worker(self.storage, self.connections, self.clock, reconciler)
        self._tasks = [
            asyncio.create_task(self.connections.run()),
            asyncio.create_task(worker.run()),
        ]

    def new_connections(self) -> Connections:
        return Connections(self.storage, {"simulator": factory}, self.clock, self.rng, self.new_id)

    async def kill(self) -> None:
        """Cancels connections and worker wherever they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def restart(self) -> None:
        """As after a crash: leases are let go, and everything begins anew on what is stored."""
        await self.kill()
        await self.storage.clear_leases()
        self.start()

    @property
    def driver(self) -> SimulatorDriver:
        driver = self.connections.driver(self.account.connected_account_id)
        assert isinstance(driver, SimulatorDriver)
        return driver

    def lock(self, key: str | None = None) -> SimulatedLock:
        return self.driver.house.lock(key or self.first_key)

    @property
    def first_key(self) -> str:
        return next(iter(self.driver.house.locks))

    def keypad(self, pin: str, key: str | None = None) -> bool:
        """Whether the PIN opens the lock now."""
        return self.lock(key).opens(Pin(pin), self.clock.now())

    async def device(self, key: str | None = None) -> Device:
        found = await self.storage.device_by_key(
            self.account.connected_account_id, key or self.first_key
        )
        assert found is not None
        return found

    # What callers do

    async def create(
        self,
        pin: str,
        *,
        key: str | None = None,
        starts_in: timedelta | None = None,
        lasts: timedelta | None = None,
        name: str | None = "Guest",
        **wish: Any,
    ) -> str:
        """The id of a new code; time-bound when it `lasts`. `wish`: of NewCode."""
        now = self.clock.now()
        starts_at = None if starts_in is None else now + starts_in
        wished = commands.NewCode(
            pin=Pin(pin),
            name=name,
            starts_at=starts_at,
            ends_at=None if lasts is None else (starts_at or now) + lasts,
            **wish,
        )
        device = await self.device(key)
        return await self._store(
            commands.new_code(wished, device, await self._account(), now, self.new_id)
        )

    async def create_offline(
        self, *, starts_in: timedelta = timedelta(0), lasts: timedelta | None = None
    ) -> str:
        """The id of a code that the first lock computes; for one use unless it `lasts`."""
        device = await self.device()
        now, rules = self.clock.now(), device.capabilities.offline
        assert rules is not None
        zone = UTC if device.time_zone is None else ZoneInfo(device.time_zone)
        if lasts is None:
            fitted = offline.fit_one_time(now + starts_in, rules, zone)
        else:
            window = Window(now + starts_in, now + starts_in + lasts)
            fitted = offline.fit(window, rules, zone, DAY)
        wish = commands.NewCode(pin=Pin(""), name="Guest")
        return await self._store(
            offline.new_offline_code(
                wish,
                fitted,
                device,
                now,
                self.new_id,
                adjusted_in_utc=device.time_zone is None,
            )
        )

    async def _store(self, made: commands.Command) -> str:
        duplicate = await self.storage.create_code(
            made.code, made.attempt, made.events, made.due_at
        )
        assert duplicate is None
        self.codes[made.code.access_code_id] = made.code
        return made.code.access_code_id

    async def pull_backup(self, code_id: str) -> str:
        """The id of the backup code that stands in for it from now on."""
        view = await self.view(code_id)
        where = CodeFilter(device_id=view.code.device_id, pool=Pool.WAITING)
        pool = await self.storage.codes(self.workspace_id, where, limit=10, cursor=None)
        pulled = backup.pull(view.code, [v.code for v in pool.items], self.clock.now(), self.new_id)
        assert not any(await self.storage.update_codes(pulled))
        code = pulled[1].code
        self.codes[code.access_code_id] = code
        return code.access_code_id

    async def pool(self) -> list[AccessCode]:
        """The backup codes that wait on the first lock."""
        device = await self.device()
        where = CodeFilter(device_id=device.device_id, pool=Pool.WAITING)
        page = await self.storage.codes(self.workspace_id, where, limit=10, cursor=None)
        return [view.code for view in page.items]

    async def update(self, code_id: str, **changes: Any) -> None:
        code = (await self.view(code_id)).code
        if "pin" in changes:
            changes["pin"] = Pin(changes["pin"])
        made = commands.changed_code(
            code, commands.Changes(**changes), self.clock.now(), self.new_id
        )
        await self._update(made)

    async def delete(self, code_id: str) -> None:
        code = (await self.view(code_id)).code
        await self._update(commands.deleted_code(code, self.clock.now(), self.new_id))

    async def _update(self, made: commands.Command) -> None:
        duplicate = await self.storage.update_code(
            made.code, made.attempt, made.events, made.due_at
        )
        assert duplicate is None

    async def simulate(
        self, action: str, key: str | None = None, *, code: str | None = None, **values: Any
    ) -> None:
        """Through the engine, as the API does it."""
        pin = None if code is None else Pin(code)
        await self.ask(ActionType.SIMULATE, key, code=pin, values={"action": action, **values})

    async def ask(self, action_type: ActionType, key: str | None = None, **fields: Any) -> str:
        """The id of a command for a lock, as the API stores it. `fields`: of ActionAttempt."""
        attempt = ActionAttempt(
            action_attempt_id=self.new_id(),
            workspace_id=self.workspace_id,
            action_type=action_type,
            created_at=self.clock.now(),
            device_id=(await self.device(key)).device_id,
            **fields,
        )
        await self.storage.add_attempt(attempt)
        return attempt.action_attempt_id

    def set_clock(self, by: timedelta) -> None:
        """Forwards, or back."""
        self._latest = max(self._latest, self.clock.now())
        self.clock.skew += by

    async def status_of(self, attempt_id: str) -> AttemptStatus:
        attempt = await self.storage.attempt(self.workspace_id, attempt_id)
        assert attempt is not None
        return attempt.status

    def program_by_hand(self, position: int, pin: str, key: str | None = None) -> None:
        """Another person's code, put on the lock unseen; it must stay untouched."""
        lock = self.lock(key)
        lock.put(position, Stored(Pin(pin)), self.clock.now())
        self.foreign[lock.key, position] = Pin(pin)

    async def _account(self) -> ConnectedAccount:
        account = await self.storage.account(self.workspace_id, self.account.connected_account_id)
        assert account is not None
        return account

    # What callers see

    async def others(self) -> list[UnmanagedView]:
        """The codes of other hands that are known."""
        page = await self.storage.unmanaged_codes(
            self.workspace_id, UnmanagedFilter(), limit=50, cursor=None
        )
        return list(page.items)

    async def find(self, code_id: str) -> CodeView | None:
        """None when the code is gone."""
        return await self.storage.code(self.workspace_id, access_code_id=code_id)

    async def view(self, code_id: str) -> CodeView:
        view = await self.find(code_id)
        assert view is not None, "the code is gone"
        return view

    async def status(self, code_id: str) -> str:
        """As the API tells it; `gone` for a code that is deleted."""
        view = await self.find(code_id)
        return "gone" if view is None else view.code.status.value

    async def problems(self, code_id: str) -> set[str]:
        """The codes of its errors and warnings."""
        code = (await self.view(code_id)).code
        return {p.code for p in (*code.errors, *code.warnings)}

    async def told(self, code_id: str | None = None) -> list[str]:
        """The types of all events, oldest first; of one code without their prefix."""
        types = []
        cursor = None
        while True:
            page = await self.storage.events(
                self.workspace_id, EventFilter(), limit=100, cursor=cursor
            )
            types += [e for e in page.items if code_id in (None, e.access_code_id)]
            cursor = page.next_cursor
            if cursor is None:
                break
        types.sort(key=_sequence)
        return [e.event_type.removeprefix("access_code.") for e in types]

    async def wait(self, span: timedelta, every: timedelta = MINUTE) -> None:
        """Lets time pass, looking at everything `every` so often."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            await self.clock.sleep(min(every, until - self.clock.now()))
            await self.look()

    async def wait_for(
        self, code_id: str, status: str, within: timedelta, every: timedelta = SECOND
    ) -> timedelta:
        """How long it took until the code had the status."""
        began = self.clock.now()
        while await self.status(code_id) != status:
            assert self.clock.now() - began < within, await self.status(code_id)
            await self.wait(every, every)
        return self.clock.now() - began

    async def look(self) -> None:
        """Checks the promises."""
        if not self.promises:
            return
        now = self.clock.now()
        views = {code_id: await self.find(code_id) for code_id in self.codes}
        for code_id, view in views.items():
            if view is None:
                self._check_gone(self.codes[code_id], views, now)
            else:
                self._check(view, now)
        for (key, position), pin in self.foreign.items():
            stored = self.lock(key).codes.get(position)
            assert stored is not None, f"the foreign code at {position} was cleared"
            assert stored.pin == pin, f"the foreign code at {position} was overwritten"

    def _check(self, view: CodeView, now: datetime) -> None:
        code = view.code
        opens = self.lock(view.device.provider_key).opens(code.pin, now)
        if code.status is CodeStatus.SET and code.window.contains(now):
            assert opens, f"{now}: set, and the keypad does not open"
        if opens and code.starts_at is not None:
            earliest = code.starts_at - view.device.lead_time
            assert max(now, self._latest) >= earliest, f"{now}: the keypad opens before its time"

    def _check_gone(
        self, code: AccessCode, views: Mapping[str, CodeView | None], now: datetime
    ) -> None:
        standing = {v.code.pin for v in views.values() if v is not None}
        if code.is_issued and code.pin not in standing and code.pin not in self.foreign.values():
            for lock in self.driver.house.locks.values():
                assert not lock.opens(code.pin, now), f"{now}: gone, and the keypad opens"


def is_over(code: AccessCode, now: datetime) -> bool:
    """By the wish itself: the engine's own judgement is what is tried."""
    return code.delete_requested_at is not None or code.window.has_ended(now)


def _sequence(event: Event) -> int:
    return event.sequence
