"""One lock of the network, as the driver knows it while it is connected."""

import asyncio
from typing import Any, Final

from latchwork.domain.device import LockCapabilities
from latchwork.domain.pin import Pin
from latchwork.domain.window import Window
from latchwork.drivers.zwave_js.client import Event
from latchwork.drivers.zwave_js.commands import (
    USER_CODE,
    LockCommands,
    UserCodeReport,
    YearDay,
)

STATUS: Final = "userIdStatus"
CODE: Final = "userCode"
VALUE_EVENTS: Final = frozenset({"value updated", "value added"})
REPORT_PATIENCE: Final = 1.0
"""Seconds that a report may come after the answer that it belongs to."""


class CodeReports:
    """User Code reports as Z-Wave JS tells them in its value events, which name the position.

    Its answer to a read does not: where a lock answers late, it takes the report of one position
    for the answer to the next read, of another. And value events also tell what Z-Wave JS believes
    after a write. So a report counts when answer and event agree.
    """

    def __init__(self) -> None:
        self._told: dict[int, dict[str, Any]] = {}
        self._news = asyncio.Event()

    def expect(self, position: int) -> None:
        """Forgets what was told of a position before the read that begins now."""
        self._told.pop(position, None)

    def note(self, event: Event) -> None:
        args = event.args or {}
        if event.event not in VALUE_EVENTS or args.get("commandClass") != USER_CODE:
            return
        position, name = args.get("propertyKey"), args.get("property")
        if isinstance(position, int) and name in (STATUS, CODE):
            self._told.setdefault(position, {})[name] = args.get("newValue")
            self._news.set()

    async def confirm(self, position: int, report: UserCodeReport) -> bool:
        """Whether the report was told of this very position."""
        expected = {STATUS: report.user_id_status, CODE: report.user_code}
        try:
            async with asyncio.timeout(REPORT_PATIENCE):
                while self._told.get(position) != expected:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True


class LockNode:
    """What is known of a node with a keypad, and what was last seen or written there.

    `uses_credentials`: it speaks User Credential, else User Code. `schedule_slots`: year-day
    schedules per position, 0 without native scheduling.
    """

    def __init__(
        self,
        key: str,
        commands: LockCommands,
        capabilities: LockCapabilities,
        *,
        uses_credentials: bool,
        credential_type: int,
        schedule_slots: int,
        lock_class: int,
    ) -> None:
        self.key = key
        self.commands = commands
        self.capabilities = capabilities
        self.uses_credentials = uses_credentials
        self.credential_type = credential_type
        self.schedule_slots = schedule_slots
        self.lock_class = lock_class
        self.is_ready = asyncio.Event()
        """Set when Z-Wave JS has heard the lock since its own start; it tells no values before."""
        self.duplicate_refused = asyncio.Event()
        """Set when the lock notifies that it refused a PIN as a duplicate."""
        self.reports = CodeReports()
        self.clock_is_set = False
        """Whether the lock is known to keep the time that schedules are written in."""
        self.touched: set[int] = set()
        """Positions that the running operation reads or writes."""
        self.seen: dict[int, Pin | None] = {}
        """The PIN last read or written, by position; None: empty."""
        self.schedules: dict[int, tuple[YearDay, Window]] = {}
        """The schedule last written, by position, with the window that it stands for."""

    @property
    def node_id(self) -> int:
        return self.commands.node_id

    def has_position(self, position: object) -> bool:
        limits = self.capabilities
        return (
            isinstance(position, int) and limits.first_position <= position <= limits.last_position
        )
