"""One lock of a Zigbee2MQTT: its commands, each answered by the lock itself."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from latchwork.domain.device import LockCapabilities
from latchwork.domain.errors import Conflict, Rejected, RetryLater, Unsupported
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.zigbee2mqtt import zcl
from latchwork.drivers.zigbee2mqtt.client import Client
from latchwork.drivers.zigbee2mqtt.zcl import Attribute, Frame, PinReport, Response, YearDay

T = TypeVar("T")

SCHEDULE: Final = 0
"""The only schedule slot of a position that is ever written."""
OK, MEMORY_FULL, DUPLICATE = 0, 2, 3
UNSUPPORTED: Final = frozenset({0x81, 0x82, 0x86})
"""Default responses to commands that a lock does not have."""


class Lock:
    """`exposes_pin`: whether its owner lets Zigbee2MQTT tell PINs. All calls raise RetryLater
    when the lock does not answer, and Unsupported for a command that it does not have."""

    def __init__(
        self,
        client: Client,
        key: str,
        name: str,
        target: Mapping[str, Any],
        capabilities: LockCapabilities,
        *,
        exposes_pin: bool,
    ) -> None:
        self.key = key
        self.name = name
        self.capabilities = capabilities
        self.exposes_pin = exposes_pin
        self.seen: dict[int, Pin] = {}
        """PINs last read or written, by position."""
        self.schedules: dict[int, tuple[tuple[int, int], Window]] = {}
        """The times last written, by position, with the window that they stand for."""
        self._client = client
        self.target = dict(target)

    def has_position(self, position: object) -> bool:
        limits = self.capabilities
        return (
            isinstance(position, int) and limits.first_position <= position <= limits.last_position
        )

    async def read_code(self, position: int) -> PinReport:
        """What is stored at a position; without the PIN where it is not to be told."""
        if self.exposes_pin:
            frame = await self._command("getPinCode", userid=position)
            report = zcl.pin_report(frame)
        else:
            frame = await self._command("getUserStatus", userid=position)
            report = zcl.status_report(frame)
        report = _known(report, frame)
        if report.user != position:
            raise RetryLater("The lock told of another position.")
        return report

    async def write_code(self, position: int, pin: Pin, user_type: int) -> None:
        """Stores and enables a PIN. Raises Conflict for one that the lock holds already."""
        frame = await self._command(
            "setPinCode",
            userid=position,
            userstatus=int(zcl.UserStatus.ENABLED),
            usertype=int(user_type),
            pincodevalue=pin.reveal(),
        )
        status = _status(frame, Response.SET_PIN)
        if status == DUPLICATE:
            raise Conflict("The lock holds this PIN already.", self._holder(position, pin))
        if status == MEMORY_FULL:
            raise Rejected("full", "The lock holds as many codes as it can.")
        if status != OK:
            raise RetryLater("The lock did not store the code.")

    def _holder(self, position: int, pin: Pin) -> int | None:
        return next((p for p, seen in self.seen.items() if seen == pin and p != position), None)

    async def clear_code(self, position: int) -> None:
        frame = await self._command("clearPinCode", userid=position)
        if _status(frame, Response.CLEAR_PIN) != OK:
            raise RetryLater("The lock did not remove the code.")

    async def read_schedule(self, position: int) -> YearDay:
        frame = await self._command("getYearDaySchedule", scheduleid=SCHEDULE, userid=position)
        schedule = _known(zcl.year_day(frame), frame)
        if schedule.user != position:
            raise RetryLater("The lock told of another position.")
        return schedule

    async def write_schedule(self, position: int, start: int, end: int) -> None:
        frame = await self._command(
            "setYearDaySchedule",
            scheduleid=SCHEDULE,
            userid=position,
            zigbeelocalstarttime=start,
            zigbeelocalendtime=end,
        )
        if _status(frame, Response.SET_YEAR_DAY) != OK:
            raise RetryLater("The lock did not store the schedule of the code.")

    async def clear_schedule(self, position: int) -> None:
        frame = await self._command("clearYearDaySchedule", scheduleid=SCHEDULE, userid=position)
        _status(frame, Response.CLEAR_YEAR_DAY)

    async def move_bolt(self, *, locked: bool) -> None:
        name, response = ("lockDoor", Response.LOCK) if locked else ("unlockDoor", Response.UNLOCK)
        if _status(await self._command(name, pincodevalue=""), response) != OK:
            raise RetryLater("The lock did not move its bolt.")

    async def read_attributes(self, *wanted: Attribute) -> Mapping[int, int]:
        """Whole numbers by attribute; those that the lock does not have are left out."""
        frame = await self._send(zcl.read(*wanted))
        return _known(zcl.attributes(frame), frame)

    async def _command(self, name: str, **payload: Any) -> Frame:
        return await self._send(zcl.command(name, **payload))

    async def _send(self, command: Mapping[str, Any]) -> Frame:
        frame = zcl.parse(await self._client.raw(self.target, command))
        if frame is None:
            raise RetryLater("The lock answered with nothing that can be read.")
        return frame


def _known(answer: T | None, frame: Frame) -> T:
    if answer is not None:
        return answer
    if zcl.refused_by_default(frame) in UNSUPPORTED:
        raise Unsupported("The lock does not have this command.")
    raise RetryLater("The lock answered something else.")


def _status(frame: Frame, response: Response) -> int:
    """The status in an answer of its own, or in the default response that stands for one."""
    status = zcl.outcome(frame, response)
    if status is None:
        status = zcl.refused_by_default(frame)
    return _known(status if status not in UNSUPPORTED else None, frame)
