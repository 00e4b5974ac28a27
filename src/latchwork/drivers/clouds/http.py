"""HTTP to a lock cloud: bounded in time and size, no redirects, no proxies of the environment, and
quiet for as long as the cloud asks."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar

import aiohttp
import msgspec

from latchwork.domain.errors import LatchworkError, NeedsAttention, RetryLater
from latchwork.drivers.clouds.model import AnswerLost
from latchwork.drivers.protocol import DriverClock

T = TypeVar("T")

TIMEOUT: Final = 15.0
"""Seconds for one request, with the reading of its answer."""
LARGEST_ANSWER: Final = 4 * 1024 * 1024
CALLS_AT_ONCE: Final = 4
LONGEST_HOLD: Final = timedelta(hours=1)
DEFAULT_HOLD: Final = timedelta(seconds=60)


class Answer(msgspec.Struct, frozen=True):
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """With names in lower case."""
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def read(self, kind: type[T], what: str) -> T:
        """The body as `kind`. Raises NeedsAttention naming what does not follow the contract:
        values are never quoted."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.ValidationError as error:
            text = f"The cloud's answer to {what} does not follow its contract: {error}."
            raise NeedsAttention(text) from None
        except msgspec.DecodeError:
            raise RetryLater(f"The cloud's answer to {what} is no JSON.") from None

    def read_or_none(self, kind: type[T]) -> T | None:
        """The body as `kind`; None when it is something else."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.DecodeError:
            return None


class CloudHttp:
    """One session with one cloud. `name` is for people."""

    def __init__(self, base_url: str, name: str, clock: DriverClock) -> None:
        self.name = name
        self._base = base_url.rstrip("/")
        self._clock = clock
        self._calls = asyncio.Semaphore(CALLS_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._quiet_until: datetime | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, of any status but 429. Raises AnswerLost when there is none in time, and
        RetryLater for as long as the cloud asked for quiet. `path` may be a whole address."""
        self._check_quiet()
        sent = dict(headers or {})
        body: bytes | aiohttp.FormData | None = None
        if json is not None:
            body = msgspec.json.encode(json)
            sent["content-type"] = "application/json"
        elif form is not None:
            body = aiohttp.FormData(dict(form))
        url = path if "://" in path else f"{self._base}{path}"
        try:
            async with self._calls:
                answer = await self._exchange(method, url, sent, dict(params or {}), body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            text = f"{self.name} did not answer ({type(error).__name__})."
            raise AnswerLost(text) from None
        if answer.status == 429:
            raise self.hold(_retry_after(answer.headers, self._clock.now()))
        return answer

    async def _exchange(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        params: dict[str, str],
        body: bytes | aiohttp.FormData | None,
    ) -> Answer:
        async with self._open().request(
            method, url, headers=headers, params=params, data=body, allow_redirects=False
        ) as response:
            return Answer(
                response.status,
                {name.lower(): value for name, value in response.headers.items()},
                await self._bounded(response),
            )

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in response.content.iter_chunked(65536):
            size += len(part)
            if size > LARGEST_ANSWER:
                response.close()
                raise AnswerLost(f"{self.name} sent an answer that is too large.")
            parts.append(part)
        return b"".join(parts)

    def hold(self, after: timedelta | None) -> LatchworkError:
        """Sends nothing more for so long; the error to raise."""
        wait = min(after or DEFAULT_HOLD, LONGEST_HOLD)
        self._quiet_until = self._clock.now() + wait
        return RetryLater(f"{self.name} asks for fewer requests.", wait)

    def _check_quiet(self) -> None:
        if self._quiet_until is None:
            return
        left = self._quiet_until - self._clock.now()
        if left > timedelta(0):
            raise RetryLater(f"{self.name} asks for fewer requests.", left)
        self._quiet_until = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"accept": "application/json", "user-agent": "latchwork"},
            )
            # aiohttp sends a PUT or DELETE again when its answer is lost, and offers no public
            # switch: with clouds whose PUT makes a code that would make two.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Of a Retry-After header: seconds or a date."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return timedelta(seconds=min(int(text), 86_400))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(at - now, timedelta(seconds=1)) if at.tzinfo is not None else None


def refusal(answer: Answer, name: str, what: str) -> LatchworkError:
    """The error for a status alone, when the cloud's own error code says nothing more."""
    text = f"{name} refused {what} with status {answer.status}."
    if answer.status in (401, 403):
        return NeedsAttention(f"{text} Check the account's credentials and permissions.")
    if answer.status in (404, 410):
        return NeedsAttention(f"{text} The lock is no longer part of the account.")
    if 300 <= answer.status < 400:
        return NeedsAttention(f"{text} Check the address.")
    return AnswerLost(text) if answer.status >= 500 else RetryLater(text)
