"""Keeps one driver running for every connected account, and says which can be used now.

A connection that ends is made again, with a growing wait. What is lost for longer than a grace
is told on the account and on its locks; shorter gaps (a controller that restarts) are not.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

import structlog

from latchwork.domain.device import ConnectedAccount
from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater, Unsupported
from latchwork.domain.policy import backoff
from latchwork.drivers.protocol import (
    Driver,
    DriverContext,
    DriverFactory,
    ListsAnew,
    Push,
    ReceivesDeliveries,
)
from latchwork.engine.account_marks import AccountMarks
from latchwork.engine.clock import Clock
from latchwork.engine.driver_store import DriverStore
from latchwork.engine.ending import close, end
from latchwork.engine.inbound import Inbound
from latchwork.engine.nap import nap
from latchwork.engine.ownership import BEAT, Ownership
from latchwork.engine.scans import Scans
from latchwork.engine.suspects import OWN_WRITE_ECHO, Suspects
from latchwork.engine.turns import Turn, Turns
from latchwork.storage.interface import Storage, StorageUnavailable

log = structlog.get_logger(__name__)

LOOK_FOR_ACCOUNTS = timedelta(seconds=2)
FIRST_WAIT = timedelta(milliseconds=500)
LONGEST_WAIT = timedelta(seconds=30)
ATTENTION_WAIT = timedelta(minutes=5)
GRACE = timedelta(seconds=6)
"""How long a connection may be gone before anybody is told."""
AFTER_TROUBLE = timedelta(seconds=1)
"""Between tries to store what storage did not take."""
CLOSE_PATIENCE = 0.5
"""Seconds that connections get to close before the others are looked after."""
AWAY = timedelta(seconds=30)
"""When a provider may try again to deliver to an account that is not connected."""


class Connections:
    """The live drivers by account, and the pushes they bring."""

    def __init__(
        self,
        storage: Storage,
        factories: Mapping[str, DriverFactory],
        clock: Clock,
        rng: Random,
        new_id: Callable[[], str],
        *,
        grace: timedelta = GRACE,
        echo: timedelta = OWN_WRITE_ECHO,
        inbound_url: Callable[[str], str | None] = lambda _: None,
        ownership: Ownership | None = None,
    ) -> None:
        self._storage = storage
        self._factories = factories
        self._clock = clock
        self._rng = rng
        self._grace = grace
        self._inbound_url = inbound_url
        self._ownership = ownership
        self._held: frozenset[str] | None = None if ownership is None else frozenset()
        """The accounts of this process; None: all."""
        self._spares = False
        """Others may have some of them that are not kept here any more."""
        self.suspects = Suspects(clock.now, echo)
        self.scans = Scans()
        self._turns = Turns()
        self._marks = AccountMarks(storage, clock)
        self._inbound = Inbound(storage, clock, new_id, self.suspects.note)
        self._live: dict[str, Driver] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}
        """Connections that are being closed: until then nobody connects anew."""
        self._waiting: set[str] = set()
        """Accounts that storage holds for connected while their driver is not live yet."""
        self._listeners: list[Callable[[], None]] = []
        self._look = asyncio.Event()
        self._renewed: dict[str, datetime | None] = {}
        """When the secrets were renewed that a connection was made with, by account."""
        self._suspended: set[str] = set()
        """Accounts that are told to be disconnected because somebody wishes it."""
        self._asked: dict[str, datetime | None] = {}
        """The wish for a fresh list of locks that was last seen, by account."""
        self._listings: dict[str, asyncio.Task[None]] = {}
        self._told, self._known = 1, 0
        """How often storage has told of changed accounts, and the count at which they were read."""
        self._accounts: Mapping[str, ConnectedAccount] = {}
        storage.listen_accounts(self._hear)

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls `listener` whenever a connection comes up or goes."""
        self._listeners.append(listener)

    def live(self) -> Sequence[str]:
        """The accounts that are connected here."""
        return sorted(self._live)

    def driver(self, account_id: str) -> Driver | None:
        """The live driver of an account; None while there is none."""
        return self._live.get(account_id)

    async def deliver(self, account_id: str, headers: Mapping[str, str], body: bytes) -> None:
        """Hands a provider's delivery to the account's driver; returns when all that it says is
        stored. Raises RetryLater while the account has no live driver here, Unsupported for one
        whose driver takes no deliveries, and what the driver raises."""
        driver = self._live.get(account_id)
        if driver is None:
            raise RetryLater("The account is not connected at the moment.", AWAY)
        if not isinstance(driver, ReceivesDeliveries):
            raise Unsupported("Nothing is delivered to accounts of this kind.")
        for push in await driver.receive(headers, body):
            await self._inbound.take(account_id, push)

    def turn(self, account_id: str) -> Turn:
        """For one visit through the account's connection."""
        driver = self._live.get(account_id)
        alone = driver is not None and driver.max_concurrent_visits == 1
        return self._turns.of(account_id, one_at_a_time=alone)

    def rooms(self, visits: Mapping[str, int]) -> Mapping[str, int]:
        """How many further visits each account can take; of one that is not named, any number: no
        visit speaks to its locks."""
        rooms = {
            account_id: max(driver.max_concurrent_visits - visits.get(account_id, 0), 0)
            for account_id, driver in self._live.items()
        }
        return rooms | dict.fromkeys(self._waiting, 0)

    def held(self) -> Sequence[str] | None:
        """The accounts whose locks this process may visit; None: all."""
        return None if self._held is None else sorted(self._held)

    async def run(self) -> None:
        """Keeps every account connected; ends only by cancellation, with all drivers closed."""
        try:
            while True:
                self._look.clear()
                try:
                    await self._keep_all()
                except LatchworkError:
                    log.warning("connections.storage_unavailable", exc_info=True)
                    await self._drop_lapsed()
                await nap(self._look, LOOK_FOR_ACCOUNTS if self._ownership is None else BEAT)
        finally:
            await end((*self._keepers.values(), *self._listings.values()))
            await asyncio.gather(*self._ending.values())

    async def _keep_all(self) -> None:
        every = await self._own_accounts()
        accounts = {i: account for i, account in every.items() if not account.suspended}
        ended = [
            account_id
            for account_id, keeper in self._keepers.items()
            if keeper.done()
            or account_id not in accounts
            or accounts[account_id].renewed_at != self._renewed[account_id]
        ]
        for account_id in ended:
            self._end(account_id)
        await self._closed()
        if self._spares and self._ownership is not None:
            await self._ownership.give_back((*every, *self._ending))
            self._spares = False
        for account_id in sorted(every.keys() - accounts.keys() - self._suspended):
            await self._mark_lost(account_id, NeedsAttention("Connect it again."))
            self._suspended.add(account_id)
        self._suspended -= accounts.keys()
        for account_id, account in accounts.items():
            if account_id in self._ending:
                continue
            if account_id not in self._keepers:
                self._asked[account_id] = account.sync_requested_at
                self._renewed[account_id] = account.renewed_at
                if account.connected:
                    self._waiting.add(account_id)
                self._keepers[account_id] = asyncio.create_task(
                    self._keep(account), name=f"keep {account.provider}"
                )
            elif self._asked[account_id] != account.sync_requested_at:
                self._asked[account_id] = account.sync_requested_at
                await self._list_anew(account)

    def _hear(self) -> None:
        self._told += 1
        self._look.set()

    async def _own_accounts(self) -> Mapping[str, ConnectedAccount]:
        if self._ownership is not None:
            before, self._held = self._held or frozenset(), await self._ownership.hold()
            self._spares |= not self._held.issuperset(before)
            self._told += self._held != before
            if self._known == self._told:
                return self._accounts
        held, told = self._held, self._told
        self._accounts = {
            account.connected_account_id: account
            for account in await self._storage.all_accounts()
            if held is None or account.connected_account_id in held
        }
        self._known = told
        return self._accounts

    async def _drop_lapsed(self) -> None:
        """Others may be connected by now with what this process can no longer be sure to own."""
        if self._ownership is not None and self._ownership.lapsed():
            self._held = frozenset()
            for account_id in tuple(self._keepers):
                self._end(account_id)
            await self._closed()

    def _end(self, account_id: str) -> None:
        """Ends the connection of an account for as long as nobody wishes it."""
        ending = asyncio.create_task(_ended(self._keepers.pop(account_id)))
        self._ending[account_id] = ending
        ending.add_done_callback(lambda _: self._look.set())
        self._lose(account_id)

    async def _closed(self) -> None:
        """Waits a little for the connections that end. A peer that hangs takes its time, and this
        process must be heard of meanwhile."""
        if not self._ending:
            return
        await asyncio.wait(self._ending.values(), timeout=CLOSE_PATIENCE)
        closed = [account_id for account_id, ending in self._ending.items() if ending.done()]
        for account_id in closed:
            del self._ending[account_id]
            self._waiting.discard(account_id)
            self._spares = True

    def _lose(self, account_id: str) -> None:
        """From now on nothing is asked of the account's driver."""
        if self._live.pop(account_id, None) is not None:
            self._waiting.add(account_id)

    async def _list_anew(self, account: ConnectedAccount) -> None:
        """Beside the connection where the driver can; else it is made again, which lists too."""
        account_id = account.connected_account_id
        driver: object = self._live.get(account_id)
        if not isinstance(driver, ListsAnew):
            self._end(account_id)
            return

        async def listing() -> None:
            try:
                await self._take(account_id, await driver.list_anew())
            except LatchworkError as error:
                log.info("account.not_listed", connected_account_id=account_id, reason=str(error))

        if (earlier := self._listings.get(account_id)) is not None:
            earlier.cancel()
        self._listings[account_id] = asyncio.create_task(listing())

    async def _keep(self, account: ConnectedAccount) -> None:
        """Connects, again and again."""
        account_id = account.connected_account_id
        failures = 0
        lost_at = self._clock.now()
        while True:
            was_live, error = await self._connect_once(account)
            if was_live:
                failures, lost_at = 0, self._clock.now()
            failures += 1
            wait = backoff(FIRST_WAIT, LONGEST_WAIT, failures, self._rng.random())
            if isinstance(error, NeedsAttention):
                wait = ATTENTION_WAIT
            log.info(
                "account.connection_ended",
                connected_account_id=account_id,
                provider=account.provider,
                reason=str(error) or type(error).__name__,
                retry_in_s=round(wait.total_seconds(), 1),
            )
            patience = self._grace if account.connected or was_live else timedelta(0)
            remaining = lost_at + patience - self._clock.now()
            if remaining > timedelta(0) and not isinstance(error, NeedsAttention):
                await self._clock.sleep(min(wait, max(remaining, FIRST_WAIT)))
            else:
                await self._tell_lost(account_id, error)
                await self._clock.sleep(wait)

    async def _connect_once(self, account: ConnectedAccount) -> tuple[bool, Exception]:
        """One connection from begin to end; whether it ever was live, and why it ended."""
        account_id = account.connected_account_id
        was_live = False
        marking: list[asyncio.Task[None]] = []
        driver: Driver | None = None

        def connected() -> None:
            nonlocal was_live
            if driver is not None:
                was_live = True
                self._live[account_id] = driver
            marking.append(asyncio.create_task(self._keep_marking(account_id)))

        async def sink(push: Push) -> None:
            if marking:
                await marking[0]
            await self._take(account_id, push)

        try:
            driver = await self._make(account)
            await driver.run(sink, connected)
            return was_live, RuntimeError("the provider closed the connection")
        except LatchworkError as error:
            return was_live, error
        except Exception as error:
            log.exception("driver.failed", provider=account.provider, call="run")
            return was_live, error
        finally:
            self._lose(account_id)
            for task in marking:
                task.cancel()
            self._notify()
            if driver is not None:
                await close(driver, account.provider)

    async def _take(self, account_id: str, push: Push) -> None:
        """Once storage answers: what a lock tells it tells once."""
        while True:
            try:
                return await self._inbound.take(account_id, push)
            except StorageUnavailable as error:
                log.info("push.waits", connected_account_id=account_id, reason=str(error))
                await self._clock.sleep(AFTER_TROUBLE)

    async def _make(self, account: ConnectedAccount) -> Driver:
        factory = self._factories.get(account.provider)
        if factory is None:
            raise NeedsAttention(f"No driver named {account.provider!r} is installed.")
        settings, secrets = await self._storage.account_settings(account.connected_account_id)
        return factory(
            DriverContext(
                connected_account_id=account.connected_account_id,
                settings=settings,
                secrets=secrets,
                clock=self._clock,
                store=DriverStore(self._storage, account.connected_account_id),
                inbound_url=self._inbound_url(account.connected_account_id),
            )
        )

    async def _keep_marking(self, account_id: str) -> None:
        """Until it is stored: nothing of the account is visited before."""
        while True:
            try:
                await self._mark_connected(account_id)
            except LatchworkError as error:
                log.info("account.not_marked", connected_account_id=account_id, reason=str(error))
                await self._clock.sleep(AFTER_TROUBLE)
            else:
                return

    async def _mark_connected(self, account_id: str) -> None:
        await self._marks.connected(account_id)
        self._waiting.discard(account_id)
        self._notify()

    async def _tell_lost(self, account_id: str, error: Exception) -> None:
        """Or with the next failure, when this one cannot be stored."""
        try:
            await self._mark_lost(account_id, error)
        except LatchworkError as trouble:
            log.info("account.not_marked", connected_account_id=account_id, reason=str(trouble))

    async def _mark_lost(self, account_id: str, error: Exception) -> None:
        await self._marks.lost(account_id, error)
        self._waiting.discard(account_id)
        self._notify()

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()


async def _ended(keeper: "asyncio.Task[None]") -> None:
    await end([keeper])
    if not keeper.cancelled() and (error := keeper.exception()) is not None:
        log.error("account.keeper_failed", exc_info=error)
