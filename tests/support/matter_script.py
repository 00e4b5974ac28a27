"""A Matter server of scripted answers with one lock behind it, for tests without either.

The lock keeps users, PINs and schedules as the specification has it, and can be told to do what
real locks are free to do and matter.js's does not.
"""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import RetryLater
from latchwork.drivers.matter.client import Client
from latchwork.drivers.matter.codes import Codes
from latchwork.drivers.matter.commands import LockCommands
from latchwork.drivers.matter.node import LockEndpoint
from latchwork.drivers.matter.schedules import Schedules
from support.driver_context import HandClock, KeptStore

T = TypeVar("T")
OURS, THEIRS = 1, 2
"""Fabrics."""
MARKER = 4242
ZONE = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ADD, MODIFY = 0, 2


class ScriptedLock(Client):
    """`duplicate`, `occupied`: the statuses it answers so. `minds_its_own`: a change to the PIN
    that stands there is a duplicate. `drops_users`: one that loses its last credential goes.
    `tells_fabrics`: whether it keeps track of them. `fails`: errors to raise, by command."""

    def __init__(self) -> None:
        super().__init__("ws://script")
        self.users: dict[int, dict[str, Any]] = {}
        self.pins: dict[int, dict[str, Any]] = {}
        self.schedules: dict[int, tuple[int, int]] = {}
        self.attributes: dict[str, Any] = {}
        self.sent: list[str] = []
        self.duplicate, self.occupied = 2, 3
        self.minds_its_own = self.drops_users = False
        self.tells_fabrics = True
        self.fails: dict[str, Exception] = {}

    def add(
        self, position: int, pin: str, *, fabric: int = OURS, user: int | None = None, **more: Any
    ) -> None:
        """What stands there already."""
        user = position if user is None else user
        self.pins[position] = {"pin": pin, "user": user, "creator": fabric, "modifier": fabric}
        self.users.setdefault(user, self.user(fabric, **more))

    @staticmethod
    def user(fabric: int = OURS, **more: Any) -> dict[str, Any]:
        ours = fabric == OURS
        return {
            "userName": "Ana",
            "userUniqueID": MARKER if ours else None,
            "userStatus": 1,
            "userType": 0,
            "creatorFabricIndex": fabric,
        } | more

    async def call(
        self, command: str, answer: type[T], *, node_id: int | None = None, **arguments: Any
    ) -> T:
        name = arguments.get("command_name", command)
        self.sent.append(name)
        if name in self.fails:
            raise self.fails[name]
        act = getattr(self, f"_{name}")
        return msgspec.convert(act(**arguments.get("payload", arguments)), answer)

    def _read_attribute(self, attribute_path: list[str]) -> Any:
        return {path: self.attributes[path] for path in attribute_path if path in self.attributes}

    def _GetUser(self, userIndex: int) -> Any:  # noqa: N802, N803
        held = [
            {"credentialType": 1, "credentialIndex": index}
            for index, pin in self.pins.items()
            if pin["user"] == userIndex
        ]
        user = self.users.get(userIndex, {})
        following = min((index for index in self.users if index > userIndex), default=None)
        others = user.get("others", [])
        return {
            "userIndex": userIndex,
            **{k: v for k, v in user.items() if k != "others"},
            "credentials": [*held, *others] if user else None,
            "nextUserIndex": following,
        }

    def _GetCredentialStatus(self, credential: dict[str, int]) -> Any:  # noqa: N802
        index = credential["credentialIndex"]
        pin = self.pins.get(index)
        told = pin if pin is not None and self.tells_fabrics else {}
        return {
            "credentialExists": pin is not None,
            "userIndex": None if pin is None else pin["user"],
            "creatorFabricIndex": told.get("creator"),
            "lastModifiedFabricIndex": told.get("modifier"),
            "nextCredentialIndex": min((i for i in self.pins if i > index), default=None),
        }

    def _SetUser(self, operationType: int, userIndex: int, **user: Any) -> None:  # noqa: N802, N803
        if operationType == ADD:
            if userIndex in self.users:
                raise RetryLater("The lock could not carry out SetUser (status 0x01).")
            self.users[userIndex] = {**user, "creatorFabricIndex": OURS}
            del self.users[userIndex]["credentialRule"]
        else:
            told = {k: v for k, v in user.items() if v is not None and k != "credentialRule"}
            self.users[userIndex].update(told)

    def _SetCredential(  # noqa: N802
        self,
        operationType: int,  # noqa: N803
        credential: dict[str, int],
        credentialData: str,  # noqa: N803
        userIndex: int,  # noqa: N803
        **_: Any,
    ) -> Any:
        index, pin = credential["credentialIndex"], b64decode(credentialData).decode()
        if not 4 <= len(pin) <= 8:
            return {"status": 133}
        others = {i: p for i, p in self.pins.items() if self.minds_its_own or i != index}
        if any(p["pin"] == pin for p in others.values()):
            return {"status": self.duplicate}
        if operationType == ADD and index in self.pins:
            return {"status": self.occupied}
        standing = self.pins.get(index, {"creator": OURS})
        self.pins[index] = {**standing, "pin": pin, "user": userIndex, "modifier": OURS}
        return {"status": 0}

    def _ClearCredential(self, credential: dict[str, int]) -> None:  # noqa: N802
        user = self.pins.pop(credential["credentialIndex"])["user"]
        if self.drops_users and not any(pin["user"] == user for pin in self.pins.values()):
            del self.users[user]

    def _ClearUser(self, userIndex: int) -> None:  # noqa: N802, N803
        self.users.pop(userIndex, None)
        self.schedules.pop(userIndex, None)
        self.pins = {i: pin for i, pin in self.pins.items() if pin["user"] != userIndex}

    def _SetYearDaySchedule(  # noqa: N802
        self,
        yearDayIndex: int,  # noqa: N803
        userIndex: int,  # noqa: N803
        localStartTime: int,  # noqa: N803
        localEndTime: int,  # noqa: N803
    ) -> None:
        assert userIndex in self.users
        assert yearDayIndex == 1
        self.schedules[userIndex] = (localStartTime, localEndTime)

    def _GetYearDaySchedule(self, yearDayIndex: int, userIndex: int) -> Any:  # noqa: N802, N803
        if userIndex not in self.schedules:
            return {"status": 139}
        start, end = self.schedules[userIndex]
        return {"status": 0, "localStartTime": start, "localEndTime": end}

    def _ClearYearDaySchedule(self, yearDayIndex: int, userIndex: int) -> None:  # noqa: N802, N803
        del self.schedules[userIndex]


def codes_of(
    script: ScriptedLock,
    *,
    native: bool = True,
    store: KeptStore | None = None,
    tells_time: bool = False,
) -> Codes:
    """The driver's view of the lock, as after a new connection."""
    lock = LockEndpoint(
        "fab-1-1",
        LockCommands(script, 1, 1),
        LockCapabilities(positions=5, name_max_length=10, native_scheduling=native),
        marker=MARKER,
        fabric=OURS,
        zone=ZONE if native else None,
        tells_time=tells_time,
    )
    return Codes(lock, Schedules(HandClock(NOW), store or KeptStore()))
