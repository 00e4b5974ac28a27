"""Deliveries of providers, from whichever process they reach to the one that keeps the account's
connection: stored, sealed, before they are answered, and taken by the owner one after the other.

A delivery is dropped once all that it says is stored. A worker killed between the two takes it
again: what it says is a hint or is told apart by the provider's own ids, as with a provider that
delivers twice.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog

from latchwork.domain.errors import LatchworkError, Rejected, Unsupported
from latchwork.engine.connections import Connections
from latchwork.engine.ending import end
from latchwork.engine.nap import nap
from latchwork.storage.inbound import Delivery, InboundStorage
from latchwork.storage.interface import AccountStorage

log = structlog.get_logger(__name__)

AT_MOST: Final = 1000
"""That wait for one account; its regular looks bring what more would tell."""
AT_ONCE: Final = 50
TAKEN_WITHIN: Final = 20.0
"""Seconds for a driver to take one."""
LOOK_ANYWAY: Final = timedelta(seconds=5)


class _Storage(InboundStorage, AccountStorage, Protocol):
    pass


class Deliveries:
    """`give` for those who answer providers, in any process; `run` for those who keep accounts
    connected, beside `connections`."""

    def __init__(self, storage: _Storage, connections: Connections) -> None:
        self._storage = storage
        self._connections = connections
        self._woken = asyncio.Event()
        self._taking: dict[str, asyncio.Task[bool]] = {}
        """What is under way, by account."""

    async def give(self, account_id: str, headers: Mapping[str, str], body: bytes) -> None:
        """Returns when the delivery is safe: taken by the account's driver here, or stored for the
        process that keeps it connected. Raises Unsupported for an account that is not there."""
        if self._connections.driver(account_id) is not None:
            await self._connections.deliver(account_id, headers, body)
        elif not await self._storage.keep_delivery(account_id, headers, body, at_most=AT_MOST):
            raise Unsupported("There is no such account.")

    async def run(self) -> None:
        """Ends only by cancellation."""
        self._storage.listen_accounts(self._woken.set)
        self._connections.listen(self._woken.set)
        try:
            while True:
                self._woken.clear()
                try:
                    while await self._begin_some():
                        pass
                except LatchworkError as error:
                    log.info("inbound.storage_unavailable", reason=str(error))
                await nap(self._woken, LOOK_ANYWAY)
        finally:
            await end(self._taking.values())

    async def _begin_some(self) -> bool:
        """Account by account, so that none waits for another one's driver. Whether more may wait
        behind what was found."""
        idle = [
            account_id for account_id in self._connections.live() if account_id not in self._taking
        ]
        if not idle:
            return False
        found = await self._storage.deliveries(idle, AT_ONCE)
        by_account: dict[str, list[Delivery]] = {}
        for delivery in found:
            by_account.setdefault(delivery.connected_account_id, []).append(delivery)
        for account_id, some in by_account.items():
            task = asyncio.create_task(self._take_all(some))
            self._taking[account_id] = task
            task.add_done_callback(partial(self._ended, account_id))
        return len(found) == AT_ONCE

    def _ended(self, account_id: str, task: "asyncio.Task[bool]") -> None:
        del self._taking[account_id]
        if not task.cancelled() and task.result():
            self._woken.set()

    async def _take_all(self, some: Sequence[Delivery]) -> bool:
        """Of one account, in their order. False: those from the first that could not be taken stay
        for a later try."""
        for delivery in some:
            try:
                if not await self._is_done(delivery):
                    return False
                await self._storage.drop_delivery(delivery.delivery_id)
            except LatchworkError as error:
                log.info("inbound.storage_unavailable", reason=str(error))
                return False
        return True

    async def _is_done(self, delivery: Delivery) -> bool:
        """False: it stays, for a later try."""
        account_id = delivery.connected_account_id
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                await self._connections.deliver(account_id, delivery.headers, delivery.body)
        except (Rejected, Unsupported) as error:
            log.info("inbound.refused", connected_account_id=account_id, reason=str(error))
        except (LatchworkError, TimeoutError) as error:
            log.info("inbound.put_off", connected_account_id=account_id, reason=str(error))
            return False
        except Exception:
            log.exception("inbound.failed", connected_account_id=account_id)
        return True
