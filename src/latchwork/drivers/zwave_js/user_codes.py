"""PINs on locks that speak User Code, of either version."""

import asyncio
from collections.abc import Mapping
from typing import Final

from latchwork.domain.errors import RetryLater, Unsupported
from latchwork.domain.observation import Empty, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.drivers.zwave_js.codes import conflict, stored
from latchwork.drivers.zwave_js.commands import CredentialResult
from latchwork.drivers.zwave_js.node import LockNode

AVAILABLE: Final = 0
ENABLED: Final = 1
PASSAGE: Final = 4
DUPLICATE_NOTICE: Final = 1.0
"""Seconds in which a lock that refused a PIN may notify that it is a duplicate."""


class UserCodes:
    """See `Codes`."""

    def __init__(self, lock: LockNode) -> None:
        self._lock = lock

    async def read(self, position: int) -> Observation:
        reports = self._lock.reports
        reports.expect(position)
        report = await self._lock.commands.read_user_code(position)
        if report is None or not await reports.confirm(position, report):
            return NotRead("the lock did not answer")
        status = report.user_id_status
        if status == AVAILABLE:
            return Empty()
        if status == PASSAGE:
            return Occupied()
        return stored(report.user_code, enabled=status == ENABLED)

    async def scan(self) -> Mapping[int, Observation]:
        raise Unsupported("The lock tells its codes one by one.")

    async def write(self, position: int, pin: Pin, name: str | None) -> None:  # noqa: ARG002
        lock = self._lock
        lock.duplicate_refused.clear()
        added = await lock.commands.add_user_code(position, lock.credential_type, pin.reveal())
        if added.credential == CredentialResult.OK:
            return
        failure = await conflict(lock, self, position, pin)
        if failure.position is not None or await self._duplicate_notified():
            raise failure
        raise RetryLater("The lock did not store the code.")

    async def _duplicate_notified(self) -> bool:
        try:
            async with asyncio.timeout(DUPLICATE_NOTICE):
                await self._lock.duplicate_refused.wait()
        except TimeoutError:
            return False
        return True

    async def clear(self, position: int) -> None:
        lock = self._lock
        deleted = await lock.commands.delete_credential(position, lock.credential_type, position)
        if deleted != CredentialResult.OK:
            raise RetryLater("The lock did not remove the code.")
