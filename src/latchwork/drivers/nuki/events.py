"""Nuki's webhooks and log, and what they tell."""

import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from latchwork.domain.errors import Rejected
from latchwork.drivers.clouds.model import CodeTold, CodeUsed, LocksChanged, News
from latchwork.drivers.nuki.wire import KEYPAD_CODE, Auth, Log, Smartlock

SIGNATURE: Final = "x-nuki-signature-sha256"
FEATURES: Final = ("DEVICE_STATUS", "DEVICE_MASTERDATA", "DEVICE_LOGS", "DEVICE_AUTHS")


class Feature(msgspec.Struct, frozen=True):
    feature: str


def check_signature(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Raises Rejected unless the body is signed with the secret that Nuki gave us."""
    right = hmac.new(secret.encode(), body, "sha256").hexdigest()
    if not hmac.compare_digest(right.encode(), headers.get(SIGNATURE, "").lower().encode()):
        raise Rejected("signature", "The webhook is not signed by Nuki.")


def news_of(body: bytes) -> tuple[News, ...]:
    """Raises Rejected for what is no webhook of Nuki's."""
    try:
        feature = msgspec.json.decode(body, type=Feature).feature
        if feature == "DEVICE_STATUS":
            return (msgspec.json.decode(body, type=Smartlock).changed(),)
        if feature == "DEVICE_MASTERDATA":
            return (LocksChanged(),)
        if feature == "DEVICE_LOGS":
            return news_of_log(_member(body, "smartlockLog", Log))
        if feature == "DEVICE_AUTHS":
            return _news_of_auth(_member(body, "smartlockAuth", Auth))
    except msgspec.DecodeError:
        raise Rejected("body", "This is no webhook of Nuki's.") from None
    return ()


def news_of_log(log: Log) -> tuple[News, ...]:
    locked = log.locked
    if locked is None:
        return ()
    if not log.is_typed or log.auth_id is None:
        return (log.operated(locked=locked),)
    return (
        CodeUsed(
            provider_key=str(log.smartlock_id),
            locked=locked,
            code_id=log.auth_id,
            occurred_at=log.date,
            report_id=log.id,
        ),
    )


def _news_of_auth(auth: Auth) -> tuple[News, ...]:
    if auth.type != KEYPAD_CODE:
        return ()
    key = None if auth.smartlock_id is None else str(auth.smartlock_id)
    return (CodeTold(provider_key=key, code_id=auth.id),)


def _member(body: bytes, name: str, kind: Any) -> Any:
    """An object inside the webhook, or the webhook itself where it is flat."""
    raw = msgspec.json.decode(body, type=dict[str, Any])
    inner = raw.get(name, raw)
    return msgspec.convert(inner, kind)
