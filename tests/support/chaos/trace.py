"""What happened in a run, for people to read when it fails."""

import hashlib
from collections import deque
from datetime import datetime
from typing import Any

KEPT = 120
"""Lines that a failure shows; the digest is of all."""


class Trace:
    """Lines of: when, who, what, at which lock, what came of it. PINs are the simulation's own."""

    def __init__(self) -> None:
        self._last: deque[str] = deque(maxlen=KEPT)
        self._digest = hashlib.sha256()
        self.lines = 0

    def note(self, at: datetime, who: str, what: str, lock: str = "", outcome: Any = "") -> None:
        line = f"{at:%m-%d %H:%M:%S}  {who:<8} {what:<34} {lock:<8} {outcome}".rstrip()
        self._last.append(line)
        self._digest.update(line.encode())
        self.lines += 1

    @property
    def digest(self) -> str:
        """Of every line: two runs of one seed agree in it."""
        return self._digest.hexdigest()

    def text(self) -> str:
        skipped = self.lines - len(self._last)
        head = [f"... {skipped} lines before ..."] if skipped else []
        return "\n".join([*head, *self._last])
