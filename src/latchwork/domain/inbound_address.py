"""Addresses at which providers deliver to us: one for an account, unguessable, derived and never
stored."""

import base64
from collections.abc import Callable
from hmac import compare_digest
from typing import Final

PATH: Final = "/latchwork/inbound/"
_MAC_SIZE: Final = 18


class InboundAddresses:
    """`mac` is a keyed hash of an account's id; `public_url` is where providers reach us, None
    where that is not known."""

    def __init__(self, mac: Callable[[str], bytes], public_url: str | None) -> None:
        self._mac = mac
        self._public_url = public_url

    def url(self, account_id: str) -> str | None:
        """A secret: who knows it can deliver to the account."""
        if self._public_url is None:
            return None
        return f"{self._public_url}{PATH}{self.token(account_id)}"

    def token(self, account_id: str) -> str:
        mac = base64.urlsafe_b64encode(self._mac(account_id)[:_MAC_SIZE]).decode()
        return f"{account_id}.{mac}"

    def account_of(self, token: str) -> str | None:
        """The account of a token that we made; None for any other."""
        account_id, _, _ = token.rpartition(".")
        if not account_id or not token.isascii():
            return None
        return account_id if compare_digest(self.token(account_id), token) else None
