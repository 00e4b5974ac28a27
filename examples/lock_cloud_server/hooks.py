"""Events to everybody who registered an address, signed after the Standard Webhooks rules: to each
in order, and again while the receiver does not take them."""

import asyncio
import base64
import json
import secrets
from datetime import UTC, datetime
from typing import Any

import aiohttp
from standardwebhooks.webhooks import Webhook

FIRST_WAIT = 0.2
LONGEST_WAIT = 60.0
TRIES = 40


class Address:
    """One receiver and the events that wait for it."""

    def __init__(self, url: str, events: list[str]) -> None:
        self.webhook_id = f"wh_{secrets.token_hex(6)}"
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.wanted = frozenset(events)
        self._url = url
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task = asyncio.get_running_loop().create_task(self._run())

    def tell(self, event: dict[str, Any]) -> None:
        if event["event_type"] in self.wanted:
            self._waiting.put_nowait(event)

    def close(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                await self._deliver(session, json.dumps(await self._waiting.get()))

    async def _deliver(self, session: aiohttp.ClientSession, body: str) -> None:
        message_id, wait = f"msg_{secrets.token_hex(8)}", FIRST_WAIT
        for _ in range(TRIES):
            now = datetime.now(UTC)
            headers = {
                "content-type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": Webhook(self.secret).sign(message_id, now, body),
            }
            try:
                async with session.post(self._url, data=body.encode(), headers=headers) as answer:
                    if 200 <= answer.status < 300:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)


class Hooks:
    def __init__(self) -> None:
        self._addresses: dict[str, Address] = {}

    def register(self, url: str, events: list[str]) -> dict[str, Any]:
        """A new registration of an address takes the place of the earlier one."""
        if url in self._addresses:
            self._addresses[url].close()
        made = self._addresses[url] = Address(url, events)
        return {"webhook_id": made.webhook_id, "status": "active", "secret": made.secret}

    def tell(self, event_type: str, **members: Any) -> None:
        event = {"event_type": event_type, **members, "timestamp": datetime.now(UTC).isoformat()}
        for address in self._addresses.values():
            address.tell(event)

    def close(self) -> None:
        for address in self._addresses.values():
            address.close()
