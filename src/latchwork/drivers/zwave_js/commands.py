"""The commands used on one lock, with typed answers.

Which of them ask the lock and which read Z-Wave JS's cache is upstream's doing and is said here.
A live read that the lock does not answer comes back as None, never as an error.
"""

from enum import IntEnum
from typing import Any, Final, TypeVar

import msgspec

from latchwork.domain.errors import RetryLater
from latchwork.drivers.zwave_js.client import Client

CONFIGURATION: Final = 112
DOOR_LOCK: Final = 98
USER_CODE: Final = 99
SCHEDULE_ENTRY_LOCK: Final = 78
LOCK: Final = 118
NOTIFICATION: Final = 113
MANUFACTURER_SPECIFIC: Final = 114
BATTERY: Final = 128
USER_CREDENTIAL: Final = 131
PIN_TYPE: Final = 1
PASSWORD_TYPE: Final = 2
YEAR_DAY: Final = 1
AUTO_RELOCK_TIME: Final = "autoRelockTime"

T = TypeVar("T")


class UserResult(IntEnum):
    OK = 0
    OCCUPIED = 1
    EMPTY = 2
    UNKNOWN = 255


class CredentialResult(IntEnum):
    OK = 0
    OCCUPIED = 1
    EMPTY = 2
    DUPLICATE = 3
    SECURITY_RULES = 4
    DUPLICATE_ADMIN_CODE = 5
    WRONG_USER = 6
    UNKNOWN = 255


class UserCapabilities(msgspec.Struct, frozen=True, rename="camel"):
    max_users: int = 0
    max_user_name_length: int | None = None


class CredentialType(msgspec.Struct, frozen=True, rename="camel"):
    number_of_credential_slots: int
    min_credential_length: int
    max_credential_length: int
    max_credential_hash_length: int = 0


class CredentialCapabilities(msgspec.Struct, frozen=True, rename="camel"):
    supported_credential_types: dict[str, CredentialType] = {}


class User(msgspec.Struct, frozen=True, rename="camel"):
    user_id: int
    active: bool = True


class Credential(msgspec.Struct, frozen=True, rename="camel"):
    """`user_id` 0: the slot is empty. `data` UNSET: the lock hides it."""

    user_id: int
    type: int
    slot: int
    data: Any = msgspec.UNSET


class UserCodeReport(msgspec.Struct, frozen=True, rename="camel"):
    """Of a position that it does not name."""

    user_id_status: int
    user_code: Any = None


class Added(msgspec.Struct, frozen=True):
    """What became of a new user and its code; `credential` None: it was not tried."""

    user: int
    credential: int | None = None


class Timezone(msgspec.Struct, frozen=True, rename="camel"):
    """Minutes east of UTC, in standard time and in daylight saving time."""

    standard_offset: int
    dst_offset: int


class YearDay(msgspec.Struct, frozen=True, rename="camel"):
    """A schedule of Schedule Entry Lock: local time of the lock, years since 2000."""

    start_year: int
    start_month: int
    start_day: int
    start_hour: int
    start_minute: int
    stop_year: int
    stop_month: int
    stop_day: int
    stop_hour: int
    stop_minute: int


class _Result(msgspec.Struct):
    result: int


class _Added(msgspec.Struct):
    result: Added


class _UserAnswer(msgspec.Struct):
    user: User | None = None


class _CredentialAnswer(msgspec.Struct):
    credential: Credential | None = None


class _Credentials(msgspec.Struct):
    credentials: list[Credential]


class _UserCapabilitiesAnswer(msgspec.Struct):
    capabilities: UserCapabilities


class _CredentialCapabilitiesAnswer(msgspec.Struct):
    capabilities: CredentialCapabilities


class _Supported(msgspec.Struct):
    supported: bool


class _Value(msgspec.Struct):
    value: Any = None


class _Response(msgspec.Struct):
    response: Any = None


class _SetValueStatus(msgspec.Struct):
    status: int


class _SetValue(msgspec.Struct):
    result: _SetValueStatus | None = None


class _Pinged(msgspec.Struct):
    responded: bool


class LockCommands:
    """The commands, bound to one node's root endpoint. All raise what `Client.call` raises."""

    def __init__(self, client: Client, node_id: int) -> None:
        self._client = client
        self.node_id = node_id

    @property
    def is_late(self) -> bool:
        """See `SocketClient.is_late`."""
        return self._client.is_late(self.node_id)

    # Cached by Z-Wave JS since the interview.

    async def has_access_control(self) -> bool:
        return (await self._access("is_supported", _Supported)).supported

    async def user_capabilities(self) -> UserCapabilities:
        name = "get_user_capabilities_cached"
        return (await self._access(name, _UserCapabilitiesAnswer)).capabilities

    async def credential_capabilities(self) -> CredentialCapabilities:
        name = "get_credential_capabilities_cached"
        return (await self._access(name, _CredentialCapabilitiesAnswer)).capabilities

    async def value(self, command_class: int, name: str | int, key: str | int | None = None) -> Any:
        """A value from Z-Wave JS's database; None when it is not known."""
        value_id: dict[str, Any] = {"commandClass": command_class, "endpoint": 0, "property": name}
        if key is not None:
            value_id["propertyKey"] = key
        answer = await self._client.call(
            "node.get_value", _Value, nodeId=self.node_id, valueId=value_id
        )
        return answer.value

    async def cached_user(self, user_id: int) -> User | None:
        return (await self._access("get_user_cached", _UserAnswer, userId=user_id)).user

    async def cached_credentials(self, credential_type: int) -> list[Credential]:
        name = "get_credentials_by_type_cached"
        answer = await self._access(name, _Credentials, credentialType=credential_type)
        return answer.credentials

    async def cached_credential(self, credential_type: int, slot: int) -> Credential | None:
        answer = await self._access(
            "get_credential_cached",
            _CredentialAnswer,
            credentialType=credential_type,
            credentialSlot=slot,
        )
        return answer.credential

    async def cached_credentials_of(self, user_id: int) -> list[Credential]:
        return (
            await self._access("get_credentials_cached", _Credentials, userId=user_id)
        ).credentials

    async def cached_schedule(self, position: int, slot: int) -> YearDay | None:
        """The schedule last reported or written; None: none, or nothing known."""
        key = (YEAR_DAY << 16) | (position << 8) | slot
        return _converted(await self.value(SCHEDULE_ENTRY_LOCK, "schedule", key) or None, YearDay)

    # Live: each asks the lock.

    async def read_user_code(self, position: int) -> UserCodeReport | None:
        """The report that came; it may be the late one of another position."""
        return _converted(await self._invoke(USER_CODE, "get", position), UserCodeReport)

    async def read_credential(self, credential_type: int, slot: int) -> Credential | None:
        answer = await self._access(
            "get_credential",
            _CredentialAnswer,
            credentialType=credential_type,
            credentialSlot=slot,
        )
        return answer.credential

    async def read_credentials(self, credential_type: int) -> list[Credential]:
        """Walks the lock's credentials; the list ends early when the lock falls silent."""
        name = "get_credentials_by_type"
        answer = await self._access(name, _Credentials, credentialType=credential_type)
        return answer.credentials

    async def refresh_credentials_of(self, user_id: int) -> bool:
        """Asks for a user's first credential of any type, which renews `cached_credentials_of`
        as far as that; whether the lock answered."""
        return await self._invoke(USER_CREDENTIAL, "getCredential", user_id, 0, 0) is not None

    async def add_user_code(self, position: int, credential_type: int, pin: str) -> Added:
        """User Code: stores and enables a PIN, whatever stood at the position."""
        answer = await self._access(
            "add_user",
            _Added,
            userId=position,
            options={"active": True, "userType": 0},
            credential={
                "credentialType": credential_type,
                "credentialSlot": position,
                "data": pin,
            },
        )
        return answer.result

    async def set_user(self, user_id: int, name: str | None) -> int:
        """User Credential: adds or modifies, by what the cache says is there."""
        options: dict[str, Any] = {"active": True, "userType": 0}
        if name:
            options["userName"] = name
        return (await self._access("set_user", _Result, userId=user_id, options=options)).result

    async def delete_user(self, user_id: int) -> int:
        """Deletes the user with all its credentials."""
        return (await self._access("delete_user", _Result, userId=user_id)).result

    async def set_credential(self, user_id: int, credential_type: int, slot: int, pin: str) -> int:
        """User Credential: adds or modifies, by what the cache says is there."""
        answer = await self._access(
            "set_credential",
            _Result,
            userId=user_id,
            credentialType=credential_type,
            credentialSlot=slot,
            data=pin,
        )
        return answer.result

    async def delete_credential(self, user_id: int, credential_type: int, slot: int) -> int:
        answer = await self._access(
            "delete_credential",
            _Result,
            userId=user_id,
            credentialType=credential_type,
            credentialSlot=slot,
        )
        return answer.result

    async def read_timezone(self) -> Timezone | None:
        return _converted(await self._invoke(SCHEDULE_ENTRY_LOCK, "getTimezone"), Timezone)

    async def set_timezone(self, timezone: Timezone) -> None:
        await self._invoke(SCHEDULE_ENTRY_LOCK, "setTimezone", msgspec.to_builtins(timezone))

    async def read_schedule(self, position: int, slot: int) -> YearDay | None:
        """None: the lock stores none, or did not answer. Like a User Code's, the answer may be a
        late report of another position; `cached_schedule` is kept by position."""
        where = {"userId": position, "slotId": slot}
        answer = await self._invoke(SCHEDULE_ENTRY_LOCK, "getYearDaySchedule", where)
        return _converted(answer, YearDay)

    async def set_schedule(self, position: int, slot: int, schedule: YearDay | None) -> bool:
        """Stores a schedule and puts it in force; None erases. Whether the lock took it."""
        where = {"userId": position, "slotId": slot}
        fields = [] if schedule is None else [msgspec.to_builtins(schedule)]
        return _succeeded(
            await self._invoke(SCHEDULE_ENTRY_LOCK, "setYearDaySchedule", where, *fields)
        )

    async def enable_schedules(self, position: int, *, enabled: bool) -> bool:
        """Whether the lock took it."""
        return _succeeded(await self._invoke(SCHEDULE_ENTRY_LOCK, "setEnabled", enabled, position))

    async def set_value(self, command_class: int, name: str, value: Any) -> int | None:
        """Upstream's SetValueStatus; None when it tells none."""
        answer = await self._client.call(
            "node.set_value",
            _SetValue,
            nodeId=self.node_id,
            valueId={"commandClass": command_class, "endpoint": 0, "property": name},
            value=value,
        )
        return None if answer.result is None else answer.result.status

    async def read_auto_relock_time(self) -> int | None:
        """Seconds, read from the lock; 0: it does not lock itself."""
        configuration = await self._invoke(DOOR_LOCK, "getConfiguration")
        time = configuration.get(AUTO_RELOCK_TIME) if isinstance(configuration, dict) else None
        return time if isinstance(time, int) else None

    async def ping(self) -> bool:
        return (await self._client.call("node.ping", _Pinged, nodeId=self.node_id)).responded

    async def _access(self, name: str, answer: type[T], **parameters: Any) -> T:
        return await self._client.call(
            f"endpoint.access_control.{name}",
            answer,
            nodeId=self.node_id,
            endpoint=0,
            **parameters,
        )

    async def _invoke(self, command_class: int, method: str, *arguments: Any) -> Any:
        """Upstream's CC API, which answers nothing when the lock does not."""
        result = await self._client.call(
            "endpoint.invoke_cc_api",
            _Response,
            nodeId=self.node_id,
            endpoint=0,
            commandClass=command_class,
            methodName=method,
            args=list(arguments),
        )
        return result.response


def _converted(response: Any, answer: type[T]) -> T | None:
    if response is None:
        return None
    try:
        return msgspec.convert(response, answer)
    except msgspec.ValidationError as error:
        raise RetryLater(f"Unexpected answer of the Z-Wave JS server: {error}") from None


def _succeeded(response: Any) -> bool:
    """Of a supervised command; without supervision nothing is told."""
    working, success = 1, 255
    return not isinstance(response, dict) or response.get("status") in (working, success)
