"""Structured logs: for eyes on a terminal, JSON elsewhere; secrets are masked twice over."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from latchwork import request_ids
from latchwork.domain.pin import MASK

SECRET_FIELDS: Final = frozenset(
    ("code", "pin", "secret", "token", "authorization", "password", "api_key", "key")
)
QUIET: Final = ("asyncio", "aiohttp.access", "uvicorn.access", "websockets")
"""Loggers that tell of every request or task, with parts of what was sent."""


def set_up(level: str, style: str | None) -> None:
    """`style`: console or json; None: console on a terminal. Logs go to standard error."""
    console = sys.stderr.isatty() if style is None else style == "console"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        with_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    final: list[Any] = (
        # Not the renderer's own way, which shows the values of local variables: PINs among them.
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    logging.basicConfig(level=getattr(logging, level), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def with_request_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Adds the id of the request that is being worked for."""
    if (request_id := request_ids.current.get()) is not None:
        event.setdefault("request_id", request_id)
    return event


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Masks fields named like secrets, in case one is ever logged in clear."""
    for field in SECRET_FIELDS & event.keys():
        event[field] = MASK
    return event
