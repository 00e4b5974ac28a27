"""What the API answers, as a response over HTTP."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response

from latchwork.domain.idempotency import Answered

HEADERS: Final = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class JsonAnswer(Response):
    """JSON that nobody keeps, and further headers."""

    def __init__(self, answer: Answered, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(answer.body, answer.status, headers)

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """HEADERS are the same for all: they need no encoding."""
        length = (b"content-length", str(len(self.body)).encode())
        more = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.raw_headers = [*HEADERS, length, *more]
