"""One POST to an endpoint, and what came of it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Protocol

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver

from latchwork.webhooks.guard import AddressGuard, AddressRefused
from latchwork.webhooks.resolver import SystemResolver

TIMEOUT: Final = timedelta(seconds=15)
KEPT: Final = 2048
"""Bytes of a response that are read and kept."""

_HEADERS: Final = {
    "content-type": "application/json",
    "accept-encoding": "identity",
    "user-agent": "Latchwork-Webhooks/1",
}
_FAILURES: Final = {
    aiohttp.ClientConnectorDNSError: "The host's name could not be resolved.",
    aiohttp.ClientSSLError: "The TLS handshake failed, or the certificate is not valid.",
    aiohttp.InvalidURL: "The URL cannot be used.",
    UnicodeError: "The URL cannot be used.",
    aiohttp.ClientConnectorError: "The connection was refused or could not be made.",
}
"""In this order: each kind before those it is a part of."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a POST: `status_code`, or the `error` that kept one from coming. `response`
    is the beginning of the body, printable, at most 2 KiB in UTF-8."""

    status_code: int | None = None
    error: str | None = None
    response: str = ""
    retry_after: str | None = None
    """The header of that name, as it came."""

    @property
    def accepted(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


class Sender(Protocol):
    """Sends one request. Never raises for what the receiver or the network does."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer: ...


class HttpSender:
    """Sends over HTTP, to vetted addresses, without following redirects, in `timeout` in all.

    Made within a running event loop; `aclose` frees its connections. `resolver` None: the
    system's.
    """

    def __init__(
        self,
        guard: AddressGuard,
        *,
        resolver: AbstractResolver | None = None,
        timeout: timedelta = TIMEOUT,
    ) -> None:
        self._timeout = timeout
        self._resolver = resolver or SystemResolver()
        self._session = aiohttp.ClientSession(
            connector=guard.connector(self._resolver),
            timeout=aiohttp.ClientTimeout(total=timeout.total_seconds(), ceil_threshold=math.inf),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The status decides as soon as it has come, even when the body never ends."""
        try:
            async with self._session.post(
                url, data=body, headers={**_HEADERS, **headers}, allow_redirects=False
            ) as response:
                return Answer(
                    status_code=response.status,
                    response=await _beginning(response),
                    retry_after=response.headers.get("retry-after"),
                )
        except Exception as error:  # noqa: BLE001 - whatever the network or the receiver does
            return Answer(error=_describe(error, self._timeout))

    async def aclose(self) -> None:
        await self._session.close()
        await self._resolver.close()


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """A Retry-After header in either form, as a time from `now`; None when it says nothing."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return timedelta(seconds=int(value[:9]))
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))


def _describe(error: Exception, timeout: timedelta) -> str:
    """For the endpoint's owner; never the exception's own text, which may quote the URL."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, AddressRefused):
        return f"Not sent: {cause}."
    if isinstance(error, TimeoutError):
        return f"No answer within {timeout.total_seconds():g} s."
    for kind, text in _FAILURES.items():
        if isinstance(error, kind):
            return text
    return "The connection broke before an answer came, or the answer was not HTTP."


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The first 2 KiB of the body, or as much of it as came before it broke off."""
    kept = b""
    try:
        while len(kept) < KEPT and (chunk := await response.content.read(KEPT - len(kept))):
            kept += chunk
    except (aiohttp.ClientError, OSError):
        response.close()
    if not response.content.at_eof():
        response.close()
    # PostgreSQL's text takes no NUL.
    text = kept.decode(errors="replace").replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text.encode()[:KEPT].decode(errors="ignore")
