"""PINs at positions, which are the lock's user ids, together with their schedules.

A report of the lock itself, asked for now, is the only proof: what Zigbee2MQTT remembers of a
lock's users is never looked at.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, RetryLater, Unsupported
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import ALWAYS, Window
from latchwork.drivers.zigbee2mqtt.lock import Lock
from latchwork.drivers.zigbee2mqtt.schedules import to_times, to_window
from latchwork.drivers.zigbee2mqtt.zcl import PinReport, UserStatus, UserType

log = structlog.get_logger(__name__)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NEVER: Final = Window(_EPOCH, _EPOCH)
OPENS_NOTHING: Final = frozenset({UserType.NON_ACCESS})


class Codes:
    """Reads, writes and clears positions of one lock. See `Driver` for the errors. `zone`: of the
    lock's own time."""

    def __init__(self, lock: Lock, zone: tzinfo) -> None:
        self._lock = lock
        self._zone = zone

    async def observe(
        self, positions: Sequence[int], found: dict[int, Observation]
    ) -> Mapping[int, Observation]:
        """Fills `found` one by one. Raises RetryLater when the lock is lost before the first
        answer."""
        for position in positions:
            try:
                found[position] = await self._read(position)
            except Unsupported as error:
                found[position] = NotRead(str(error))
            except RetryLater as error:
                if not found:
                    raise
                log.info("zigbee2mqtt.read_cut_short", lock=self._lock.key, reason=str(error))
                break
        return found

    async def _read(self, position: int) -> Observation:
        report = await self._lock.read_code(position)
        pin = pin_of(report.code)
        if report.status == UserStatus.AVAILABLE or pin is None:
            self._lock.seen.pop(position, None)
        else:
            self._lock.seen[position] = pin
        if report.status == UserStatus.AVAILABLE:
            return Empty()
        window = await self._window(position, report)
        return Occupied(window) if pin is None else Holds(pin, window)

    async def _window(self, position: int, report: PinReport) -> Window | msgspec.UnsetType | None:
        """A PIN that the lock has disabled is told with an empty window."""
        lock = self._lock
        if report.status != UserStatus.ENABLED or report.user_type in OPENS_NOTHING:
            return NEVER
        if not lock.capabilities.native_scheduling:
            return msgspec.UNSET
        if lock.exposes_pin and report.user_type != UserType.YEAR_DAY_SCHEDULE:
            return None
        schedule = await lock.read_schedule(position)
        if schedule.status:
            # A scheduled user without a schedule opens nothing; without the user's type, which
            # a lock that hides PINs does not tell, it is one who may always come.
            return NEVER if lock.exposes_pin else None
        times = schedule.start, schedule.end
        written = lock.schedules.get(position)
        if written is not None and written[0] == times:
            return written[1]
        return to_window(*times, self._zone)

    async def write(self, position: int, pin: Pin, window: Window | None) -> None:
        """The schedule goes first, so that the PIN never opens the door ahead of its time."""
        lock = self._lock
        scheduled = window is not None and window != ALWAYS
        if scheduled and window is not None:
            times = to_times(window, self._zone)
            await lock.write_schedule(position, *times)
            lock.schedules[position] = times, window
        kind = UserType.YEAR_DAY_SCHEDULE if scheduled else UserType.UNRESTRICTED
        await lock.write_code(position, pin, kind)
        lock.seen[position] = pin
        if not scheduled:
            await self._forget_schedule(position)

    async def clear(self, position: int) -> None:
        await self._lock.clear_code(position)
        self._lock.seen.pop(position, None)
        await self._forget_schedule(position)

    async def _forget_schedule(self, position: int) -> None:
        """An emptied position opens no door whatever its schedule says, nor does a schedule bind
        an unrestricted user. So one that nobody knows of may stay, but for locks that do not tell
        the kind of a user; and a lock that keeps it has done what matters all the same."""
        lock = self._lock
        known = lock.schedules.pop(position, None) is not None
        if not lock.capabilities.native_scheduling or (lock.exposes_pin and not known):
            return
        try:
            await lock.clear_schedule(position)
        except LatchworkError as error:
            log.info("zigbee2mqtt.schedule_left", lock=lock.key, reason=str(error))


def pin_of(code: bytes) -> Pin | None:
    """The PIN in a report; None when it is masked, absent or no digits."""
    return Pin(code.decode()) if code.isdigit() else None
