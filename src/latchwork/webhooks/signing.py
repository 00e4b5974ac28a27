"""Signatures on outgoing webhooks, as the svix and Standard Webhooks libraries verify them."""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from standardwebhooks.webhooks import Webhook as Signer

from latchwork.domain.pin import Secret

SECRET_BYTES: Final = 32


def new_secret(entropy: bytes) -> Secret:
    """An endpoint's secret, `whsec_` and base64, of 32 bytes from a secure source."""
    if len(entropy) != SECRET_BYTES:
        raise ValueError(f"a webhook secret takes {SECRET_BYTES} bytes of entropy")
    return Secret(f"whsec_{b64encode(entropy).decode()}")


def signed_headers(
    secrets: Sequence[Secret], message_id: str, at: datetime, body: bytes
) -> dict[str, str]:
    """The id, the time and a signature over both and the UTF-8 `body` with each secret, under
    Svix's names and Standard Webhooks'. `at`: an aware UTC instant; receivers refuse old ones."""
    text = body.decode()
    signatures = [Signer(one.reveal()).sign(message_id, at, text) for one in secrets]
    values = {
        "id": message_id,
        "timestamp": str(int(at.timestamp())),
        "signature": " ".join(signatures),
    }
    return {f"{name}-{key}": value for name in ("svix", "webhook") for key, value in values.items()}
