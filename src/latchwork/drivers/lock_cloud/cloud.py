"""The contract, called."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
import structlog
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from latchwork.domain.errors import (
    LatchworkError,
    NeedsAttention,
    Rejected,
    RetryLater,
)
from latchwork.domain.pin import Secret
from latchwork.drivers.clouds.http import Answer, CloudHttp
from latchwork.drivers.clouds.model import News, RemoteCode, Wish
from latchwork.drivers.clouds.tokens import Answered, Token, Tokens
from latchwork.drivers.lock_cloud import events, wire
from latchwork.drivers.protocol import DiscoveredDevice, DriverContext

log = structlog.get_logger(__name__)
L = TypeVar("L", wire.LockList, wire.CodeList)

POLL: Final = timedelta(seconds=60)
POLL_BESIDE_EVENTS: Final = timedelta(minutes=10)
PAGES: Final = 100
REGISTRATION: Final = "webhook"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """Of our address for events at the cloud."""

    url: str
    webhook_id: str
    secret: str | None = None


class LockCloud:
    """See `Cloud`."""

    patience = timedelta(0)
    """Under the contract everything that the cloud has taken is listed at once."""

    def __init__(self, context: DriverContext) -> None:
        settings = context.settings
        self._context = context
        self._http = CloudHttp(settings["url"], wire.NAME, context.clock)
        self._token_url: str = settings.get("token_url") or f"{settings['url']}/oauth/token"
        self._tokens = Tokens(context.store, context.clock, self._origin(), self._renew)
        self._registration: Registration | None = None
        self._bridges: dict[str, tuple[str, ...]] = {}

    @property
    def poll_every(self) -> timedelta:
        return POLL if self._registration is None else POLL_BESIDE_EVENTS

    async def locks(self) -> Sequence[DiscoveredDevice]:
        found: list[wire.Lock] = []
        for page in await self._pages("/locks", wire.LockList, "GET /locks"):
            found += [await self._whole(lock) for lock in page.locks if lock.is_lock]
        self._bridges = _by_bridge(found)
        kept = await self._kept_registration()
        return [lock.discovered(pushes_changes=kept is not None) for lock in found]

    async def _whole(self, listed: wire.Lock) -> wire.Lock:
        """A list may be short; the lock itself then tells the rest."""
        if listed.online is not None:
            return listed
        answer = await self._call("GET", f"/locks/{_segment(listed.key)}")
        if not answer.ok:
            return listed
        return listed.filled(answer.read(wire.Lock, "GET /locks/{lock_id}"))

    async def is_online(self, provider_key: str) -> bool:
        answer = await self._call("GET", f"/locks/{_segment(provider_key)}")
        if not answer.ok:
            raise wire.error_of(answer, "the lock")
        return answer.read(wire.Lock, "GET /locks/{lock_id}").online is not False

    async def codes(self, provider_key: str) -> Sequence[RemoteCode]:
        path = f"/locks/{_segment(provider_key)}/access_codes"
        pages = await self._pages(path, wire.CodeList, "GET /locks/{lock_id}/access_codes")
        return [code.remote() for page in pages for code in page.access_codes]

    async def create(self, provider_key: str, wish: Wish) -> str | None:
        answer = await self._call(
            "POST", f"/locks/{_segment(provider_key)}/access_codes", _wished(wish)
        )
        if not answer.ok:
            raise wire.error_of(answer, "a new code")
        taken = answer.read_or_none(wire.Taken)
        # Without an id the cloud's list tells which one it is.
        return None if taken is None else taken.access_code_id

    async def change(
        self,
        provider_key: str,  # noqa: ARG002
        standing: RemoteCode,
        wish: Wish,
    ) -> None:
        path = f"/access_codes/{_segment(standing.code_id)}"
        answer = await self._call("PATCH", path, _wished(wish))
        if answer.ok:
            return
        if wire.is_gone(answer):
            raise RetryLater("The code is gone from the cloud.")
        raise wire.error_of(answer, "a changed code")

    async def delete(self, provider_key: str, code_id: str) -> None:  # noqa: ARG002
        answer = await self._call("DELETE", f"/access_codes/{_segment(code_id)}")
        if not answer.ok and not wire.is_gone(answer):
            raise wire.error_of(answer, "the removal of a code")

    async def move_bolt(self, provider_key: str, *, locked: bool) -> None:
        action = "lock" if locked else "unlock"
        path = f"/locks/{_segment(provider_key)}/actions"
        answer = await self._call("POST", path, {"action": action})
        if not answer.ok:
            raise wire.error_of(answer, action)
        done = answer.read(wire.Action, "POST /locks/{lock_id}/actions")
        if done.status == "failed":
            raise wire.by_error_code(done.error_code, action) or RetryLater(
                "The lock did not move its bolt, says its cloud."
            )

    async def subscribe(self) -> None:
        """Once for an address: a cloud may count every registration."""
        url = self._context.inbound_url
        kept = await self._kept_registration()
        if url is None or (kept is not None and kept.url == url):
            return
        answer = await self._call("POST", "/webhooks", {"url": url, "events": events.WANTED})
        registered = answer.read_or_none(wire.Registered) if answer.ok else None
        if registered is None:
            log.info("lock_cloud.no_webhook", status=answer.status)
            return
        self._registration = Registration(
            url=url, webhook_id=registered.webhook_id, secret=registered.secret
        )
        await self._context.store.save(REGISTRATION, msgspec.json.encode(self._registration))

    async def _kept_registration(self) -> Registration | None:
        if self._registration is None and self._context.inbound_url is not None:
            kept = await self._context.store.load(REGISTRATION)
            if kept is not None:
                found = msgspec.json.decode(kept, type=Registration)
                self._registration = found if found.url == self._context.inbound_url else None
        return self._registration

    async def news(self) -> Sequence[News]:
        return ()

    async def news_taken(self) -> None:
        """Nothing is kept of what a cloud tells by itself."""

    def received(self, headers: Mapping[str, str], body: bytes) -> Sequence[News]:
        secret = None if self._registration is None else self._registration.secret
        if secret is not None:
            try:
                Webhook(secret).verify(body, dict(headers))
            except (WebhookVerificationError, ValueError, KeyError):
                raise Rejected("signature", "The event is not signed by the cloud.") from None
        try:
            event = events.parsed(body)
        except msgspec.DecodeError:
            raise Rejected("body", "The event does not follow the contract.") from None
        return events.news_of(event, self._bridges, hashlib.sha256(body).hexdigest())

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _pages(self, path: str, kind: type[L], what: str) -> list[L]:
        pages: list[L] = []
        params: dict[str, str] = {}
        for _ in range(PAGES):
            answer = await self._call("GET", path, params=params)
            if not answer.ok:
                raise wire.error_of(answer, what)
            page = answer.read(kind, what)
            pages.append(page)
            if not page.next_cursor:
                return pages
            params = {"cursor": page.next_cursor}
        raise NeedsAttention(f"{wire.NAME} answers {what} without an end.")

    async def _call(
        self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None
    ) -> Answer:
        """Once more, with a new token, when the cloud no longer takes the old one."""
        token = await self._access(None)
        answer = await self._send(method, path, token, body, params)
        if answer.status != 401:
            return answer
        token = await self._access(token)
        return await self._send(method, path, token, body, params)

    async def _send(
        self, method: str, path: str, token: Secret, body: Any, params: Mapping[str, str] | None
    ) -> Answer:
        headers = {"authorization": f"Bearer {token.reveal()}"}
        return await self._http.call(method, path, headers=headers, json=body, params=params)

    async def _access(self, rejected: Secret | None) -> Secret:
        static = self._context.secrets.get("access_token")
        if static is not None and "refresh_token" not in self._context.secrets:
            return static
        return await self._tokens.access(rejected)

    def _origin(self) -> str:
        """Tells one refresh token from another without keeping it."""
        given = self._context.secrets.get("refresh_token")
        seed = b"" if given is None else given.reveal().encode()
        return hashlib.sha256(b"refresh token\0" + seed).hexdigest()[:32]

    async def _renew(self, standing: Token | None) -> Token:
        given = self._context.secrets.get("refresh_token")
        refresh = standing.refresh if standing is not None and standing.refresh else given
        if refresh is None:
            raise NeedsAttention("The account needs an access token or a refresh token.")
        form = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        if client_id := self._context.settings.get("client_id"):
            form["client_id"] = client_id
        if client_secret := self._context.secrets.get("client_secret"):
            form["client_secret"] = client_secret.reveal()
        answer = await self._http.call("POST", self._token_url, form=form)
        if not answer.ok:
            raise _not_renewed(answer)
        return answer.read(Answered, "its token address").token(
            self._context.clock.now(), standing, self._origin()
        )


def _not_renewed(answer: Answer) -> LatchworkError:
    if answer.status >= 500:
        return RetryLater(f"{wire.NAME} could not renew the access token.")
    return NeedsAttention(
        f"{wire.NAME} does not renew the access token any more (status {answer.status}). "
        "Connect the account anew."
    )


def _wished(wish: Wish) -> dict[str, Any]:
    window = wish.window
    return {
        "name": wish.name,
        "code": wish.pin.reveal(),
        "starts_at": None if window is None else window.starts_at,
        "ends_at": None if window is None else window.ends_at,
    }


def _by_bridge(locks: Sequence[wire.Lock]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for lock in locks:
        if lock.bridge_id is not None:
            found[lock.bridge_id] = (*found.get(lock.bridge_id, ()), str(lock.key))
    return found


def _segment(identifier: str | None) -> str:
    """An id as one segment of a path."""
    return quote(identifier or "", safe="")
