"""What is kept for a time only."""

from datetime import datetime
from typing import Protocol


class RetentionStorage(Protocol):
    """Each call looks at the `limit` oldest rows alone and tells how many of them it deleted, so
    that no call takes long however much there is; as many as `limit`: there may be more."""

    async def prune_events(self, before: datetime, limit: int) -> int:
        """Events stored before then."""

    async def prune_deliveries(self, before: datetime, limit: int) -> int:
        """Messages of before then that wait for nothing any more, and attempts made before then."""

    async def prune_attempts(self, before: datetime, limit: int) -> int:
        """Action attempts of before then that have ended."""

    async def prune_audit(self, before: datetime, limit: int) -> int:
        """Entries of the audit log of before then."""

    async def prune_codes(self, before: datetime, limit: int) -> int:
        """Codes that were gone before then, with what is left of their events and attempts."""
