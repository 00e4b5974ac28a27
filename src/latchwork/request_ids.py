"""The id of the request that the code at hand works for, carried along by the context."""

from contextvars import ContextVar
from typing import Final

current: Final[ContextVar[str | None]] = ContextVar("latchwork_request_id", default=None)
"""As told in the header `seam-request-id`; in a visit that several requests woke: all of them,
divided by commas."""
