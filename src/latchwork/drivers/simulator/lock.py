"""A simulated lock: what is stored at its positions, its keypad, its bolt and its radio.

It knows no clock: whoever calls says what time it is.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from latchwork.domain.access_code import Offline
from latchwork.domain.constraints import violations
from latchwork.domain.device import LockCapabilities, Reads
from latchwork.domain.errors import (
    Conflict,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.domain.observation import Empty, Holds, NotRead, Observation, Occupied
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.simulator.algorithm import Algorithm, Issued
from latchwork.drivers.simulator.faults import Faults

NO_ANSWER = "The lock did not answer."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SWITCHED_OFF = Window(_EPOCH, _EPOCH)
"""The window of a code that stands on the lock and opens it never."""


class Stored(msgspec.Struct, frozen=True):
    """A code on the lock. `window` None: valid always."""

    pin: Pin
    name: str | None = None
    window: Window | None = None


class Change(msgspec.Struct, frozen=True):
    """What a position holds from `due_at` on; None: nothing."""

    due_at: datetime
    position: int
    stored: Stored | None


class RadioOperations(msgspec.Struct):
    """How often the lock's radio was used, by kind; one read for every position read."""

    read: int = 0
    write: int = 0
    clear: int = 0
    bolt: int = 0
    probe: int = 0

    @property
    def total(self) -> int:
        return self.read + self.write + self.clear + self.bolt + self.probe


class SimulatedLock:
    """All calls are by radio, and fail as the faults have it, but for those that say otherwise."""

    def __init__(
        self,
        key: str,
        capabilities: LockCapabilities,
        faults: Faults | None = None,
        algorithm: Algorithm | None = None,
    ) -> None:
        self.key = key
        self.algorithm = algorithm
        self.issued: dict[str, Issued] = {}
        """What the provider knows of computed codes, by the reference they were asked for with."""
        self.used: set[Issued] = set()
        """Codes for one use that have opened the lock."""
        self.capabilities = capabilities
        self.faults = faults if faults is not None else Faults()
        self.codes: dict[int, Stored] = {}
        self.pending: list[Change] = []
        """Acknowledged changes that have not taken effect yet, in the order they were made."""
        self.battery_level: float | None = 1.0
        self.locked = True
        self.auto_lock_enabled = False
        self.auto_lock_delay = 30.0
        """Seconds."""
        self.online = True
        self.radio = RadioOperations()
        self.earlier = RadioOperations()
        """Writes and clears before the last restart."""
        self._calls = 0
        self._programmings = 0
        self._before: dict[int, tuple[Stored | None, datetime]] = {}

    # By hand, without the radio

    def opens(self, pin: Pin, now: datetime) -> bool:
        """Whether the keypad opens to this PIN, by the lock's own clock."""
        return self.position_of(pin, now) is not None or self.computed(pin, now) is not None

    def computed(self, pin: Pin, now: datetime) -> Issued | None:
        """The code that the lock computes by itself, if the keypad takes this PIN for it now."""
        if self.algorithm is None:
            return None
        found = self.algorithm.opens(pin, now + timedelta(seconds=self.faults.clock_skew))
        return None if found in self.used else found

    def use(self, code: Issued) -> None:
        """A computed code has opened the lock."""
        if code.grain is Offline.ONE_TIME:
            self.used.add(code)

    def position_of(self, pin: Pin, now: datetime) -> int | None:
        """Where the PIN is stored, if the keypad takes it now."""
        self.settle(now)
        own_time = now + timedelta(seconds=self.faults.clock_skew)
        for position, stored in self.codes.items():
            if stored.pin == pin and (stored.window is None or stored.window.contains(own_time)):
                return position
        return None

    def put(self, position: int, stored: Stored | None, now: datetime) -> None:
        """Changes a position at once, as a person at the keypad does; None empties it."""
        self.settle(now)
        self._change(position, stored, now)

    def _change(self, position: int, stored: Stored | None, now: datetime) -> None:
        if self.faults.stale_reads:
            self._before[position] = (self.codes.get(position), now)
        if stored is None:
            self.codes.pop(position, None)
        else:
            self.codes[position] = stored

    def free_position(self) -> int | None:
        """The lowest position that holds nothing."""
        free = (p for p in self._positions() if p not in self.codes)
        return next(free, None)

    def is_reachable(self, now: datetime) -> bool:
        """Whether the radio gets through to the lock now."""
        faults = self.faults
        if not self.online or faults.offline or faults.hub_offline:
            return False
        return faults.flapping is None or not faults.flapping.is_out(now)

    def settle(self, now: datetime) -> None:
        """Lets late changes take effect that are due."""
        while self.pending and self.pending[0].due_at <= now:
            change = self.pending.pop(0)
            self._change(change.position, change.stored, now)

    # By the provider, without the lock

    def issue(self, grain: Offline, window: Window, reference: str) -> Pin:
        """See `OfflineIssuer`."""
        if self.algorithm is None:
            raise Unsupported("The lock computes no codes by itself.")
        self._check_provider()
        return self.algorithm.issue(self.issued, grain, window, reference)

    def _check_provider(self) -> None:
        if self.faults.subscription_expired:
            raise NeedsAttention("The provider's subscription has expired. Renew it.")
        if self.faults.takes("fail_next"):
            raise RetryLater(NO_ANSWER)

    # By radio

    def probe(self, now: datetime) -> bool:
        self.radio.probe += 1
        try:
            self._reach(now)
        except RetryLater:
            return False
        return True

    def move_bolt(self, now: datetime, *, locked: bool) -> None:
        self.radio.bolt += 1
        self._reach(now)
        if not (self.capabilities.can_lock if locked else self.capabilities.can_unlock):
            raise Unsupported("The lock cannot move its bolt this way.")
        self.locked = locked

    def configure_auto_lock(self, now: datetime, *, enabled: bool, delay: float | None) -> None:
        self.radio.bolt += 1
        self._reach(now)
        if not self.capabilities.auto_lock:
            raise Unsupported("The lock cannot lock itself.")
        self.auto_lock_enabled = enabled
        if delay is not None:
            self.auto_lock_delay = delay

    def read(self, positions: Iterable[int], now: datetime) -> dict[int, Observation]:
        """What the lock says of these positions. Raises RetryLater when it is out of reach."""
        wanted = tuple(positions)
        self.radio.read += len(wanted)
        self._reach(now)
        self.settle(now)
        return {position: self._seen(position, now) for position in wanted}

    def scan(self, now: datetime) -> dict[int, Observation]:
        """All positions, read one by one."""
        return self.read(self._positions(), now)

    def write(
        self, position: int, pin: Pin, name: str | None, window: Window | None, now: datetime
    ) -> None:
        """Stores a PIN by the lock's own rules. Raises Conflict, Rejected, Unsupported, or
        RetryLater, which says nothing about whether it was stored."""
        self.radio.write += 1
        self._reach(now)
        self.settle(now)
        self._check(position, pin, window)
        if not self.faults.takes("ignore_writes"):
            longest = self.capabilities.name_max_length
            kept = None if name is None or longest is None else name[:longest]
            self._apply(position, Stored(pin, kept, window), now)
        self._answer()

    def clear(self, position: int, now: datetime) -> None:
        """Empties a position. Raises Rejected, or RetryLater, which says nothing about whether
        it was emptied."""
        self.radio.clear += 1
        self._reach(now)
        self.settle(now)
        self._check_position(position)
        if not self.faults.takes("ignore_clears"):
            self._apply(position, None, now)
        self._answer()

    def _reach(self, now: datetime) -> None:
        self._calls += 1
        if not self.is_reachable(now):
            raise RetryLater(NO_ANSWER)
        self._check_provider()
        faults = self.faults
        if faults.fail_every and self._calls % faults.fail_every == 0:
            raise RetryLater(NO_ANSWER)

    def _answer(self) -> None:
        self._programmings += 1
        pace = self.faults.drop_every
        if self.faults.takes("drop_answer") or (pace and self._programmings % pace == 0):
            raise RetryLater("The answer of the lock was lost.")

    def _apply(self, position: int, stored: Stored | None, now: datetime) -> None:
        late = self.faults.late_apply
        if late or self.pending:
            self.pending.append(Change(now + timedelta(seconds=late), position, stored))
            self.settle(now)
        else:
            self.put(position, stored, now)

    def _seen(self, position: int, now: datetime) -> Observation:
        if position not in self._positions() or self.faults.takes("unread"):
            return NotRead("The lock did not tell.")
        stored = self._told(position, now)
        reads = self.capabilities.reads
        if reads is Reads.NOTHING:
            return NotRead("The lock cannot be read.")
        if stored is None:
            return Empty()
        is_told = self.capabilities.native_scheduling or stored.window == SWITCHED_OFF
        window = stored.window if is_told else msgspec.UNSET
        if self.faults.mask_pins or reads is Reads.OCCUPANCY:
            return Occupied(window, name=stored.name)
        return Holds(stored.pin, window, stored.name)

    def _told(self, position: int, now: datetime) -> Stored | None:
        before = self._before.get(position)
        if before is not None:
            stored, changed_at = before
            if now < changed_at + timedelta(seconds=self.faults.stale_reads):
                return stored
            del self._before[position]
        return self.codes.get(position)

    def _positions(self) -> range:
        return range(self.capabilities.first_position, self.capabilities.last_position + 1)

    def _check(self, position: int, pin: Pin, window: Window | None) -> None:
        self._check_position(position)
        if not self.capabilities.access_codes:
            raise Unsupported("The lock stores no codes.")
        if window is not None and not self.capabilities.native_scheduling:
            raise Unsupported("The lock stores no schedules.")
        others = {p: stored.pin for p, stored in self.codes.items() if p != position}
        for broken in violations(pin.reveal(), self.capabilities, existing=others.values()):
            if broken.rule not in _JUDGED_BY_THE_PROVIDER:
                raise Rejected(broken.rule, broken.message)
        if self.capabilities.refuses_duplicates:
            for other, held in others.items():
                if held == pin:
                    raise Conflict("The lock holds this PIN already.", other)
        if position not in self.codes and self._is_full():
            raise Rejected("full", "The lock holds as many codes as it can.")

    def _check_position(self, position: int) -> None:
        if position not in self._positions():
            raise Rejected("position", f"The lock has no position {position}.")

    def _is_full(self) -> bool:
        most = self.capabilities.max_active_codes
        return self.faults.full or (most is not None and len(self.codes) >= most)


_JUDGED_BY_THE_PROVIDER = frozenset(
    {"cannot_specify_pin_code", "pin_code_matches_existing_set", "start_date_in_future"}
)
"""Constraints that bind whoever chooses a PIN; the lock itself cannot tell."""
