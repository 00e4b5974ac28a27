"""A driver's own durable store, on ours."""

from collections.abc import Mapping

from latchwork.storage.interface import Storage


class DriverStore:
    """See Store; of one account."""

    def __init__(self, storage: Storage, account_id: str) -> None:
        self._storage = storage
        self._account_id = account_id

    async def load(self, key: str) -> bytes | None:
        return await self._storage.driver_store_value(self._account_id, key)

    async def load_all(self) -> Mapping[str, bytes]:
        return await self._storage.driver_store_load(self._account_id)

    async def save(self, key: str, value: bytes) -> None:
        await self._storage.driver_store_save(self._account_id, key, value)
