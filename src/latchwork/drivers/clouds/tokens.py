"""OAuth access tokens, renewed in time and kept over restarts."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from latchwork.domain.pin import Secret
from latchwork.drivers.protocol import DriverClock, DriverStore

KEY: Final = "token"
MARGIN: Final = timedelta(minutes=2)
"""A token is renewed this long before it expires."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    access: Secret
    refresh: Secret | None = None
    expires_at: datetime | None = None
    """None: the cloud did not say."""
    origin: str = ""
    """Tells the credentials apart that it was got with: new ones make it void."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A token endpoint's answer (RFC 6749)."""

    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None

    def token(self, now: datetime, standing: Token | None, origin: str) -> Token:
        """A cloud that sends no new refresh token lets the old one stand."""
        refresh = None if standing is None else standing.refresh
        if self.refresh_token:
            refresh = Secret(self.refresh_token)
        expires = None if self.expires_in is None else now + timedelta(seconds=self.expires_in)
        return Token(
            access=Secret(self.access_token), refresh=refresh, expires_at=expires, origin=origin
        )


class Tokens:
    """Hands out the access token; `renew(standing)` gets a new one from the cloud."""

    def __init__(
        self,
        store: DriverStore,
        clock: DriverClock,
        origin: str,
        renew: Callable[[Token | None], Awaitable[Token]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._origin = origin
        self._renew = renew
        self._token: Token | None = None
        self._turn = asyncio.Lock()

    async def access(self, rejected: Secret | None = None) -> Secret:
        """A token that is valid as far as is known, and not the rejected one."""
        async with self._turn:
            if self._token is None or self._is_stale(self._token, rejected):
                # It may have been renewed before: by an earlier run, or by another process.
                self._token = await self._load() or self._token
            if self._token is None or self._is_stale(self._token, rejected):
                self._token = await self._renew(self._token)
                await self._store.save(KEY, _encode(self._token))
            return self._token.access

    def _is_stale(self, token: Token, rejected: Secret | None) -> bool:
        if rejected is not None and token.access == rejected:
            return True
        return token.expires_at is not None and token.expires_at - self._clock.now() <= MARGIN

    async def _load(self) -> Token | None:
        kept = await self._store.load(KEY)
        token = None if kept is None else _decode(kept)
        return token if token is not None and token.origin == self._origin else None


def _encode(token: Token) -> bytes:
    return msgspec.json.encode(token, enc_hook=_reveal)


def _decode(kept: bytes) -> Token | None:
    try:
        return msgspec.json.decode(kept, type=Token, dec_hook=_conceal)
    except msgspec.DecodeError:
        return None


def _reveal(value: Any) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(type(value).__name__)


def _conceal(kind: type, value: Any) -> Any:
    return kind(value)
