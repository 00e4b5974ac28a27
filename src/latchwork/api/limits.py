"""How often a caller may ask: each kind of command per device, and everything per key.

Counts are kept in memory, per process, over the last minute. What is refused is not counted, so
that a caller who waits as told gets through.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

import msgspec

from latchwork.api.endpoint import LARGEST_PAGE, Call
from latchwork.api.errors import ApiError
from latchwork.storage.interface import CodeFilter

MINUTE: Final = timedelta(minutes=1)


class Kind(Enum):
    """Commands that reach for a lock: how often a minute on one device, and in words."""

    CREATE = (10, "access codes can be created")
    UPDATE = (10, "access codes can be updated")
    DELETE = (20, "access codes can be deleted")
    LOCK = (15, "lock commands can be sent")
    UNLOCK = (15, "unlock commands can be sent")


KINDS: Final = {
    "/access_codes/create": Kind.CREATE,
    "/access_codes/create_multiple": Kind.CREATE,
    "/access_codes/update": Kind.UPDATE,
    "/access_codes/update_multiple": Kind.UPDATE,
    "/access_codes/delete": Kind.DELETE,
    "/access_codes/unmanaged/delete": Kind.DELETE,
    "/locks/lock_door": Kind.LOCK,
    "/locks/unlock_door": Kind.UNLOCK,
}

UNMANAGED: Final = "/access_codes/unmanaged/"
"""Where `access_code_id` names a code of another hand."""

LINKED: Final = "/access_codes/update_multiple"
"""Where `common_code_key` names the codes."""

_Name = tuple[str, ...]


class Limiter:
    """`per_key`: requests a minute of one credential."""

    def __init__(self, per_key: int) -> None:
        self._per_key = per_key
        self._windows: dict[_Name, deque[datetime]] = {}
        self._swept_at: datetime | None = None

    def count_request(self, credential_id: str, now: datetime) -> None:
        """Raises 429 for one request too many."""
        wait = self._taken([("key", credential_id)], self._per_key, now)
        if wait is not None:
            raise _too_many(f"At most {self._per_key} requests a minute can be made.", wait)

    async def count_command(self, call: Call, asked: msgspec.Struct) -> None:
        """Raises 429 for one command too many on a device that it names. Devices of others
        count for nobody."""
        kind = KINDS.get(call.path)
        if kind is None:
            return
        limit, words = kind.value
        device_ids = await _device_ids(call, asked)
        names = [(call.workspace_id, kind.name, device_id) for device_id in device_ids]
        wait = self._taken(names, limit, call.now)
        if wait is not None:
            raise _too_many(f"At most {limit} {words} on a device each minute.", wait)

    def _taken(self, names: Iterable[_Name], limit: int, now: datetime) -> timedelta | None:
        """Counts one in each window; or counts none and says how long to wait."""
        self._sweep(now)
        windows = [self._window(name, now) for name in set(names)]
        full = [window for window in windows if len(window) >= limit]
        if full:
            return max(window[-limit] + MINUTE - now for window in full)
        for window in windows:
            window.append(now)
        return None

    def _window(self, name: _Name, now: datetime) -> deque[datetime]:
        window = self._windows.setdefault(name, deque())
        while window and now - window[0] >= MINUTE:
            window.popleft()
        while window and window[-1] > now:
            # The clock was set back: what it calls the future must not block anybody.
            window.pop()
        return window

    def _sweep(self, now: datetime) -> None:
        """Once a minute, forgets those who have gone quiet."""
        if self._swept_at is not None and timedelta(0) <= now - self._swept_at < MINUTE:
            return
        self._swept_at = now
        quiet = [n for n, w in self._windows.items() if not w or now - w[-1] >= MINUTE]
        for name in quiet:
            del self._windows[name]


async def _device_ids(call: Call, asked: msgspec.Struct) -> list[str]:
    """The devices that a command is for, as far as they are the caller's."""
    if code_id := getattr(asked, "access_code_id", None):
        if call.path.startswith(UNMANAGED):
            other = await call.storage.unmanaged_code(call.workspace_id, access_code_id=code_id)
            return [] if other is None else [other.code.device_id]
        view = await call.storage.code(call.workspace_id, access_code_id=code_id)
        return [] if view is None else [view.code.device_id]
    if common := getattr(asked, "common_code_key", None) if call.path == LINKED else None:
        where = CodeFilter(common_code_key=common)
        page = await call.storage.codes(call.workspace_id, where, limit=LARGEST_PAGE, cursor=None)
        return [view.code.device_id for view in page.items]
    named = getattr(asked, "device_ids", None) or [getattr(asked, "device_id", None)]
    return [
        device_id
        for device_id in named
        if device_id is not None
        and await call.storage.device(call.workspace_id, device_id=device_id) is not None
    ]


def _too_many(message: str, wait: timedelta) -> ApiError:
    seconds = max(1, -(-wait // timedelta(seconds=1)))
    return ApiError(
        429,
        "rate_limit_exceeded",
        f"{message} Try again in {seconds} second{'s' if seconds > 1 else ''}.",
        headers={"retry-after": str(seconds)},
    )
