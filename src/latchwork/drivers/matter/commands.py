"""The commands used on one lock, with typed answers. Each is one exchange with the lock."""

from base64 import b64encode
from typing import Any, Final, TypeVar

import msgspec

from latchwork.domain.errors import Unsupported
from latchwork.domain.pin import Pin
from latchwork.drivers.matter.client import Client
from latchwork.drivers.matter.clusters import (
    DOOR_LOCK,
    PIN_CREDENTIAL,
    SINGLE_CREDENTIAL,
    Change,
    DataType,
    Lock,
    UserStatus,
)
from latchwork.drivers.matter.echoes import Echoes

EXCHANGE_TIMEOUT: Final = 8_000
"""Milliseconds that the server waits for the lock's answer."""
TIMED_REQUEST: Final = 10_000
"""Milliseconds that the lock keeps itself ready for what changes it."""

DEFAULT_RELOCK: Final = 30
"""Seconds, for a lock that was never told when to lock itself."""

T = TypeVar("T")


class CredentialRef(msgspec.Struct, frozen=True, rename="camel"):
    credential_type: int
    credential_index: int


class User(msgspec.Struct, frozen=True, rename="camel"):
    """A user of the lock; `user_status` None: there is none at this index."""

    user_index: int
    user_name: str | None = None
    user_unique_id: int | None = msgspec.field(default=None, name="userUniqueID")
    user_status: int | None = None
    user_type: int | None = None
    credentials: tuple[CredentialRef, ...] | None = None
    creator_fabric_index: int | None = None
    next_user_index: int | None = None

    @property
    def exists(self) -> bool:
        """0 is Matter's word for a free index."""
        return bool(self.user_status)

    def holds(self, position: int) -> bool:
        return CredentialRef(PIN_CREDENTIAL, position) in (self.credentials or ())


class CredentialStatus(msgspec.Struct, frozen=True, rename="camel"):
    """Whether a PIN is stored at an index, whose, and which fabrics wrote it; never the PIN."""

    credential_exists: bool
    user_index: int | None = None
    creator_fabric_index: int | None = None
    last_modified_fabric_index: int | None = None
    next_credential_index: int | None = None


class YearDay(msgspec.Struct, frozen=True, rename="camel"):
    """A year-day schedule: times in seconds since 2000 in the lock's own time."""

    status: int
    local_start_time: int | None = None
    local_end_time: int | None = None


class _Stored(msgspec.Struct, frozen=True):
    status: int


class LockCommands:
    """Of the Door Lock cluster of one endpoint of one node."""

    def __init__(self, client: Client, node_id: int, endpoint: int) -> None:
        self.client = client
        self.node_id = node_id
        self.endpoint = endpoint
        self.echoes = Echoes()

    async def user(self, index: int) -> User:
        return await self._ask("GetUser", User, userIndex=index)

    async def pin_status(self, index: int) -> CredentialStatus:
        return await self._ask("GetCredentialStatus", CredentialStatus, credential=_pin_at(index))

    async def set_user(
        self, change: Change, index: int, name: str | None, unique_id: int | None, user_type: int
    ) -> None:
        """Makes an enabled user or changes one; a name of None is no name, or the one it has."""
        self.echoes.expect(DataType.USER_INDEX, change, index)
        await self._order(
            "SetUser",
            operationType=change,
            userIndex=index,
            userName=name,
            userUniqueID=unique_id,
            userStatus=UserStatus.ENABLED,
            userType=user_type,
            credentialRule=SINGLE_CREDENTIAL,
        )

    async def clear_user(self, index: int) -> None:
        """Takes the user's credentials and schedules with it."""
        self.echoes.expect(DataType.USER_INDEX, Change.CLEAR, index)
        self.echoes.expect(DataType.PIN, Change.CLEAR, index)
        await self._order("ClearUser", userIndex=index)

    async def set_pin(self, change: Change, index: int, pin: Pin, user: int) -> int:
        """The lock's `Status`."""
        self.echoes.expect(DataType.PIN, change, index)
        answer = await self._order(
            "SetCredential",
            _Stored,
            operationType=change,
            credential=_pin_at(index),
            credentialData=b64encode(pin.reveal().encode()).decode(),
            userIndex=user,
            userStatus=None,
            userType=None,
        )
        return answer.status

    async def clear_pin(self, index: int) -> None:
        self.echoes.expect(DataType.PIN, Change.CLEAR, index)
        await self._order("ClearCredential", credential=_pin_at(index))

    async def year_day(self, slot: int, user: int) -> YearDay:
        return await self._ask("GetYearDaySchedule", YearDay, yearDayIndex=slot, userIndex=user)

    async def set_year_day(self, slot: int, user: int, start: int, end: int) -> None:
        self.echoes.expect(DataType.YEAR_DAY_SCHEDULE, Change.ADD, user)
        self.echoes.expect(DataType.YEAR_DAY_SCHEDULE, Change.MODIFY, user)
        await self._order(
            "SetYearDaySchedule",
            yearDayIndex=slot,
            userIndex=user,
            localStartTime=start,
            localEndTime=end,
        )

    async def clear_year_day(self, slot: int, user: int) -> None:
        self.echoes.expect(DataType.YEAR_DAY_SCHEDULE, Change.CLEAR, user)
        await self._order("ClearYearDaySchedule", yearDayIndex=slot, userIndex=user)

    async def move_bolt(self, *, locked: bool) -> None:
        await self._order("LockDoor" if locked else "UnlockDoor")

    async def configure_auto_lock(self, *, enabled: bool, delay: float | None) -> None:
        """Writes the time after which the lock locks itself, unless it stands so already. Raises
        Unsupported when the lock does not say afterwards that it does."""
        path = f"{self.endpoint}/{DOOR_LOCK}/{Lock.AUTO_RELOCK_TIME}"
        standing = (await self.read(path)).get(path) or 0
        wished = 0 if not enabled else round(delay) if delay else standing or DEFAULT_RELOCK
        if standing == wished:
            return
        await self.client.call(
            "write_attribute", Any, node_id=self.node_id, attribute_path=path, value=wished
        )
        if (await self.read(path)).get(path) != wished:
            raise Unsupported("The lock does not take this time for locking itself.")

    async def read(self, *paths: str) -> dict[str, Any]:
        """Attributes by path, such as "1/257/0", asked of the node."""
        return await self.client.call(
            "read_attribute", dict[str, Any], node_id=self.node_id, attribute_path=list(paths)
        )

    async def is_there(self) -> bool:
        """Whether the lock tells the state of its bolt."""
        path = f"{self.endpoint}/{DOOR_LOCK}/{Lock.STATE}"
        return path in await self.read(path)

    async def _ask(self, name: str, answer: type[T], **payload: Any) -> T:
        return await self._send(name, answer, None, payload)

    async def _order(self, name: str, answer: type[T] = Any, **payload: Any) -> T:  # type: ignore[assignment]
        return await self._send(name, answer, TIMED_REQUEST, payload)

    async def _send(
        self, name: str, answer: type[T], timed: int | None, payload: dict[str, Any]
    ) -> T:
        return await self.client.call(
            "device_command",
            answer,
            node_id=self.node_id,
            endpoint_id=self.endpoint,
            cluster_id=DOOR_LOCK,
            command_name=name,
            payload=payload,
            timed_request_timeout_ms=timed,
            interaction_timeout_ms=EXCHANGE_TIMEOUT,
        )


def _pin_at(index: int) -> dict[str, int]:
    return {"credentialType": PIN_CREDENTIAL, "credentialIndex": index}
