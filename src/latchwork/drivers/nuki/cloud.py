"""Nuki Web's API, called."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import structlog

from latchwork.domain.errors import (
    Conflict,
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
    Unsupported,
)
from latchwork.drivers.clouds.http import Answer, CloudHttp, refusal
from latchwork.drivers.clouds.marks import Marks
from latchwork.drivers.clouds.model import News, OutOfReach, RemoteCode, Wish
from latchwork.drivers.nuki import events, wire
from latchwork.drivers.protocol import DiscoveredDevice, DriverContext

log = structlog.get_logger(__name__)

NAME: Final = "Nuki Web"
POLL: Final = timedelta(seconds=60)
POLL_BESIDE_WEBHOOKS: Final = timedelta(minutes=10)
BUSY: Final = timedelta(seconds=10)
LOGS_AT_ONCE: Final = 50
PAGES_OF_LOGS: Final = 20
REGISTRATION: Final = "webhook"
CURSOR: Final = "log"
NAMED_PARAMETER: Final = re.compile(r"for parameter '(code|type|name)'")


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    webhook_id: int
    secret: str


class NukiCloud:
    """See `Cloud`. Nuki answers 204 before the lock has anything; the list shows a code once the
    lock has stored it."""

    patience = timedelta(minutes=2)

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._http = CloudHttp(context.settings["url"], NAME, context.clock)
        self._registration: Registration | None = None
        self._marks = Marks(context.store, CURSOR, context.clock.now())

    @property
    def poll_every(self) -> timedelta:
        return POLL if self._registration is None else POLL_BESIDE_WEBHOOKS

    async def locks(self) -> Sequence[DiscoveredDevice]:
        answer = await self._call("GET", "/smartlock", "the list of locks")
        found = answer.read(list[wire.Smartlock], "GET /smartlock")
        registered = self._registration is not None
        return [lock.discovered(pushes_changes=registered) for lock in found if lock.is_supported]

    async def is_online(self, provider_key: str) -> bool:
        answer = await self._call("GET", f"/smartlock/{provider_key}", "the lock")
        return answer.read(wire.Smartlock, "GET /smartlock/{id}").is_online

    async def codes(self, provider_key: str) -> Sequence[RemoteCode]:
        answer = await self._call(
            "GET", f"/smartlock/{provider_key}/auth", "the list of codes", params={"types": "13"}
        )
        found = answer.read(list[wire.Auth], "GET /smartlock/{id}/auth")
        return [auth.remote() for auth in found if auth.type == wire.KEYPAD_CODE]

    async def create(self, provider_key: str, wish: Wish) -> str | None:
        body = {**wire.wished(wish), "type": wire.KEYPAD_CODE}
        # Nuki knows no `enabled` of a code that is new, and no nulls.
        body = {k: v for k, v in body.items() if v is not None and k != "enabled"}
        await self._call("PUT", f"/smartlock/{provider_key}/auth", "a new code", body)
        return None

    async def change(self, provider_key: str, standing: RemoteCode, wish: Wish) -> None:
        path = f"/smartlock/{provider_key}/auth/{standing.code_id}"
        await self._call("POST", path, "a changed code", wire.wished(wish), gone=_changed_away)

    async def delete(self, provider_key: str, code_id: str) -> None:
        path = f"/smartlock/{provider_key}/auth/{code_id}"
        await self._call("DELETE", path, "the removal of a code", gone=lambda: None)

    async def move_bolt(self, provider_key: str, *, locked: bool) -> None:
        action = "lock" if locked else "unlock"
        await self._call("POST", f"/smartlock/{provider_key}/action/{action}", action)

    async def subscribe(self) -> None:
        """A decentral webhook, for accounts that have Nuki's Advanced API."""
        await self._marks.standing()
        url = self._context.inbound_url
        if url is None:
            return
        kept = await self._context.store.load(REGISTRATION)
        if kept is not None:
            standing = msgspec.json.decode(kept, type=Registration)
            if standing.url == url:
                self._registration = standing
                return
        body = {"webhookUrl": url, "webhookFeatures": events.FEATURES}
        answer = await self._call("PUT", "/api/decentralWebhook", "a webhook", body)
        made = answer.read(wire.Registered, "PUT /api/decentralWebhook")
        self._registration = Registration(url=url, webhook_id=made.id, secret=made.secret)
        await self._context.store.save(REGISTRATION, msgspec.json.encode(self._registration))

    async def news(self) -> Sequence[News]:
        """The log of all locks together; each entry once."""
        standing = await self._marks.standing()
        log = await self._log(standing.until)
        dates = {entry.id: entry.date for entry in log.values() if entry.date is not None}
        self._marks.read(standing, max(dates.values(), default=standing.until), dates)
        fresh = [entry for entry in log.values() if entry.id not in standing.told]
        fresh.sort(key=lambda entry: (entry.date is not None, entry.date, entry.id))
        return [one for entry in fresh for one in events.news_of_log(entry)]

    async def _log(self, since: datetime) -> Mapping[str, wire.Log]:
        """By their ids. Nuki lists the newest first, and names older ones after an id."""
        found: dict[str, wire.Log] = {}
        params = {"limit": str(LOGS_AT_ONCE), "fromDate": since.isoformat().replace("+00:00", "Z")}
        for _ in range(PAGES_OF_LOGS):
            answer = await self._call("GET", "/smartlock/log", "the log", params=params)
            page = answer.read(list[wire.Log], "GET /smartlock/log")
            known = len(found)
            found.update({entry.id: entry for entry in page})
            if len(page) < LOGS_AT_ONCE or len(found) == known:
                return found
            params["id"] = page[-1].id
        log.warning("nuki.log_cut_short", entries=len(found))
        return found

    async def news_taken(self) -> None:
        await self._marks.taken()

    def received(self, headers: Mapping[str, str], body: bytes) -> Sequence[News]:
        if self._registration is None:
            raise Rejected("signature", "There is no webhook registered with Nuki.")
        events.check_signature(headers, body, self._registration.secret)
        return events.news_of(body)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        what: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        gone: Callable[[], None] | None = None,
    ) -> Answer:
        """The answer of a success. `gone`: called when there is no such code any more."""
        token = self._context.secrets["api_token"].reveal()
        answer = await self._http.call(
            method, path, headers={"authorization": f"Bearer {token}"}, json=body, params=params
        )
        if answer.ok:
            return answer
        if answer.status == 404 and gone is not None:
            gone()
            return answer
        raise error_of(answer, what)


def _changed_away() -> None:
    raise RetryLater("The code is gone from the lock.")


def error_of(answer: Answer, what: str) -> LatchworkError:
    """The error for an answer that is no success. Nuki's own text is looked at and never shown:
    it repeats what was sent."""
    known = {
        402: NeedsAttention(f"{NAME} wants the account to be paid for {what}."),
        405: Unsupported(f"The lock does not support {what}."),
        409: Conflict("The lock holds this PIN already, says Nuki Web."),
        423: RetryLater("The lock has another operation under way.", BUSY),
    }.get(answer.status)
    if known is not None:
        return known
    if answer.status in (400, 422):
        return _malformed(answer, what)
    if answer.status in (502, 503, 504):
        return OutOfReach(f"{NAME} cannot reach the lock (status {answer.status}).")
    return refusal(answer, NAME, what)


def _malformed(answer: Answer, what: str) -> LatchworkError:
    refused = answer.read_or_none(wire.Refused)
    named = NAMED_PARAMETER.search("" if refused is None else refused.detail_message)
    parameter = None if named is None else named[1]
    if parameter == "type":
        return NeedsAttention("The lock has no keypad: pair one with it in the Nuki app.")
    if parameter == "code":
        return wire.wrong_pin()
    return Rejected(parameter or "provider", f"{NAME} refused {what}.")
