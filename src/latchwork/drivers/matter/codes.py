"""PINs at positions. Position n is PIN credential n of user n.

Matter hides PINs: a read shows that something is stored, whose it is and which fabric wrote it. A
user is ours when it carries our marker. A credential that another fabric wrote, one that another
user holds, and a user that is not ours are somebody else's: nothing of them is touched. A user of
ours without credentials is left over from a refused code, and counts as free.
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec
import structlog

from latchwork.domain.constraints import CODE_LENGTH
from latchwork.domain.errors import Conflict, LatchworkError, Rejected, RetryLater
from latchwork.domain.observation import Empty, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import ALWAYS, Window
from latchwork.drivers.matter.clusters import (
    PIN_CREDENTIAL,
    SCHEDULED,
    Change,
    Status,
    UserStatus,
    UserType,
)
from latchwork.drivers.matter.commands import CredentialRef, CredentialStatus, User
from latchwork.drivers.matter.failures import INVALID_VALUE
from latchwork.drivers.matter.node import LockEndpoint
from latchwork.drivers.matter.schedules import Schedules

log = structlog.get_logger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = Window(_EPOCH, _EPOCH)
DUPLICATE: Final = "The lock holds this PIN already."
NOT_OURS: Final = "The position belongs to another user of the lock."
MOST_USERS: Final = 1000
"""A walk through the users of a lock ends here whatever the lock says."""


class Held(NamedTuple):
    """What a position holds."""

    pin: CredentialStatus
    user: User


class Codes:
    """Reads, writes and clears positions of one lock. See `Driver` for the errors."""

    def __init__(self, lock: LockEndpoint, schedules: Schedules) -> None:
        self._lock = lock
        self._commands = lock.commands
        self._schedules = schedules

    async def read(self, position: int) -> Observation:
        held = await self._held(position)
        if held.pin.credential_exists:
            name = held.user.user_name or None
            if self._is_foreign(position, held):
                return Occupied(by_other=True, name=name)
            return Occupied(window=await self._window(position, held.user), name=name)
        if not held.user.exists or (self._is_ours(held.user) and not held.user.credentials):
            return Empty()
        return Occupied(by_other=True, name=held.user.user_name or None)

    async def _held(self, position: int) -> Held:
        pin = await self._commands.pin_status(position)
        return Held(pin, await self._commands.user(position))

    def _is_ours(self, user: User) -> bool:
        mine = self._lock.fabric
        return (
            user.exists
            and user.user_unique_id == self._lock.marker
            and (mine is None or user.creator_fabric_index in (None, mine))
        )

    def _is_foreign(self, position: int, held: Held) -> bool:
        """Whether a credential that exists is somebody else's. A lock that names no fabric at all
        does not keep track of them; one that names ours as the creator does."""
        pin, mine = held.pin, self._lock.fabric
        if pin.user_index != position or not self._is_ours(held.user):
            return True
        writers = {pin.creator_fabric_index, pin.last_modified_fabric_index}
        return mine is not None and writers not in ({None}, {mine})

    async def _window(self, position: int, user: User) -> Window | msgspec.UnsetType | None:
        """A user that is disabled, or of a kind that is not let in at any time, is told with an
        empty window, so that nobody takes the PIN for one that opens the door."""
        if user.user_status != UserStatus.ENABLED:
            return NEVER
        if user.user_type == UserType.UNRESTRICTED:
            return None
        if user.user_type not in SCHEDULED or not self._lock.keeps_schedules:
            return NEVER
        window = await self._schedules.read(self._lock, position)
        return NEVER if window is None else window

    async def scan(self) -> Mapping[int, Observation]:
        """All positions: users are told one after the other, each with what it holds."""
        lock = self._lock
        limits = lock.capabilities
        everywhere = range(limits.first_position, limits.last_position + 1)
        found: dict[int, Observation] = {position: Empty() for position in everywhere}
        index: int | None = 1
        for _ in range(MOST_USERS):
            if index is None:
                return found
            user = await self._commands.user(index)
            if user.exists and not (self._is_ours(user) and not user.credentials):
                held = {
                    c.credential_index
                    for c in user.credentials or ()
                    if c.credential_type == PIN_CREDENTIAL
                }
                for position in held | {index}:
                    if lock.has_position(position):
                        found[position] = Occupied(name=user.user_name or None)
            following = user.next_user_index
            index = following if following is not None and following > index else None
        return found

    async def write(self, position: int, pin: Pin, name: str | None, window: Window | None) -> None:
        held = await self._held(position)
        self._refuse_foreign(position, held)
        try:
            if window is None or window == ALWAYS:
                await self._write_unscheduled(position, pin, name, held)
            else:
                await self._write_scheduled(position, pin, name, window, held)
        except LatchworkError:
            if not held.pin.credential_exists:
                await self._tidy_quietly(position)
            raise

    def _refuse_foreign(self, position: int, held: Held) -> None:
        if held.pin.credential_exists:
            is_foreign = self._is_foreign(position, held)
        else:
            is_foreign = held.user.exists and not self._is_ours(held.user)
        if is_foreign:
            raise Conflict(NOT_OURS, position)

    async def _write_scheduled(
        self, position: int, pin: Pin, name: str | None, window: Window, held: Held
    ) -> None:
        """The schedule goes first, so that the PIN never opens the door ahead of its time."""
        if not held.user.exists:
            await self._set_user(position, name, UserType.YEAR_DAY_SCHEDULE, held.user)
        await self._schedules.write(self._lock, position, window)
        if held.user.exists:
            await self._set_user(position, name, UserType.YEAR_DAY_SCHEDULE, held.user)
        await self._store(position, pin, held)

    async def _write_unscheduled(
        self, position: int, pin: Pin, name: str | None, held: Held
    ) -> None:
        """A user that was scheduled is let in at all times only once the new PIN is stored."""
        if not held.user.exists:
            await self._set_user(position, name, UserType.UNRESTRICTED, held.user)
        await self._store(position, pin, held)
        if held.user.exists:
            await self._set_user(position, name, UserType.UNRESTRICTED, held.user)
            if held.user.user_type in SCHEDULED and self._lock.keeps_schedules:
                await self._schedules.remove(self._lock, position)

    async def _set_user(
        self, position: int, name: str | None, user_type: UserType, user: User
    ) -> None:
        text = stored_name(name, self._lock.capabilities.name_max_length)
        if not user.exists:
            marker = self._lock.marker
            await self._commands.set_user(Change.ADD, position, text, marker, user_type)
            return
        wished = (text or user.user_name, user_type, UserStatus.ENABLED)
        if (user.user_name, user.user_type, user.user_status) != wished:
            await self._commands.set_user(Change.MODIFY, position, text, None, user_type)

    async def _store(self, position: int, pin: Pin, held: Held) -> None:
        change = Change.MODIFY if held.pin.credential_exists else Change.ADD
        status = await self._commands.set_pin(change, position, pin, position)
        if change is Change.MODIFY and status in (Status.FAILURE, Status.DUPLICATE):
            status = await self._store_anew(position, pin, status)
        if status != Status.OK:
            raise await self._refusal(position, pin, status)
        self._lock.acknowledged[position] = pin

    async def _store_anew(self, position: int, pin: Pin, status: int) -> int:
        """Some locks refuse a change to the very PIN that stands there as a duplicate. Where it is
        not known what stands there, it makes room for the PIN that shall."""
        known = self._lock.acknowledged.get(position)
        if known is not None:
            return Status.OK if known == pin else status
        await self._commands.clear_pin(position)
        return await self._commands.set_pin(Change.ADD, position, pin, position)

    async def _refusal(self, position: int, pin: Pin, status: int) -> LatchworkError:
        if status in (Status.FAILURE, Status.OCCUPIED):
            return await self._explained(position, status)
        if status == Status.DUPLICATE:
            return Conflict(DUPLICATE)
        if status == Status.INVALID_FIELD:
            lengths = self._lock.capabilities.code_lengths
            rule = INVALID_VALUE if len(pin) in lengths else CODE_LENGTH
            return Rejected(rule, "The lock does not take a PIN like this.")
        if status == Status.RESOURCE_EXHAUSTED:
            return RetryLater("The lock has no room for another code.")
        return RetryLater(f"The lock did not store the code (status 0x{status:02x}).")

    async def _explained(self, position: int, status: int) -> LatchworkError:
        """Some locks tell a duplicate and an occupied position apart, others call both a failure:
        a read decides."""
        seen = await self._commands.pin_status(position)
        if seen.credential_exists and seen.user_index != position:
            return Conflict(NOT_OURS, position)
        if status == Status.FAILURE and await self._holds_another_pin(position):
            return Conflict(DUPLICATE)
        return RetryLater("The lock did not store the code.")

    async def _holds_another_pin(self, position: int) -> bool:
        """Without one a refused PIN is no duplicate."""
        first = self._lock.capabilities.first_position
        seen = await self._commands.pin_status(first)
        if first == position or not seen.credential_exists:
            following = seen.next_credential_index
            if following == position:
                following = (await self._commands.pin_status(position)).next_credential_index
            return following is not None
        return True

    async def clear(self, position: int) -> None:
        held = await self._held(position)
        if held.pin.credential_exists:
            self._refuse_foreign(position, held)
        self._lock.acknowledged.pop(position, None)
        if not self._is_ours(held.user):
            return
        if any(c != CredentialRef(PIN_CREDENTIAL, position) for c in held.user.credentials or ()):
            if held.pin.credential_exists:
                await self._commands.clear_pin(position)
        else:
            await self._commands.clear_user(position)

    async def _tidy_quietly(self, position: int) -> None:
        """Removes the user of a code that was not stored; what is left of one is removed when the
        code is cleared, and in nobody's way until then."""
        try:
            user = await self._commands.user(position)
            if self._is_ours(user) and not user.credentials:
                await self._commands.clear_user(position)
        except LatchworkError as error:
            log.info("matter.user_left", lock=self._lock.key, position=position, reason=str(error))


def stored_name(name: str | None, longest: int | None) -> str | None:
    """The name cut to what the lock stores, in bytes of UTF-8; None when nothing is left."""
    if not name or not longest:
        return None
    plain = unicodedata.normalize("NFC", name).encode()[:longest]
    return plain.decode(errors="ignore").strip() or None
