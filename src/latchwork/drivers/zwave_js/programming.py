"""One operation on one position: its PIN together with its schedule."""

from collections.abc import Mapping, Sequence

import msgspec
import structlog

from latchwork.domain.errors import LatchworkError, RetryLater
from latchwork.domain.observation import Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import ALWAYS, Window
from latchwork.drivers.zwave_js.codes import Codes, remember
from latchwork.drivers.zwave_js.node import LockNode
from latchwork.drivers.zwave_js.schedules import Schedules
from latchwork.drivers.zwave_js.user_codes import UserCodes
from latchwork.drivers.zwave_js.user_credentials import UserCredentials

log = structlog.get_logger(__name__)


class Programming:
    """Reads, writes and clears positions of one lock. See `Driver` for the errors."""

    def __init__(self, lock: LockNode, schedules: Schedules) -> None:
        self._lock = lock
        self._schedules = schedules
        self._codes: Codes = UserCredentials(lock) if lock.uses_credentials else UserCodes(lock)

    async def observe(
        self, positions: Sequence[int], found: dict[int, Observation]
    ) -> Mapping[int, Observation]:
        """Fills `found` one by one, so that what was read is kept when time runs out. Raises
        RetryLater when the lock is lost before the first answer."""
        for position in positions:
            try:
                seen = await self._read(position)
            except RetryLater as error:
                if not found:
                    raise
                log.info("zwave_js.read_cut_short", lock=self._lock.key, reason=str(error))
                break
            found[position] = seen
            remember(self._lock, position, seen)
        if found and all(isinstance(seen, NotRead) for seen in found.values()):
            raise RetryLater("The lock did not answer.")
        return found

    async def _read(self, position: int) -> Observation:
        seen = await self._codes.read(position)
        if not self._lock.schedule_slots or not isinstance(seen, Occupied | Holds):
            return seen
        if seen.window is not msgspec.UNSET:
            return seen
        window = await self._schedules.read_window(self._lock, position)
        return msgspec.structs.replace(seen, window=window)

    async def scan(self) -> Mapping[int, Observation]:
        return await self._codes.scan()

    async def write(self, position: int, pin: Pin, name: str | None, window: Window | None) -> None:
        lock = self._lock
        if not lock.schedule_slots:
            await self._codes.write(position, pin, name)
        elif window is None or window == ALWAYS:
            await self._codes.write(position, pin, name)
            await self._schedules.remove(lock, position)
        else:
            await self._write_scheduled(position, pin, name, window)
        lock.seen[position] = pin

    async def _write_scheduled(
        self, position: int, pin: Pin, name: str | None, window: Window
    ) -> None:
        """The schedule goes first, so that the PIN never opens the door ahead of its time. A lock
        that takes schedules of stored codes only gets it right after, or loses the code again."""
        is_guarded = await self._schedules.write(self._lock, position, window)
        await self._codes.write(position, pin, name)
        if is_guarded:
            return
        try:
            is_guarded = await self._schedules.write(self._lock, position, window)
        finally:
            if not is_guarded:
                await self._codes.clear(position)
        if not is_guarded:
            raise RetryLater("The lock did not take the schedule of the code.")

    async def clear(self, position: int) -> None:
        await self._codes.clear(position)
        self._lock.seen[position] = None
        if self._lock.schedule_slots:
            await self._forget_schedule(position)

    async def _forget_schedule(self, position: int) -> None:
        """An emptied position opens no door whatever its schedule says, and the next write there
        sets its own: a lock that does not erase it has removed the code all the same."""
        try:
            await self._schedules.erase(self._lock, position)
        except LatchworkError as error:
            log.info("zwave_js.schedule_left", lock=self._lock.key, reason=str(error))
