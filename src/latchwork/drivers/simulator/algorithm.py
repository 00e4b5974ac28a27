"""The algorithm of a simulated lock that computes its codes: a PIN is its window, encrypted.

Lock and provider share a secret. What the provider encrypts (when the window begins, how long it
is, and a number that tells codes of one window apart), the keypad decrypts; whatever decrypts to
no window that holds the present instant is refused.
"""

import hmac
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Final

import msgspec

from latchwork.domain.access_code import Offline
from latchwork.domain.errors import Rejected
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window

LENGTH: Final = 9
_HIGH, _LOW = 10**5, 10**4
_ROUNDS: Final = 8
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_HOURS: Final = 1 << 14
"""Starts are told apart within so many hours, which is longer than any window."""
_HOURLY, _DAYS = 672, 400
_SPANS: Final = _HOURLY + _DAYS + 1
VARIANTS: Final = 8
"""How many codes can be had for one window."""
_HOUR: Final = timedelta(hours=1)
_QUARTERS: Final = tuple(timedelta(minutes=m) for m in (0, 15, 30, 45))


class Issued(msgspec.Struct, frozen=True):
    """What the provider remembers of a code: enough to compute it again."""

    grain: Offline
    window: Window
    variant: int


class Algorithm:
    """Of one lock. `secret`: what only the lock and its provider know; `zone`: its clock's;
    `one_time`: for how long a code for one use waits."""

    def __init__(self, secret: bytes, zone: tzinfo, one_time: timedelta) -> None:
        self._secret = secret
        self._zone = zone
        self._one_time = one_time

    def issue(self, issued: dict[str, Issued], grain: Offline, window: Window, key: str) -> Pin:
        """The PIN for a window, noted in `issued` under `key`, which always gets the same one.
        Raises Rejected for a window of no such grain, or one that no further code is left for."""
        found = issued.get(key)
        if found is None:
            taken = {one.variant for one in issued.values() if one.window == window}
            variant = next((v for v in range(VARIANTS) if v not in taken), None)
            if variant is None:
                raise Rejected("no_free_pin", "The lock computes no further code for this window.")
            found = Issued(grain, window, variant)
        pin = self._pin(found)
        issued[key] = found
        return pin

    def opens(self, pin: Pin, now: datetime) -> Issued | None:
        """The code that the keypad takes now, by its own clock's `now`."""
        text = pin.reveal()
        if len(text) != LENGTH or not text.isdecimal():
            return None
        value = self._decrypted(int(text))
        value, variant = divmod(value, VARIANTS)
        start, span = divmod(value, _SPANS)
        if start >= _HOURS:
            return None
        for starts_at in self._starts(start, now):
            grain, ends_at = self._end(starts_at, span)
            window = Window(starts_at, ends_at)
            if window.contains(now):
                return Issued(grain, window, variant)
        return None

    def _pin(self, issued: Issued) -> Pin:
        starts_at, span = issued.window.starts_at, self._span(issued)
        if starts_at is None:
            raise Rejected("starts_at", "A code that the lock computes needs a start.")
        start = int((starts_at - _EPOCH) / _HOUR) % _HOURS
        value = (start * _SPANS + span) * VARIANTS + issued.variant
        return Pin(str(self._encrypted(value)).zfill(LENGTH))

    def _span(self, issued: Issued) -> int:
        for span in range(_SPANS):
            starts_at = issued.window.starts_at
            if starts_at is not None and self._end(starts_at, span) == (
                issued.grain,
                issued.window.ends_at,
            ):
                return span
        raise Rejected("ends_at", "The lock computes no code for a window of this length.")

    def _end(self, starts_at: datetime, span: int) -> tuple[Offline, datetime]:
        if span < _HOURLY:
            return Offline.HOURLY, starts_at + (span + 1) * _HOUR
        if span < _HOURLY + _DAYS:
            local = starts_at.astimezone(self._zone) + timedelta(days=span - _HOURLY + 1)
            return Offline.DAILY, local.astimezone(UTC)
        return Offline.ONE_TIME, starts_at + self._one_time

    def _starts(self, start: int, now: datetime) -> list[datetime]:
        """Whole hours of the lock's clock with this number, the last ones before `now`."""
        hours = int((now - _EPOCH) / _HOUR)
        latest = _EPOCH + (hours - (hours - start) % _HOURS) * _HOUR
        candidates = [latest + quarter for quarter in _QUARTERS]
        return [at for at in candidates if at.astimezone(self._zone).minute == 0]

    def _encrypted(self, value: int) -> int:
        high, low = divmod(value, _LOW)
        for turn in range(0, _ROUNDS, 2):
            high = (high + self._mixed(turn, low)) % _HIGH
            low = (low + self._mixed(turn + 1, high)) % _LOW
        return high * _LOW + low

    def _decrypted(self, value: int) -> int:
        high, low = divmod(value, _LOW)
        for turn in range(_ROUNDS - 2, -1, -2):
            low = (low - self._mixed(turn + 1, high)) % _LOW
            high = (high - self._mixed(turn, low)) % _HIGH
        return high * _LOW + low

    def _mixed(self, turn: int, half: int) -> int:
        digest = hmac.digest(self._secret, f"{turn}/{half}".encode(), sha256)
        return int.from_bytes(digest[:8])


def secret_of(connection: str, key: str) -> bytes:
    """A simulated lock's secret: of its own, and the same after every restart."""
    return sha256(f"{connection}/{key}".encode()).digest()
