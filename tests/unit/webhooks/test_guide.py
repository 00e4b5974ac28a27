"""The receiver that docs/webhooks.md shows works on what is really sent."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from svix.webhooks import WebhookVerificationError

from latchwork.webhooks.signing import new_secret, signed_headers

GUIDE = Path(__file__).parents[3] / "docs" / "webhooks.md"


def test_the_receiver_of_the_guide() -> None:
    secret = new_secret(b"g" * 32)
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code.replace("whsec_...", secret.reveal()), names)
    body = b'{"event_id":"e-1","event_type":"access_code.set_on_device"}'
    headers = signed_headers([secret], "msg-1", datetime.now(UTC), body)
    assert names["receive"](body.decode(), headers) == "access_code.set_on_device"
    with pytest.raises(WebhookVerificationError):
        names["receive"](body.decode() + " ", headers)
