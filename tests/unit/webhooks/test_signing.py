"""The official libraries verify our bytes, and refuse them with one byte changed."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from seam import SeamWebhook
from standardwebhooks.webhooks import Webhook as StandardWebhook
from svix.webhooks import Webhook as SvixWebhook
from svix.webhooks import WebhookVerificationError

from latchwork.webhooks.signing import new_secret, signed_headers

SECRET = new_secret(bytes(range(32)))
MESSAGE_ID = "01977a3e-5f7c-7c1e-9d5e-0a4f8f3b2c11"
BODY = json.dumps(
    {
        "event_id": "1d0d9b5c-6a3c-4d6e-8b52-0f5d6a4b8c11",
        "event_type": "access_code.set_on_device",
        "name": "Zoë, Gäste",
    },
    ensure_ascii=False,
).encode()


def headers(prefix: str, at: datetime | None = None) -> dict[str, str]:
    every = signed_headers([SECRET], MESSAGE_ID, at or datetime.now(UTC), BODY)
    return {name: value for name, value in every.items() if name.startswith(prefix)}


@pytest.mark.parametrize("prefix", ["svix-", "webhook-"])
def test_svix_verifies_either_set_of_headers(prefix: str) -> None:
    payload = SvixWebhook(SECRET.reveal()).verify(BODY, headers(prefix))
    assert payload["event_type"] == "access_code.set_on_device"


def test_standard_webhooks_verifies() -> None:
    assert StandardWebhook(SECRET.reveal()).verify(BODY, headers("webhook-"))


def test_seam_verifies_and_reads_the_event() -> None:
    event = SeamWebhook(SECRET.reveal()).verify(BODY.decode(), headers("svix-"))
    assert event.event_type == "access_code.set_on_device"


@pytest.mark.parametrize("place", [0, len(BODY) // 2, len(BODY) - 2])
def test_one_flipped_byte_of_the_body_fails(place: int) -> None:
    forged = bytearray(BODY)
    forged[place] ^= 1
    with pytest.raises(WebhookVerificationError):
        SvixWebhook(SECRET.reveal()).verify(forged.decode(), headers("svix-"))


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_one_changed_character_of_a_header_fails(name: str) -> None:
    forged = headers("svix-")
    value = forged[name]
    at = len("v1,") if name == "svix-signature" else len(value) - 1
    forged[name] = value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1 :]
    with pytest.raises(WebhookVerificationError):
        SeamWebhook(SECRET.reveal()).verify(BODY.decode(), forged)


def test_another_endpoints_secret_fails() -> None:
    with pytest.raises(WebhookVerificationError):
        SvixWebhook(new_secret(b"x" * 32).reveal()).verify(BODY, headers("svix-"))


def test_w2_old_and_new_secret_both_verify_while_a_secret_rotates() -> None:
    new = new_secret(b"n" * 32)
    every = signed_headers([new, SECRET], MESSAGE_ID, datetime.now(UTC), BODY)
    assert len(every["svix-signature"].split(" ")) == 2
    for secret in (new, SECRET):
        assert SvixWebhook(secret.reveal()).verify(BODY, every)
        assert SeamWebhook(secret.reveal()).verify(BODY.decode(), every)
        assert StandardWebhook(secret.reveal()).verify(BODY, every)
    with pytest.raises(WebhookVerificationError):
        SvixWebhook(new_secret(b"x" * 32).reveal()).verify(BODY, every)


def test_an_old_signature_is_refused_by_the_receiver() -> None:
    with pytest.raises(WebhookVerificationError):
        SvixWebhook(SECRET.reveal()).verify(
            BODY, headers("svix-", datetime.now(UTC) - timedelta(minutes=6))
        )


def test_timestamps_are_whole_seconds_and_both_sets_agree() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    every = signed_headers([SECRET], MESSAGE_ID, at, BODY)
    assert every["svix-timestamp"] == str(int(at.replace(microsecond=0).timestamp()))
    for key in ("id", "timestamp", "signature"):
        assert every[f"svix-{key}"] == every[f"webhook-{key}"]


def test_a_secret_is_32_bytes_in_base64_and_masked() -> None:
    prefix, _, encoded = SECRET.reveal().partition("_")
    assert prefix == "whsec"
    assert b64decode(encoded, validate=True) == bytes(range(32))
    assert encoded not in repr(SECRET)
    with pytest.raises(ValueError, match="32 bytes"):
        new_secret(b"short")
