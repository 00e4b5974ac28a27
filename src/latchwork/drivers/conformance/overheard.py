"""What Latchwork and its libraries write to logs at DEBUG, for secrets to be looked for."""

import logging
import re
from collections.abc import Iterable, MutableMapping
from typing import Any, Final

import structlog

from latchwork.domain.pin import Secret
from latchwork.logs import QUIET

FORMAT: Final = logging.Formatter("%(name)s %(message)s")


class Overheard(logging.Handler):
    """Collects `lines` between `begin` and `end`; nothing reaches other handlers more than before.

    The loggers that Latchwork keeps quiet at every level stay so.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._levels: dict[str | None, int] = {}
        self._structlog: dict[str, Any] = {}

    def begin(self) -> None:
        root = logging.getLogger()
        for name, level in ((None, logging.DEBUG), *((name, logging.WARNING) for name in QUIET)):
            logger = logging.getLogger(name)
            self._levels[name] = logger.level
            logger.setLevel(level)
        root.addHandler(self)
        self._structlog = structlog.get_config()
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                structlog.processors.format_exc_info,
                self._take,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        )

    def end(self) -> None:
        structlog.configure(**self._structlog)
        logging.getLogger().removeHandler(self)
        for name, level in self._levels.items():
            logging.getLogger(name).setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(FORMAT.format(record))

    def _take(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> Any:
        self.lines.append(" ".join(f"{name}={value}" for name, value in event.items()))
        raise structlog.DropEvent


_BY_CHANCE: Final = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|datetime\.datetime\([^)]*\)|\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*"
)
"""Ids and instants: what stands in them may look like a PIN."""


def telling(texts: Iterable[str], secrets: Iterable[Secret]) -> list[str]:
    """Those of the texts that tell a secret. Digits within longer numbers, names, ids and instants
    are none."""
    told = [re.escape(secret.reveal()) for secret in secrets]
    if not told:
        return []
    pattern = re.compile(rf"(?<![0-9A-Za-z])(?<!\d\.)(?:{'|'.join(told)})(?!\.?\d)(?![A-Za-z])")
    return [text for text in texts if pattern.search(_BY_CHANCE.sub("", text))]
