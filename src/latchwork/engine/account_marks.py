"""What stands on an account, and is told, when its connection comes up or is lost."""

from latchwork.engine import account_state
from latchwork.engine.clock import Clock
from latchwork.storage.interface import Storage


class AccountMarks:
    """Raises what storage raises; then nothing is marked."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock

    async def connected(self, account_id: str) -> None:
        now = self._clock.now()
        account = await self._storage.account_by_id(account_id)
        if account is None:
            return
        lost = account_state.was_lost(account)
        devices = await self._storage.devices_of_account(account_id) if lost else ()
        changed, told = account_state.connected(account, devices, now)
        await self._storage.set_account_state(changed, told, now)

    async def lost(self, account_id: str, error: Exception) -> None:
        now = self._clock.now()
        account = await self._storage.account_by_id(account_id)
        if account is None:
            return
        devices = await self._storage.devices_of_account(account_id)
        changed, told = account_state.lost(account, devices, error, now)
        if changed != account:
            await self._storage.set_account_state(changed, told, now)
