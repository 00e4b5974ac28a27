"""PINs on locks that speak User Credential, where users and credentials are stored apart.

Position n is credential slot n of user n. A slot that another user holds, and a user that holds
other slots, are somebody else's: such a position is told as occupied, and nothing of it is
touched. A user without credentials opens no door and counts as free.
"""

import unicodedata
from collections.abc import Mapping
from typing import Final

import structlog

from latchwork.domain.errors import Conflict, LatchworkError, Rejected, RetryLater
from latchwork.domain.observation import Empty, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.drivers.zwave_js.codes import conflict, remember, stored
from latchwork.drivers.zwave_js.commands import Credential, CredentialResult, UserResult
from latchwork.drivers.zwave_js.node import LockNode

log = structlog.get_logger(__name__)

SECURITY_RULES: Final = "manufacturer_security_rules"
_STALE: Final = (CredentialResult.OCCUPIED, CredentialResult.EMPTY)


class UserCredentials:
    """See `Codes`."""

    def __init__(self, lock: LockNode) -> None:
        self._lock = lock
        self._commands = lock.commands

    async def read(self, position: int) -> Observation:
        credential = await self._commands.read_credential(self._lock.credential_type, position)
        if credential is None or credential.slot != position:
            # Nothing came, or the late report of another position.
            return NotRead("the lock did not answer")
        if credential.user_id == 0:
            return await self._read_user(position)
        user = await self._commands.cached_user(credential.user_id)
        return stored(credential.data, enabled=user is None or user.active)

    async def _read_user(self, position: int) -> Observation:
        """An empty slot is free unless the user of that number holds something else."""
        if not await self._commands.refresh_credentials_of(position):
            return NotRead("the lock did not answer")
        others = await self._commands.cached_credentials_of(position)
        return Occupied(by_other=True) if others else Empty()

    async def scan(self) -> Mapping[int, Observation]:
        """Positions that hold something; of those not named nothing is known."""
        found: dict[int, Observation] = {}
        holders: set[int] = set()
        for credential in await self._commands.read_credentials(self._lock.credential_type):
            user = await self._commands.cached_user(credential.user_id)
            seen = stored(credential.data, enabled=user is None or user.active)
            found[credential.slot] = seen
            holders.add(credential.user_id)
            remember(self._lock, credential.slot, seen)
        for user_id in holders - found.keys():
            if self._lock.has_position(user_id):
                found[user_id] = Occupied()
        return found

    async def write(self, position: int, pin: Pin, name: str | None) -> None:
        _refuse_foreign(
            await self._commands.cached_credential(self._lock.credential_type, position), position
        )
        is_new_user = await self._commands.cached_user(position) is None
        await self._set_user(position, name)
        try:
            await self._set_credential(position, pin)
        except LatchworkError:
            if is_new_user:
                await self._tidy_quietly(position)
            raise

    async def _set_user(self, position: int, name: str | None) -> None:
        text = stored_name(name, self._lock.capabilities.name_max_length)
        result = await self._commands.set_user(position, text)
        if result in (UserResult.OCCUPIED, UserResult.EMPTY):
            # The cache that chose between adding and modifying was stale; the refusal renewed it.
            result = await self._commands.set_user(position, text)
        if result != UserResult.OK:
            raise RetryLater("The lock did not store the user of the code.")

    async def _set_credential(self, position: int, pin: Pin) -> None:
        kind = self._lock.credential_type
        result = await self._commands.set_credential(position, kind, position, pin.reveal())
        if result in _STALE:
            _refuse_foreign(await self._commands.read_credential(kind, position), position)
            result = await self._commands.set_credential(position, kind, position, pin.reveal())
        if result == CredentialResult.DUPLICATE:
            raise await conflict(self._lock, self, position, pin)
        if result == CredentialResult.DUPLICATE_ADMIN_CODE:
            raise Conflict("The PIN is the lock's admin code.")
        if result == CredentialResult.SECURITY_RULES:
            raise Rejected(SECURITY_RULES, "The PIN breaks the manufacturer's security rules.")
        if result != CredentialResult.OK:
            raise RetryLater("The lock did not store the code.")

    async def clear(self, position: int) -> None:
        kind = self._lock.credential_type
        result = await self._commands.delete_credential(position, kind, position)
        if result == CredentialResult.UNKNOWN:
            raise RetryLater("The lock did not remove the code.")
        await self._tidy(position)

    async def _tidy(self, position: int) -> None:
        """Deletes the position's user when the lock says that it holds nothing any more: deleting
        a user takes all its credentials with it. The identified read before the question about
        the user shows that no late answer is on its way."""
        seen = await self._commands.read_credential(self._lock.credential_type, position)
        if seen is None or seen.slot != position:
            raise RetryLater("The lock did not tell what the position holds.")
        holdings = await self._read_user(position)
        if isinstance(holdings, NotRead):
            raise RetryLater("The lock did not tell what the user of the code still holds.")
        if holdings != Empty():
            return
        if await self._commands.delete_user(position) not in (UserResult.OK, UserResult.EMPTY):
            raise RetryLater("The lock did not remove the user of the code.")
        if seen.user_id == 0:
            self._lock.seen[position] = None

    async def _tidy_quietly(self, position: int) -> None:
        """A user left behind by a refused code is removed again when the code is cleared."""
        try:
            await self._tidy(position)
        except LatchworkError as error:
            log.info(
                "zwave_js.user_left", lock=self._lock.key, position=position, reason=str(error)
            )


def _refuse_foreign(holder: Credential | None, position: int) -> None:
    if holder is not None and holder.user_id not in (0, position):
        raise Conflict("The position belongs to another user of the lock.", position)


def stored_name(name: str | None, longest: int | None) -> str | None:
    """The name as the lock can store it: ASCII, cut to length; None when nothing is left."""
    if not name or not longest:
        return None
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return plain[:longest].strip() or None
